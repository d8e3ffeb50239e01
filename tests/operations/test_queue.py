"""Creates that wait for their turn are made once, in their order, at AWS's pace, or not at all. N2, C107"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import Paced, is_new
from flytekitplugins_smfs.operations.queue import LONGEST_PAUSE, TOMBSTONE, Queue, Ticket
from flytekitplugins_smfs.values.errors import (
    AwsFault,
    Capacity,
    Conflict,
    Credentials,
    Denied,
    FingerprintMismatch,
    Invalid,
    SettingsError,
    Throttled,
    Transient,
)
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import wait_for

SPEC = {"spec": {}}


class Died(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


class Answering(Aws):
    """Its calls are answered without AWS."""

    def _method(self, service: str, operation: str) -> Callable[..., Any]:
        return lambda **request: {}


def fault(kind: type[AwsFault]) -> AwsFault:
    return kind(doing="creating", service="fake", operation="Create", code="Code", text="so it is")


@dataclass
class Store:
    """The place of one spec. It outlives a queue as an object store does."""

    document: dict[str, Any] | None = None
    broken: set[str] = field(default_factory=set)
    """What cannot be done there: read, write, remove."""

    def read(self) -> dict[str, Any] | None:
        self._may("read")
        return self.document

    def write(self, document: dict[str, Any]) -> None:
        self._may("write")
        self.document = document

    def remove(self) -> None:
        self._may("remove")
        self.document = None

    def _may(self, verb: str) -> None:
        if verb in self.broken:
            raise OSError(f"nobody may {verb} here")


class Making(Paced[Any, Handle, Any]):
    """Makes jobs by the name of their step. What is there is not made again."""

    name = "fake"
    turn = ("fake", "Create")

    def __init__(self) -> None:
        self.there: list[str] = []
        self.asked: list[str] = []
        """Every create that was tried."""
        self.faults: dict[str, list[BaseException]] = {}
        self.lost: dict[str, int] = {}
        """How often the request for a job does not arrive, without anybody's saying so."""
        self.during: dict[str, Callable[[], Any]] = {}
        """What happens while it is being made, after AWS has taken it."""
        self.cancelled: list[str] = []
        self.cancelled_as_new: list[bool] = []
        """Of each cancel, whether AWS's not showing it was to be taken for its end."""
        self.cancels: list[bool | Exception] = []
        """What the next cancels come to; then True."""
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def plan(self, aws: Aws, spec: Any, owner: Owner) -> Handle:
        return Handle(region=aws.region, owner=owner, started_at=datetime.now(UTC) - timedelta(hours=1))

    def make(self, aws: Aws, spec: Any, handle: Handle, order: Order) -> bool:
        job = spec["job"]
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.asked.append(job)
            if self.faults.get(job):
                raise self.faults[job].pop(0)
            if self.lost.get(job, 0):
                self.lost[job] -= 1
                return False
            aws.call("fake", "Create", {"Name": job}, doing=f"creating {job}")
            if job not in self.there:
                self.there.append(job)
            self.during.pop(job, lambda: None)()
            return True
        finally:
            with self._lock:
                self.at_once -= 1

    def state(self, aws: Aws, handle: Handle) -> State:
        raise NotImplementedError

    def result(self, aws: Aws, handle: Handle, state: State) -> Any:
        raise NotImplementedError

    def cancel(self, aws: Aws, handle: Handle) -> bool:
        self.cancelled_as_new.append(is_new(handle))
        self.cancelled.append(self.what(handle))
        answer = self.cancels.pop(0) if self.cancels else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def what(self, handle: Handle) -> str:
        return f"{handle.owner.step}, attempt {handle.owner.attempt}"

    def leaves(self, handle: Handle) -> str:
        return "It costs money."


class Adopting(Making):
    """Its attempts all take up the same job."""

    def what(self, handle: Handle) -> str:
        return handle.owner.step


