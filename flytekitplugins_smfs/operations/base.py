"""The one idea: an operation is started, polled until it ends, and can be cancelled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.base import Timing, Value
from flytekitplugins_smfs.values.errors import AwsFault
from flytekitplugins_smfs.values.operation import Handle, LogPage, Owner, Phase, Progress

SpecT = TypeVar("SpecT", bound=Value)
HandleT = TypeVar("HandleT", bound=Handle)
ResultT = TypeVar("ResultT", bound=Value)


class Operation(ABC, Generic[SpecT, HandleT, ResultT]):
    """Something AWS does for us that is slow, costs money and may outlive us.

    A subclass says what it is called, which values it takes and gives, and how to `start`, `look` and `cancel`.
    It holds no state: everything needed later is in the handle.
    """

    name: ClassVar[str]
    """Such as `lustre-create`; with `smfs-` before it, the Flyte task type."""
    spec_type: ClassVar[type[Any]]
    handle_type: ClassVar[type[Any]]
    result_type: ClassVar[type[Any]]

    @abstractmethod
    def start(self, aws: Aws, spec: SpecT, owner: Owner) -> HandleT:
        """Begin, and return at once. Idempotent: killed between any two steps and started again by the same owner,
        exactly one resource is there. What exists is adopted only if its fingerprint agrees."""

    @abstractmethod
    def look(self, aws: Aws, handle: HandleT) -> Progress[ResultT]:
        """Ask AWS how far it is. May raise AwsFault; `poll` answers for it."""

    @abstractmethod
    def cancel(self, aws: Aws, handle: HandleT) -> bool:
        """Ask for the end of what was started; True once it is seen to have ended. What is gone or finished
        counts as ended. Call again until True."""

    def logs(self, aws: Aws, handle: HandleT, cursor: str | None = None) -> LogPage:
        """Log lines after `cursor` (from the beginning without one). Operations without a log have none."""
        return LogPage(cursor=cursor)

    def what(self, handle: HandleT) -> str:
        """What the handle stands for, for a person: `file system fs-...`."""
        return self.name

    def poll(self, aws: Aws, handle: HandleT, last: Progress[ResultT] | None = None) -> Progress[ResultT]:
        """How far it is. Never raises for what AWS answers: an AWS failure to tell is not a failure of the work.

        Where AWS does not say just now, the answer is what was known `last`, with its links: Flyte records links
        once for each phase, so a made-up phase without links would hide them for good.
        """
        try:
            return self.look(aws.at(handle.region).impatient(), handle)
        except AwsFault as fault:
            phase, links = (last.phase, last.links) if last else (Phase.QUEUED, ())
            return Progress(phase=phase, links=links, message=f"Its state could not be read just now. {fault}")


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


NEW = timedelta(seconds=30)
"""For how long AWS may not show everywhere what was just made."""


def is_new(handle: Handle) -> bool:
    """Whether it was started so lately that AWS may not show it yet."""
    return now() - handle.started_at < NEW


def timing(handle: Handle) -> Timing:
    """From the handle's start until now."""
    return Timing(started_at=handle.started_at, ended_at=now())
