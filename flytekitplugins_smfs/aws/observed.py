"""Who wants to know of every AWS call: a face adds what it does with them. This room knows no metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flytekitplugins_smfs.values.errors import AwsFault


@dataclass(frozen=True)
class Call:
    """One call that was made."""

    service: str
    operation: str
    seconds: float
    fault: AwsFault | None
    """What came of it instead of an answer."""


listeners: list[Callable[[Call], None]] = []


def tell(call: Call) -> None:
    """Let everybody know."""
    for listener in tuple(listeners):
        listener(call)