@dataclass
class Waiting:
    """One queue, and what a test needs around it."""

    operation: Making = field(default_factory=Making)
    pauses: list[float] = field(default_factory=list)
    aws: Aws = field(
        default_factory=lambda: Answering(Settings(endpoint="aws", region="us-east-1", requests_per_second=1000))
    )

    def __post_init__(self) -> None:
        self.queue = Queue(lambda region: self.aws, self.pauses.append)

    def ticket(self, job: str, attempt: int = 0, store: Store | None = None) -> Ticket:
        """It has waited for an hour."""
        owner = Owner(execution="project/domain/run", step=job, attempt=attempt)
        handle = self.operation.plan(self.aws, SPEC, owner)
        return Ticket(self.operation, {"job": job}, owner, Order(), handle, store or Store(dict(SPEC)))

    def submit(self, job: str, attempt: int = 0, store: Store | None = None) -> Ticket:
        ticket = self.ticket(job, attempt, store)
        self.queue.submit(ticket)
        return ticket

    def settled(self, *tickets: Ticket) -> None:
        """Wait until none of them waits."""
        for ticket in tickets:
            wait_for(lambda one=ticket: _phase(self.queue.state(one.key)) is not Phase.WAITING)  # type: ignore[misc]


def _phase(state: State | None) -> Phase | None:
    return state.phase if state else None


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def held(waiting: Waiting) -> Iterator[Callable[[], None]]:
    """A job that is being made all the while, until the test lets it be."""
    begun, over = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        over.wait(30)

    waiting.operation.during["held"] = hold
    waiting.submit("held")
    begun.wait(30)
    yield over.set
    over.set()


# --- order and pace ---------------------------------------------------------------------------------------------------


def test_they_are_made_in_their_order_and_one_at_a_time(waiting: Waiting, held: Callable[[], None]) -> None:  # C107
    tickets = [waiting.submit(f"job-{number}") for number in range(6)]
    told = [waiting.queue.state(one.key) for one in tickets]
    assert {_phase(one) for one in told} == {Phase.WAITING}
    assert [one.message.rpartition(": ")[2] for one in told if one] == [f"{n} before it" for n in range(1, 7)]
    assert waiting.operation.there == ["held"]
    held()
    waiting.settled(*tickets)
    assert waiting.operation.there == ["held", *(f"job-{number}" for number in range(6))]
    assert waiting.operation.most_at_once == 1


def test_what_was_made_is_told_and_its_spec_is_removed(waiting: Waiting) -> None:
    ticket = waiting.submit("job")
    waiting.settled(ticket)
    made = waiting.queue.made(ticket.key)
    assert made is not None
    assert is_new(made)
    assert waiting.queue.state(ticket.key) is None
    assert ticket.store.read() is None
    assert not waiting.queue.made("somebody else's")
    assert waiting.queue.state("somebody else's") is None


def test_what_waited_within_its_start_is_new(waiting: Waiting) -> None:
    owner = Owner(execution="project/domain/run", step="job")
    assert is_new(waiting.operation.start(waiting.aws, {"job": "job"}, owner))


def test_they_are_made_at_awss_pace(waiting: Waiting) -> None:
    """One a second, after the first. Nobody is told that AWS is too slow."""
    waits: list[float] = []
    settings = Settings(endpoint="aws", region="ap-south-1", requests_per_second=1)
    waiting.aws = Answering(settings, sleep=waits.append).quick()
    tickets = [waiting.submit(f"job-{number}") for number in range(6)]
    waiting.settled(*tickets)
    assert [round(wait) for wait in waits if wait] == [1, 2, 3, 4, 5]
    assert waiting.operation.asked == [f"job-{number}" for number in range(6)]


def test_submitted_twice_it_is_made_once(waiting: Waiting, held: Callable[[], None]) -> None:
    store = Store(dict(SPEC))
    first, second = waiting.submit("job", store=store), waiting.submit("job", store=store)
    held()
    waiting.settled(first, second)
    assert waiting.operation.asked == ["held", "job"]


