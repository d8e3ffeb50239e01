"""What the model does not serve is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import grpc

from tests.cluster.model.rules import FIRST_LINE

S = TypeVar("S", bound=type)


def refusing(base: type) -> Callable[[S], S]:
    """Every method of flyteidl's servicer that a class does not serve by itself answers UNIMPLEMENTED."""

    def decorate(servicer: S) -> S:
        for name, method in vars(base).items():
            if name[0].isupper() and getattr(servicer, name) is method:
                setattr(servicer, name, _refusal(name))
        return servicer

    return decorate


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{FIRST_LINE} It does not serve {name}.")

    return refuse


def missing(context: grpc.ServicerContext, what: str) -> Any:
    context.abort(grpc.StatusCode.NOT_FOUND, f"missing entity {what}")


def invalid(context: grpc.ServicerContext, why: str) -> Any:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, why)
