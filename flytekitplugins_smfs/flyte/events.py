"""What happens in a connector, told to whoever wants to know: its log and its metrics."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from flytekitplugins_smfs.values.operation import Owner, Phase


class Kind(enum.StrEnum):
    """What Flyte asked for, and the end of an operation."""

    CREATE = "create"
    GET = "get"
    END = "end"
    DELETE = "delete"


@dataclass(frozen=True)
class Event:
    """One of them. Ids and times, never a spec, an input or an environment."""

    kind: Kind
    operation: str
    owner: Owner | None = None
    resource: str = ""
    """What it is about, for a person: `training job digits-train-0123456789`."""
    region: str = ""
    phase: Phase | None = None
    seconds: float = 0.0
    """How long the request took; at the end, how long the operation did."""
    waits: bool = False
    """Whether a create waits for its turn."""
    problem: str = ""


listeners: list[Callable[[Event], None]] = []


def tell(event: Event) -> None:
    """Let everybody know."""
    for listener in tuple(listeners):
        listener(event)