def test_its_thread_ends_when_nobody_waits_and_another_begins(waiting: Waiting) -> None:
    before = set(threading.enumerate())

    def working() -> bool:
        return any(one.name == "smfs-queue" for one in set(threading.enumerate()) - before)

    for job in ("one", "another"):
        waiting.settled(waiting.submit(job))
        wait_for(lambda: not working())
    assert waiting.operation.there == ["one", "another"]


# --- directly ---------------------------------------------------------------------------------------------------------


def test_a_create_is_made_at_once_only_when_nobody_waits(waiting: Waiting, held: Callable[[], None]) -> None:
    assert not waiting.queue.directly(waiting.aws, waiting.operation)
    held()
    assert wait_for(lambda: waiting.queue.directly(waiting.aws, waiting.operation))


def test_one_create_is_made_at_once_at_a_time(waiting: Waiting) -> None:
    assert waiting.queue.directly(waiting.aws, waiting.operation)
    assert not waiting.queue.directly(waiting.aws, waiting.operation)
    waiting.queue.done()
    assert waiting.queue.directly(waiting.aws, waiting.operation)


def test_a_create_is_made_at_once_only_when_it_is_its_turn(waiting: Waiting) -> None:
    slow = Answering(Settings(endpoint="aws", region="ap-south-2", requests_per_second=0.1))
    assert waiting.queue.directly(slow, waiting.operation)
    waiting.queue.done()
    slow.call("fake", "Create", doing="taking the turn")
    assert not waiting.queue.directly(slow, waiting.operation)
    waiting.operation.turn = None  # type: ignore[misc]
    assert not waiting.queue.directly(waiting.aws, waiting.operation)


# --- what passes, and what does not -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Throttled, Transient, Credentials])
def test_what_failed_in_passing_is_tried_again_before_the_others(waiting: Waiting, kind: type[AwsFault]) -> None:
    waiting.operation.faults["first"] = [fault(kind) for _ in range(7)]
    tickets = [waiting.submit("first"), waiting.submit("second")]
    waiting.settled(*tickets)
    assert waiting.operation.asked == ["first"] * 8 + ["second"]
    assert waiting.operation.there == ["first", "second"]
    assert waiting.pauses == [2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE]
    assert [waiting.queue.state(one.key) for one in tickets] == [None, None]


@pytest.mark.parametrize(
    ("error", "phase", "text"),
    [
        (fault(Denied), Phase.FAILED, "so it is"),
        (fault(Invalid), Phase.FAILED, "so it is"),
        (fault(Conflict), Phase.FAILED, "so it is"),
        (FingerprintMismatch("Job x", ["size is 1, wanted 2"]), Phase.FAILED, "size is 1, wanted 2"),
        (fault(Capacity), Phase.RETRYABLE_FAILED, "so it is"),
        (KeyError("TrainingJobArn"), Phase.FAILED, "bad, attempt 0 could not be made: KeyError('TrainingJobArn')"),
    ],
)
def test_what_was_refused_is_told_and_the_others_go_on(
    waiting: Waiting, error: Exception, phase: Phase, text: str
) -> None:
    waiting.operation.faults["bad"] = [error]
    bad, good = waiting.submit("bad"), waiting.submit("good")
    waiting.settled(bad, good)
    state = waiting.queue.state(bad.key)
    assert state is not None
    assert state.phase is phase
    assert text in state.message
    assert not waiting.queue.made(bad.key)
    assert waiting.operation.there == ["good"]
    assert waiting.operation.asked == ["bad", "good"]


def test_a_request_that_never_arrived_is_made_again(waiting: Waiting) -> None:
    """AWS's answer was lost, and AWS shows nothing: its spec is kept until there is something."""
    waiting.operation.lost["a"] = 2
    ticket = waiting.submit("a")
    waiting.settled(ticket)
    assert waiting.operation.asked == ["a"] * 3
    assert waiting.operation.there == ["a"]
    assert waiting.queue.made(ticket.key)


def test_what_was_refused_may_be_submitted_again(waiting: Waiting) -> None:
    waiting.operation.faults["bad"] = [fault(Denied)]
    waiting.settled(waiting.submit("bad"))
    again = waiting.submit("bad")
    waiting.settled(again)
    assert waiting.queue.made(again.key)
    assert waiting.queue.state(again.key) is None


