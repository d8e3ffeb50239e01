"""Asking after an operation never fails for what AWS answers, and what has ended is told whole. N1, N3"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation
from flytekitplugins_smfs.operations.watch import DENIED, UNREAD, Watch, bounded
from flytekitplugins_smfs.values.errors import AwsFault, Credentials, Denied, SmfsError, Throttled, Transient
from flytekitplugins_smfs.values.operation import Answer, Handle, Link, Order, Owner, Phase, State
from flytekitplugins_smfs.values.settings import Settings

AWS = Aws(Settings(endpoint="aws", region="us-east-1"))
LINK = Link("Console", "https://console/job")
LATER = Link("Log", "https://console/log")
RUNNING = State(Phase.RUNNING, "half way", (LINK, LATER), 0.5)
DONE = State(Phase.SUCCEEDED, "", (LINK,), record={"Status": "Completed"})
BROKEN = State(Phase.FAILED, "AlgorithmError", (LINK,))


def fault(kind: type[AwsFault], code: str = "Code") -> AwsFault:
    return kind(doing="asking", service="fake", operation="Describe", code=code, text="so it is")


class Steered(Operation[Any, Handle, Any]):
    """Says and does what a test puts down for it; the last of it over and over."""

    name = "fake"

    def __init__(self) -> None:
        self.states: list[State | Exception] = [RUNNING]
        self.results: list[str | Exception] = ["the product"]
        self.cancels: list[bool | Exception] = [True]
        self.more: Any = lambda: "and a curve"
        self.last_lines: Any = lambda: ", and its log"
        self.cost = "The job costs money: stop it by hand."
        self.calls: list[str] = []
        self.doors: list[Aws] = []

    def start(self, aws: Aws, spec: Any, owner: Owner, order: Order = NO_ORDER) -> Handle:
        raise NotImplementedError

    def state(self, aws: Aws, handle: Handle) -> State:
        self.doors.append(aws)
        answer: State = self._next("state", self.states)
        return answer

    def result(self, aws: Aws, handle: Handle, state: State) -> Any:
        assert state.record == DONE.record
        return self._next("result", self.results)

    def extras(self, aws: Aws, handle: Handle, state: State, result: Any) -> Any:
        self.doors.append(aws)
        return f"{result} {self.more()}"

    def farewell(self, aws: Aws, handle: Handle, state: State) -> str:
        return str(self.last_lines())

    def cancel(self, aws: Aws, handle: Handle) -> bool:
        return bool(self._next("cancel", self.cancels))

    def links(self, aws: Aws, handle: Handle) -> tuple[Link, ...]:
        return (LINK,)

    def what(self, handle: Handle) -> str:
        return "Job 7"

    def leaves(self, handle: Handle) -> str:
        return self.cost

    def _next(self, call: str, answers: list[Any]) -> Any:
        self.calls.append(call)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def operation() -> Steered:
    return Steered()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watching(
    operation: Steered, clock: Clock | None = None, extras_time: float = 10.0, region: str = "us-east-1"
) -> Any:
    owner = Owner(execution="project/domain/run", step="n0")
    handle = Handle(region=region, owner=owner, started_at=datetime.now(UTC))
    return Watch(operation, handle, extras_time, clock or Clock())


@pytest.fixture
def watch(operation: Steered, clock: Clock) -> Any:
    return watching(operation, clock)


@pytest.fixture
def hanging(operation: Steered) -> Iterator[threading.Event]:
    """What is good to have takes until the test ends."""
    over = threading.Event()
    operation.more = lambda: over.wait(30) and "too late"
    operation.last_lines = lambda: over.wait(30) and "too late"
    yield over
    over.set()


# --- what passes ------------------------------------------------------------------------------------------------------


def test_while_it_runs_its_state_is_told(operation: Steered, watch: Any) -> None:
    assert watch.ask(AWS) == Answer.of(RUNNING)
    assert operation.calls == ["state"]


PASSING = [
    fault(Throttled, "ThrottlingException"),
    fault(Transient, "InternalFailure"),
    fault(Transient, "ReadTimeoutError"),
    fault(Credentials, "ExpiredTokenException"),
    fault(Credentials, "NoCredentialsError"),
    KeyError("TrainingJobStatus"),
    TypeError("None"),
    ValueError("not a date"),
    AttributeError("get"),
    IndexError("0"),
]


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_passes_leaves_what_was_known(operation: Steered, watch: Any, error: Exception) -> None:  # N3
    """The links, too: Flyte records them once for each phase."""
    operation.states = [RUNNING, error, RUNNING]
    watch.ask(AWS)
    answer = watch.ask(AWS)
    assert (answer.phase, answer.links, answer.fraction) == (Phase.RUNNING, (LINK, LATER), 0.5)
    assert answer.message.startswith("Its state could not be read just now. ")
    assert (error.code if isinstance(error, AwsFault) else repr(error)) in answer.message
    assert watch.ask(AWS) == Answer.of(RUNNING)


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_passes_before_anything_is_known_leaves_it_queued(
    operation: Steered, watch: Any, error: Exception
) -> None:  # N3
    operation.states = [error, RUNNING]
    answer = watch.ask(AWS)
    assert (answer.phase, answer.links) == (Phase.QUEUED, (LINK,))
    assert watch.ask(AWS).phase is Phase.RUNNING


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_what_another_process_began_is_never_told_as_earlier_than_it_may_have_been(
    operation: Steered, watch: Any, error: Exception
) -> None:  # N3
    watch.begun_here = False
    operation.states = [error, State(Phase.INITIALIZING, "Starting"), RUNNING]
    first, second = watch.ask(AWS), watch.ask(AWS)
    assert (first.phase, "could not be read just now" in first.message) == (Phase.RUNNING, True)
    assert (second.phase, second.message) == (Phase.RUNNING, "Starting")


def test_what_another_process_began_and_aws_does_not_show_is_said_not_to_be_read(
    operation: Steered, watch: Any
) -> None:
    watch.begun_here = False
    operation.states = [State(Phase.QUEUED), State(Phase.INITIALIZING, "Starting")]
    assert (watch.ask(AWS).phase, watch.last.message) == (Phase.RUNNING, UNREAD)
    assert watch.ask(AWS).phase is Phase.RUNNING


def test_a_phase_that_was_told_is_not_taken_back(operation: Steered, watch: Any) -> None:
    operation.states = [RUNNING, State(Phase.QUEUED, "not shown"), State(Phase.WAITING, "waits"), BROKEN]
    assert [watch.ask(AWS).phase for _ in range(4)] == [Phase.RUNNING] * 3 + [Phase.FAILED]


@pytest.mark.parametrize("kind", [Throttled, Transient, Credentials])
def test_what_passes_for_hours_ends_nothing(
    operation: Steered, watch: Any, clock: Clock, kind: type[AwsFault]
) -> None:  # N3
    operation.states = [RUNNING, *[fault(kind)] * 600, RUNNING]
    for _ in range(601):
        assert watch.ask(AWS).phase is Phase.RUNNING
        clock.now += 60
    assert watch.ask(AWS).message == "half way"
    assert "cancel" not in operation.calls


def test_an_error_of_our_own_is_final(operation: Steered, watch: Any) -> None:
    operation.states = [SmfsError("It was made by a release that is not known here.")]
    assert watch.ask(AWS) == Answer(Phase.FAILED, "It was made by a release that is not known here.", (LINK,))


def test_it_is_asked_after_where_it_is_and_without_patience(operation: Steered) -> None:  # N3
    watching(operation, region="eu-west-1").ask(AWS)
    [door] = operation.doors
    assert (door.region, door.patience) == ("eu-west-1", 0.0)


# --- denial -----------------------------------------------------------------------------------------------------------


def test_a_denial_passes_for_five_minutes(operation: Steered, watch: Any, clock: Clock) -> None:  # N3
    operation.states = [RUNNING, fault(Denied, "AccessDeniedException")]
    watch.ask(AWS)
    for _ in range(5):
        answer = watch.ask(AWS)
        assert (answer.phase, answer.links) == (Phase.RUNNING, (LINK, LATER))
        assert "AccessDeniedException" in answer.message
        clock.now += DENIED / 5 - 0.1
    assert watch.ask(AWS).phase is Phase.RUNNING
    assert "cancel" not in operation.calls


def denied_for_good(operation: Steered, watch: Any, clock: Clock) -> Answer:
    operation.states = [fault(Denied, "AccessDeniedException")]
    assert watch.ask(AWS).phase is Phase.QUEUED
    clock.now += DENIED
    answer: Answer = watch.ask(AWS)
    return answer


def test_a_denial_that_lasts_is_final_and_the_work_is_cancelled(
    operation: Steered, watch: Any, clock: Clock
) -> None:  # N1
    answer = denied_for_good(operation, watch, clock)
    assert (answer.phase, answer.links) == (Phase.FAILED, (LINK,))
    assert answer.message.startswith("Job 7 could not be followed for 5 minutes, so it was given up. While asking")
    assert "AccessDeniedException" in answer.message
    assert "money" not in answer.message
    assert operation.calls == ["state", "state", "cancel"]


def test_what_was_not_seen_to_end_is_told(operation: Steered, watch: Any, clock: Clock) -> None:  # N1
    operation.cancels = [False]
    assert " Job 7 was asked to end, and was not seen to. " in denied_for_good(operation, watch, clock).message


@pytest.mark.parametrize("error", [fault(Denied, "NoStopEither"), fault(Transient, "NoStopEither"), KeyError("NoStop")])
def test_what_could_not_be_cancelled_is_told_with_what_costs_money(
    operation: Steered, watch: Any, clock: Clock, error: Exception
) -> None:  # N1
    operation.cancels = [error]
    answer = denied_for_good(operation, watch, clock)
    assert answer.phase is Phase.FAILED
    assert "It could not be cancelled (" in answer.message
    assert "NoStop" in answer.message
    assert "The job costs money: stop it by hand." in answer.message
    assert "AccessDeniedException" in answer.message


def test_what_could_not_be_cancelled_and_costs_nothing_is_told_without(
    operation: Steered, watch: Any, clock: Clock
) -> None:
    operation.cost, operation.cancels = "", [fault(Denied)]
    answer = denied_for_good(operation, watch, clock)
    assert "It could not be cancelled (" in answer.message
    assert "  " not in answer.message


def test_what_was_given_up_stays_so_and_is_cancelled_once(operation: Steered, watch: Any, clock: Clock) -> None:
    answer = denied_for_good(operation, watch, clock)
    operation.states = [RUNNING]
    assert watch.ask(AWS) is answer
    assert operation.calls.count("cancel") == 1


def test_a_denial_that_passed_begins_anew(operation: Steered, watch: Any, clock: Clock) -> None:
    operation.states = [fault(Denied), RUNNING, fault(Denied)]
    watch.ask(AWS)
    clock.now += DENIED - 1
    watch.ask(AWS)
    clock.now += 2
    assert watch.ask(AWS).phase is Phase.RUNNING
    clock.now += DENIED - 1
    assert watch.ask(AWS).phase is Phase.RUNNING
    clock.now += 1
    assert watch.ask(AWS).phase is Phase.FAILED


def test_throttling_between_denials_is_no_permission(operation: Steered, watch: Any, clock: Clock) -> None:
    operation.states = [fault(Denied), fault(Throttled), fault(Denied)]
    watch.ask(AWS)
    clock.now += DENIED / 2
    assert watch.ask(AWS).phase is Phase.QUEUED
    clock.now += DENIED / 2
    assert watch.ask(AWS).phase is Phase.FAILED


def test_a_result_that_is_denied_for_good_is_final_too(operation: Steered, watch: Any, clock: Clock) -> None:  # C4
    operation.states, operation.results = [DONE], [fault(Denied)]
    assert watch.ask(AWS).phase is Phase.QUEUED
    clock.now += DENIED
    assert watch.ask(AWS).phase is Phase.FAILED
    assert operation.calls[-1] == "cancel"


# --- the result -------------------------------------------------------------------------------------------------------


def test_success_is_told_with_the_result_and_what_is_good_to_have(operation: Steered, watch: Any) -> None:
    operation.states = [RUNNING, DONE]
    assert watch.ask(AWS).result is None
    assert watch.ask(AWS) == Answer.of(DONE, "the product and a curve")
    assert operation.calls == ["state", "state", "result"]


def test_what_has_ended_is_told_again_without_a_call(operation: Steered, watch: Any) -> None:
    operation.states = [DONE]
    first, calls = watch.ask(AWS), list(operation.calls)
    assert watch.ask(AWS) is first
    assert operation.calls == calls


@pytest.mark.parametrize("error", [fault(Throttled), fault(Transient), fault(Credentials), KeyError("ModelArtifacts")])
def test_success_is_not_told_before_the_result_is_there(operation: Steered, watch: Any, error: Exception) -> None:
    """Nothing can follow it."""
    operation.states, operation.results = [RUNNING, DONE], [error, "the product"]
    assert watch.ask(AWS).phase is Phase.RUNNING
    answer = watch.ask(AWS)
    assert (answer.phase, answer.result, answer.links) == (Phase.RUNNING, None, (LINK, LATER))
    answer = watch.ask(AWS)
    assert (answer.phase, answer.result) == (Phase.SUCCEEDED, "the product and a curve")


def test_a_new_watch_asks_for_the_result_again(operation: Steered, watch: Any) -> None:  # C107
    operation.states = [DONE]
    assert watching(operation).ask(AWS) == watch.ask(AWS)
    assert operation.calls == ["state", "result"] * 2


# --- what is good to have ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [fault(Throttled), fault(Denied), KeyError("events"), RuntimeError("a bug"), OSError()]
)
def test_extras_that_fail_are_left_out(operation: Steered, watch: Any, error: Exception) -> None:
    def fail() -> str:
        raise error

    operation.states, operation.more = [DONE], fail
    assert watch.ask(AWS) == Answer.of(DONE, "the product")


def test_extras_that_take_too_long_are_left_out(operation: Steered, hanging: threading.Event) -> None:  # N3
    operation.states = [DONE]
    answer = watching(operation, extras_time=0.1).ask(AWS)
    assert answer == Answer.of(DONE, "the product")
    assert not hanging.is_set()


def test_extras_know_how_much_time_they_have(operation: Steered) -> None:
    operation.states = [DONE]
    watching(operation, extras_time=3.0).ask(AWS)
    assert operation.doors[-1].patience == 3.0


def test_a_failure_is_told_with_what_is_good_to_know_of_it(operation: Steered, watch: Any) -> None:
    operation.states = [BROKEN]
    answer = watch.ask(AWS)
    assert (answer.phase, answer.message, answer.links) == (Phase.FAILED, "AlgorithmError, and its log", (LINK,))
    assert operation.calls == ["state"]


def test_a_failure_is_told_although_its_log_cannot_be_read(operation: Steered, watch: Any) -> None:  # N3
    def fail() -> str:
        raise fault(Throttled)

    operation.states, operation.last_lines = [BROKEN], fail
    assert watch.ask(AWS) == Answer.of(BROKEN)


def test_a_failure_is_told_although_its_log_takes_too_long(operation: Steered, hanging: threading.Event) -> None:  # N3
    operation.states = [BROKEN]
    assert watching(operation, extras_time=0.1).ask(AWS) == Answer.of(BROKEN)
    assert not hanging.is_set()


def test_bounded_work_gives_what_it_gives_even_if_that_is_nothing() -> None:
    assert bounded(lambda: None, "otherwise", 10.0) is None
    assert bounded(lambda: 1 / 0, "otherwise", 10.0) == "otherwise"
