"""What every operation speaks in: owners, handles, orders, states and answers."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from flytekitplugins_smfs.values.base import Result


class Owner(Result):
    """Whose work this is: an execution, one of its steps, and the attempt at it.

    Names, tags and client tokens derive from it, so that a second start of the same attempt finds what
    the first one made.
    """

    execution: Annotated[str, Field(min_length=1, max_length=200)]
    """`project/domain/execution id`; the same for all steps of one execution."""
    step: Annotated[str, Field(min_length=1)]
    """The node, or locally the task's name and how many times it was called before."""
    attempt: Annotated[int, Field(ge=0)] = 0

    @property
    def key(self) -> str:
        """16 hex digits that stand for execution and step: the same for every attempt."""
        return _digest(self.execution, self.step)

    @property
    def attempt_key(self) -> str:
        """16 hex digits that stand for execution, step and attempt."""
        return _digest(self.execution, self.step, str(self.attempt))

    def at(self, attempt: int) -> Owner:
        """The same step at another attempt."""
        return self.model_copy(update={"attempt": attempt})


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Order:
    """What a start may need beside the spec, because the face that starts it knows it."""

    output_prefix: str = ""
    """Where outputs of this attempt lie, as a URI; empty where the face keeps none."""
    command: tuple[str, ...] = ()
    """The rendered command of a task whose body runs inside the job."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables that the command needs."""


class Phase(enum.StrEnum):
    """Where an operation is. The last three are final."""

    WAITING = "waiting"
    """Its creation waits for its turn: AWS takes only so many a second."""
    QUEUED = "queued"
    INITIALIZING = "initializing"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRYABLE_FAILED = "retryable_failed"

    @property
    def final(self) -> bool:
        """Whether the operation has ended."""
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.RETRYABLE_FAILED)


@dataclass(frozen=True)
class Link:
    """A page or log a person may want to open."""

    name: str
    url: str


class Handle(Result):
    """Everything needed later to ask or cancel: small JSON of ids and texts; no secrets.

    Another release reads it too: unknown fields are passed over, and no field may be limited to what is known today.
    """

    version: int = 1
    region: str
    owner: Owner
    started_at: datetime
    """When it was asked for; for what waited within its start, when it was made."""

    def encode(self) -> bytes:
        """As bytes of JSON."""
        return self.model_dump_json(exclude_none=True).encode()


@dataclass(frozen=True)
class State:
    """One cheap answer to how far an operation is."""

    phase: Phase
    message: str = ""
    links: tuple[Link, ...] = ()
    fraction: float | None = None
    """How much is done, from 0 to 1, where that is known."""
    record: Any = None
    """What AWS said that told the end; the result is built from it."""
    age: float = 0.0
    """Seconds since AWS was last asked so that a change would have shown."""

    def linked(self, links: tuple[Link, ...]) -> Self:
        """The same with links."""
        return replace(self, links=links)


@dataclass(frozen=True)
class Answer(State):
    """A state, and with SUCCEEDED the result."""

    result: Any = None

    @classmethod
    def of(cls, state: State, result: Any = None) -> Answer:
        """The state with a result."""
        return cls(state.phase, state.message, state.links, state.fraction, state.record, state.age, result)


class LogPage(Result):
    """Some lines of an operation's log and where the next ones begin."""

    lines: tuple[str, ...] = ()
    cursor: str | None = None