def test_settings_that_are_missing_are_told_and_the_others_go_on(waiting: Waiting) -> None:
    doors: list[Any] = [SettingsError("No AWS is chosen."), waiting.aws]

    def open_door(region: str) -> Aws:
        door = doors.pop(0) if len(doors) > 1 else doors[0]
        if isinstance(door, Exception):
            raise door
        return door

    waiting.queue = Queue(open_door, waiting.pauses.append)
    first, second = waiting.submit("first"), waiting.submit("second")
    waiting.settled(first, second)
    state = waiting.queue.state(first.key)
    assert state == State(Phase.FAILED, "No AWS is chosen.")
    assert waiting.operation.there == ["second"]


# --- stores -----------------------------------------------------------------------------------------------------------


def test_a_spec_that_cannot_be_read_holds_back_none_but_its_own(waiting: Waiting, held: Callable[[], None]) -> None:
    store = Store(dict(SPEC), broken={"read"})
    unreadable, readable = waiting.submit("unreadable", store=store), waiting.submit("readable")
    held()
    wait_for(lambda: waiting.queue.made(readable.key))
    assert waiting.operation.there == ["held", "readable"]
    assert _phase(waiting.queue.state(unreadable.key)) is Phase.WAITING
    store.broken.clear()
    waiting.settled(unreadable)
    assert waiting.operation.there == ["held", "readable", "unreadable"]


def test_a_spec_that_cannot_be_removed_holds_back_nobody(waiting: Waiting) -> None:
    """Who may write objects may not delete them, often enough."""
    kept = waiting.submit("kept", store=Store(dict(SPEC), broken={"remove"}))
    other = waiting.submit("other")
    waiting.settled(kept, other)
    assert waiting.operation.asked == ["kept", "other"]
    assert waiting.queue.made(kept.key)


def test_a_store_that_fails_after_the_create_is_asked_again_and_nothing_is_made_twice(waiting: Waiting) -> None:
    store = Store(dict(SPEC))
    waiting.operation.during["job"] = lambda: store.broken.add("read")
    ticket = waiting.submit("job", store=store)
    wait_for(lambda: waiting.pauses)
    store.document = dict(TOMBSTONE)
    store.broken.clear()
    waiting.settled(ticket)
    assert waiting.operation.asked == ["job"]
    wait_for(lambda: waiting.operation.cancelled == ["job, attempt 0"])


def test_without_a_spec_it_was_made_before(waiting: Waiting) -> None:
    ticket = waiting.submit("job", store=Store(None))
    waiting.settled(ticket)
    assert waiting.operation.asked == []
    made = waiting.queue.made(ticket.key)
    assert made is not None
    assert is_new(made)  # another process may have made it just now


# --- cancellation -----------------------------------------------------------------------------------------------------


def test_with_a_tombstone_in_its_place_it_is_not_made(waiting: Waiting) -> None:  # N1
    ticket = waiting.submit("job", store=Store(dict(TOMBSTONE)))
    waiting.settled(ticket)
    assert waiting.operation.asked == []
    assert waiting.operation.cancelled == []
    assert waiting.queue.state(ticket.key) == State(Phase.FAILED, "job, attempt 0 was cancelled before it was made.")
    assert not waiting.queue.made(ticket.key)
    assert ticket.store.read() == TOMBSTONE


def test_condemned_while_it_is_being_made_it_is_cancelled_after(waiting: Waiting) -> None:  # N1
    """By another process, which writes to the store alone."""
    store = Store(dict(SPEC))
    waiting.operation.during["job"] = lambda: store.write(dict(TOMBSTONE))
    waiting.settled(waiting.submit("job", store=store))
    wait_for(lambda: waiting.operation.cancelled == ["job, attempt 0"])
    assert store.read() == TOMBSTONE
    assert waiting.operation.cancelled_as_new == [True]


