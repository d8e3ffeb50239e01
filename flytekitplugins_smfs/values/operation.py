"""What every operation speaks in: owners, handles, phases and progress."""

from __future__ import annotations

import enum
import hashlib
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from flytekitplugins_smfs.values.base import Value

ResultT = TypeVar("ResultT")


class Owner(Value):
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


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class Phase(enum.StrEnum):
    """Where an operation is. The last three are final."""

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


class Link(Value):
    """A page or log a person may want to open."""

    name: str
    url: str


class Handle(Value):
    """Everything needed later to poll or cancel: small, versioned JSON; no secrets."""

    version: Literal[1] = 1
    region: str
    owner: Owner
    started_at: datetime

    def encode(self) -> bytes:
        """As bytes of JSON."""
        return self.model_dump_json(exclude_none=True).encode()


class Progress(Value, Generic[ResultT]):
    """One answer of `poll`."""

    phase: Phase
    message: str = ""
    links: tuple[Link, ...] = ()
    fraction: Annotated[float, Field(ge=0, le=1)] | None = None
    """How much is done, where that is known."""
    result: ResultT | None = None
    """Set exactly when the phase is SUCCEEDED."""


class LogPage(Value):
    """Some lines of an operation's log and where the next ones begin."""

    lines: tuple[str, ...] = ()
    cursor: str | None = None
