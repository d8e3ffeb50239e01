"""The one idea: an operation is started, asked how far it is, asked once for its result, and can be cancelled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.followed import Seen
from flytekitplugins_smfs.aws.kinds import Kind
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.values.base import Timing, Value
from flytekitplugins_smfs.values.errors import Denied
from flytekitplugins_smfs.values.operation import Handle, Link, LogPage, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Record

SpecT = TypeVar("SpecT", bound=Value)
HandleT = TypeVar("HandleT", bound=Handle)
ResultT = TypeVar("ResultT", bound=Value)
OUTPUT = "o0"
NO_ORDER = Order()


class Operation(ABC, Generic[SpecT, HandleT, ResultT]):
    """Something AWS does for us that is slow, costs money and may outlive us.

    A subclass says what it is called, which values it takes and gives, and how to `start` it, tell its `state` and
    `result`, and `cancel` it. It holds nothing: everything needed later is in the handle.
    """

    name: ClassVar[str]
    """Such as `lustre-create`; with `smfs-` before it, the Flyte task type."""
    spec_type: ClassVar[type[Any]]
    handle_type: ClassVar[type[Any]]
    result_type: ClassVar[type[Any]]
    removes: ClassVar[bool] = False
    """Whether it removes what its execution made."""
    writes_outputs: ClassVar[bool] = False
    """Whether the work itself writes the task's outputs under the order's output prefix (`outputs.pb`, `error.pb`)."""

    @abstractmethod
    def start(self, aws: Aws, spec: SpecT, owner: Owner, order: Order = NO_ORDER) -> HandleT:
        """Begin, and return at once. Idempotent: killed between any two steps and started again by the same owner,
        exactly one resource is there. What exists is adopted only if it is what the spec asks for."""

    @abstractmethod
    def state(self, aws: Aws, handle: HandleT) -> State:
        """How far it is, in one cheap answer. With SUCCEEDED its record is what told the end. May raise AwsFault."""

    @abstractmethod
    def result(self, aws: Aws, handle: HandleT, state: State) -> ResultT:
        """The product, from the record that told the end. May be asked again. May raise AwsFault."""

    @abstractmethod
    def cancel(self, aws: Aws, handle: HandleT) -> bool:
        """Ask for the end of what was started; True once it is seen to have ended. What is gone or finished
        counts as ended. Call again until True."""

    def extras(self, aws: Aws, handle: HandleT, state: State, result: ResultT) -> ResultT:
        """The result with what is good to have and may be missing, such as a curve. The caller bounds its time."""
        return result

    def farewell(self, aws: Aws, handle: HandleT, state: State) -> str:
        """What is good to know of a failure beside its reason, such as the log's last lines; bounded likewise."""
        return ""

    def output_types(self) -> Record:
        """The task's named outputs and their types."""
        return {OUTPUT: self.result_type}

    def outputs(self, result: ResultT) -> Record:
        """The result as the task's named outputs."""
        return {OUTPUT: result}

    def logs(self, aws: Aws, handle: HandleT, cursor: str | None = None) -> LogPage:
        """Log lines after `cursor` (from the beginning without one). Operations without a log have none."""
        return LogPage(cursor=cursor)

    def links(self, aws: Aws, handle: HandleT) -> tuple[Link, ...]:
        """Pages about it; known without asking AWS."""
        return ()

    def what(self, handle: HandleT) -> str:
        """What the handle stands for, for a person: `file system fs-...`."""
        return self.name

    def leaves(self, handle: HandleT) -> str:
        """What costs money if it can be neither followed nor cancelled; empty for nothing."""
        return ""


class Paced(Operation[SpecT, HandleT, ResultT]):
    """An operation whose create AWS takes so slowly that it waits for its turn. Its id is known before it is made."""

    turn: ClassVar[tuple[str, str] | None] = None
    """Service and operation of the create; None where AWS is quick."""

    @abstractmethod
    def plan(self, aws: Aws, spec: SpecT, owner: Owner) -> HandleT:
        """The handle of what is to be made; or of what an earlier attempt made, runs, and is what the spec asks for."""

    @abstractmethod
    def make(self, aws: Aws, spec: SpecT, handle: HandleT, order: Order) -> bool:
        """Make what was planned, unless it is there. Idempotent. False where the answer was lost and AWS does not show
        it: the first state will tell, or it is made again."""

    def start(self, aws: Aws, spec: SpecT, owner: Owner, order: Order = NO_ORDER) -> HandleT:
        handle = self.plan(aws, spec, owner)
        self.make(aws, spec, handle, order)
        return as_of_now(handle)  # it may have waited long for its turn


AnyOperation = Operation[Any, Any, Any]
AnyPaced = Paced[Any, Any, Any]


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


NEW = timedelta(seconds=30)
"""For how long AWS may not show everywhere what was just made."""


def is_new(handle: Handle) -> bool:
    """Whether it was started so lately that AWS may not show it yet."""
    return now() - handle.started_at < NEW


def as_of_now(handle: HandleT) -> HandleT:
    """The handle of what is made just now, however long ago it was planned."""
    return handle.model_copy(update={"started_at": now()})


def timing(handle: Handle, began: datetime | None = None, ended: datetime | None = None) -> Timing:
    """When it began and ended by AWS's own account. Where AWS keeps none: from the handle's start until now, which on a
    cluster may be one of Flyte's ticks late."""
    ended = ended or now()
    return Timing(started_at=min(began or handle.started_at, ended), ended_at=ended)


def seen(aws: Aws, kind: Kind, id: str, handle: Handle) -> Seen:
    """What the shared view knows of one resource. Raises the fault where nothing is known, or where it is denied."""
    found = view(aws).ask(kind, id, handle.started_at, aws.wait)
    if found.fault is not None and (isinstance(found.fault, Denied) or (found.record is None and not found.gone)):
        raise found.fault
    return found


def unknown(aws: Aws, handle: Handle, links: tuple[Link, ...], what: str) -> State:
    """The state of what nothing is known of yet. What is not new is taken for running: it most likely is."""
    age = (now() - handle.started_at).total_seconds()
    if is_new(handle):
        return State(Phase.QUEUED, f"{what} was started", links, age=age)
    return State(Phase.RUNNING, f"{what}: its state is being asked for", links, age=age)