def test_withdrawn_while_it_waits_it_is_not_made(waiting: Waiting, held: Callable[[], None]) -> None:  # N1
    ticket, other = waiting.submit("job"), waiting.submit("other")
    assert waiting.queue.withdraw(ticket.key)
    assert ticket.store.read() == TOMBSTONE
    assert not waiting.queue.withdraw(ticket.key)
    assert not waiting.queue.withdraw("somebody else's")
    held()
    waiting.settled(other)
    assert waiting.operation.there == ["held", "other"]
    assert not waiting.queue.made(ticket.key)
    assert waiting.operation.cancelled == []


def test_withdrawn_it_is_told_so_even_if_no_tombstone_can_be_written(
    waiting: Waiting, held: Callable[[], None]
) -> None:  # N1
    """Whoever asks would queue it again for the spec that still lies there."""
    ticket = waiting.submit("job", store=Store(dict(SPEC), {"write"}))
    assert waiting.queue.withdraw(ticket.key)
    assert waiting.queue.state(ticket.key) == State(Phase.FAILED, "job, attempt 0 was cancelled before it was made.")


def test_withdrawn_while_it_is_being_made_it_is_cancelled_after(
    waiting: Waiting, held: Callable[[], None]
) -> None:  # N1
    key = waiting.ticket("held").key
    assert waiting.queue.withdraw(key)
    held()
    wait_for(lambda: waiting.operation.cancelled == ["held, attempt 0"])


@pytest.mark.parametrize("broken", [set(), {"write"}])
def test_withdrawn_although_its_tombstone_cannot_be_written(waiting: Waiting, broken: set[str]) -> None:
    store = Store(dict(SPEC), broken)
    withdrawn: list[bool] = []
    waiting.operation.during["job"] = lambda: withdrawn.append(waiting.queue.withdraw(waiting.ticket("job").key))
    waiting.settled(waiting.submit("job", store=store))
    wait_for(lambda: waiting.operation.cancelled == ["job, attempt 0"])
    assert withdrawn == [True]


def test_withdrawn_at_the_last_moment_it_is_cancelled(waiting: Waiting) -> None:
    """Between the look after it and its leaving the queue."""

    class Late(Store):
        def remove(self) -> None:
            super().remove()
            waiting.queue.withdraw(ticket.key)

    ticket = waiting.ticket("job", store=Late(dict(SPEC)))
    waiting.queue.submit(ticket)
    wait_for(lambda: waiting.operation.cancelled == ["job, attempt 0"])


def test_withdrawn_between_two_tries_what_the_first_may_have_made_is_cancelled(waiting: Waiting) -> None:  # N2
    """AWS's answer was lost, and the job may be there."""
    waiting.operation.faults["job"] = [fault(Transient)]
    ticket = waiting.ticket("job")
    waiting.queue = Queue(lambda region: waiting.aws, lambda seconds: waiting.queue.withdraw(ticket.key))
    waiting.queue.submit(ticket)
    wait_for(lambda: waiting.operation.cancelled == ["job, attempt 0"])
    assert waiting.operation.asked == ["job"]
    assert waiting.operation.cancelled_as_new == [True]


def test_a_cancel_that_fails_in_passing_or_is_not_seen_through_is_asked_again(waiting: Waiting) -> None:  # N1
    store = Store(dict(SPEC))
    waiting.operation.during["job"] = lambda: store.write(dict(TOMBSTONE))
    waiting.operation.cancels = [fault(Throttled), False, False]
    waiting.settled(waiting.submit("job", store=store))
    wait_for(lambda: len(waiting.operation.cancelled) == 4)
    other = waiting.submit("other")
    waiting.settled(other)
    assert waiting.operation.there == ["job", "other"]


def test_a_cancel_that_is_not_seen_through_holds_back_nobody(waiting: Waiting) -> None:
    ended = threading.Event()
    waiting.queue = Queue(lambda region: waiting.aws, lambda seconds: ended.wait(30))
    store = Store(dict(SPEC))
    waiting.operation.during["job"] = lambda: store.write(dict(TOMBSTONE))
    waiting.operation.cancels = [False]
    waiting.settled(waiting.submit("job", store=store))
    other = waiting.submit("other")
    waiting.settled(other)
    assert waiting.queue.made(other.key)
    ended.set()
    wait_for(lambda: len(waiting.operation.cancelled) == 2)


def test_a_cancel_that_cannot_be_is_told_with_what_costs_money(
    waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:  # N1
    store = Store(dict(SPEC))
    waiting.operation.during["job"] = lambda: store.write(dict(TOMBSTONE))
    waiting.operation.cancels = [fault(Denied)]
    waiting.settled(waiting.submit("job", store=store))
    wait_for(lambda: "It costs money." in caplog.text)
    assert waiting.operation.cancelled == ["job, attempt 0"]


# --- attempts and restarts --------------------------------------------------------------------------------------------


def test_earlier_attempts_at_the_same_step_are_given_up(waiting: Waiting, held: Callable[[], None]) -> None:
    earlier = [waiting.submit("job", attempt) for attempt in range(2)]
    other = waiting.submit("other")
    latest = waiting.submit("job", 2)
    held()
    waiting.settled(latest, other)
    assert [one.store.read() for one in earlier] == [TOMBSTONE, TOMBSTONE]
    assert [waiting.queue.made(one.key) is not None for one in (*earlier, latest, other)] == [False, False, True, True]
    assert waiting.operation.asked == ["held", "other", "job"]


def test_an_earlier_attempt_that_is_being_made_is_cancelled(waiting: Waiting, held: Callable[[], None]) -> None:
    latest = waiting.submit("held", 1)
    held()
    waiting.settled(latest)
    wait_for(lambda: waiting.operation.cancelled == ["held, attempt 0"])
    assert waiting.queue.made(latest.key)


def test_what_a_later_attempt_has_taken_up_is_not_cancelled() -> None:  # N2
    waiting = Waiting(Adopting())
    first, later = waiting.ticket("job"), waiting.ticket("job", 1)
    waiting.operation.during["job"] = lambda: waiting.queue.submit(later)
    waiting.queue.submit(first)
    wait_for(lambda: waiting.queue.made(later.key))
    assert waiting.operation.cancelled == []
    assert waiting.operation.there == ["job"]


def test_after_a_restart_what_waits_is_submitted_again_and_made_once(waiting: Waiting) -> None:  # C107
    stores = {job: Store(dict(SPEC)) for job in ("one", "two", "three")}
    waiting.settled(waiting.submit("one", store=stores["one"]))
    again = Waiting(waiting.operation)
    tickets = [again.submit(job, store=store) for job, store in stores.items()]
    again.settled(*tickets)
    assert waiting.operation.asked == ["one", "two", "three"]
    assert [store.read() for store in stores.values()] == [None] * 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("moment", ["before the create", "after the create"])
def test_killed_while_it_creates_and_started_again_it_is_made_once(waiting: Waiting, moment: str) -> None:  # N2
    def die() -> None:
        raise Died

    if moment == "before the create":
        waiting.operation.faults["job"] = [Died()]
    else:
        waiting.operation.during["job"] = die
    store = Store(dict(SPEC))
    waiting.submit("job", store=store)
    wait_for(lambda: waiting.operation.asked == ["job"] and waiting.operation.at_once == 0)
    assert store.read() == SPEC
    again = Waiting(waiting.operation)
    ticket = again.submit("job", store=store)
    again.settled(ticket)
    assert waiting.operation.there == ["job"]
    assert again.queue.made(ticket.key)
    assert store.read() is None


def test_two_processes_that_have_the_same_spec_make_it_once(waiting: Waiting, held: Callable[[], None]) -> None:
    store = Store(dict(SPEC))
    ours = waiting.submit("job", store=store)
    theirs = Waiting(waiting.operation)
    ticket = theirs.submit("job", store=store)
    theirs.settled(ticket)
    held()
    waiting.settled(ours)
    assert waiting.operation.there.count("job") == 1
    assert waiting.queue.made(ours.key)
