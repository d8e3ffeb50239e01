"""The local runner, in this process, over an operation that the test steers."""

from __future__ import annotations

import asyncio
import datetime
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flytekit import conditional, eager, task, workflow
from flytekit.core.context_manager import FlyteContextManager

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.runs import attempt, display, driver, execution
from flytekitplugins_smfs.runs.signals import Stop
from flytekitplugins_smfs.values.errors import (
    InvalidSpec,
    OperationCancelled,
    OperationFailed,
    OperationTimedOut,
    SettingsError,
    Throttled,
)
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.operation import Handle, LogPage, State
from flytekitplugins_smfs.values.removal import Removed
from tests.flyte.fakes import FileOperation, fake_task


def when(condition: Callable[[], bool], action: Callable[[], None]) -> threading.Thread:
    """In the background: wait for the condition, then act."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.005)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.fixture
def handlers() -> Iterator[None]:
    """The signal handlers are the same after the test."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    registered = list(FlyteContextManager.signal_handlers)
    yield
    assert [signal.getsignal(number) for number in numbers] == before
    assert FlyteContextManager.signal_handlers == registered


@pytest.fixture(autouse=True)
def introduce_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_said", set())
    monkeypatch.setattr(driver, "FIRST_RETRY_WAIT", 0.01)


def test_a_task_gives_its_operations_result(fake: FileOperation, handlers: None) -> None:
    fake.set("succeed")
    result = fake_task("t")(spec=LustreSpec(capacity_gib=2400))
    assert result.removed == ("it",)
    assert fake.calls[0].endswith(" t#0 0 2400")


def test_a_default_is_used_where_an_input_is_left_out(fake: FileOperation) -> None:
    fake.set("succeed")
    fake_task("t")()
    assert fake.calls[0].endswith(" 1200")


def test_two_calls_of_one_task_are_two_steps_with_their_own_inputs(fake: FileOperation) -> None:
    fake.set("succeed")
    task = fake_task("t")
    task(spec=LustreSpec(capacity_gib=2400))
    task(spec=LustreSpec(capacity_gib=4800))
    assert [call.split()[2:] for call in fake.calls if call != "started"] == [
        ["t#0", "0", "2400"],
        ["t#1", "0", "4800"],
    ]


def test_the_first_line_says_which_aws_and_only_once(fake: FileOperation, capfd: pytest.CaptureFixture[str]) -> None:
    fake.set("succeed")
    display.console.cache_clear()
    fake_task("t")()
    fake_task("t")()
    text = capfd.readouterr().err
    assert text.startswith("AWS: http://127.0.0.1:9, region us-east-1.\nExecution local/")
    assert text.count("AWS: ") == 1


# C37
def test_links_are_printed_once_and_the_log_is_tailed(fake: FileOperation, capfd: pytest.CaptureFixture[str]) -> None:
    display.console.cache_clear()
    fake.set("log", "epoch [1]\n")

    def go_on() -> None:
        fake.set("log", "epoch [1]\nepoch [2]\n")
        fake.set("succeed")

    thread = when(lambda: fake.looks > 1, go_on)
    fake_task("t")()
    thread.join()
    text = capfd.readouterr().err
    assert text.count("https://example.com/fake") == 1
    assert [line for line in text.splitlines() if " | " in line] == ["t | epoch [1]", "t | epoch [2]"]


def test_a_failure_carries_the_reason(fake: FileOperation, handlers: None) -> None:
    fake.set("fail", "AlgorithmError: it broke\nLast lines of its log:\n  Killed")
    with pytest.raises(OperationFailed, match=r"AlgorithmError: it broke\n.*\n  Killed"):
        fake_task("t", retries=3)()
    assert len([call for call in fake.calls if call.startswith("start ")]) == 1  # FAILED is final
    assert not any(call.startswith("cancel") for call in fake.calls)


def test_what_may_pass_is_tried_again_as_a_new_attempt(fake: FileOperation) -> None:
    fake.set("retry", "CapacityError")
    fake.set("enough", "2")
    assert fake_task("t", retries=5)().removed == ("it",)
    attempts = [call.split()[2:4] for call in fake.calls if call.startswith("start ")]
    assert attempts == [["t#0", "0"], ["t#0", "1"], ["t#0", "2"]]


def test_retries_end(fake: FileOperation) -> None:
    fake.set("retry", "CapacityError: none left")
    with pytest.raises(OperationFailed, match="none left"):
        fake_task("t", retries=1)()
    assert sum(call.startswith("start ") for call in fake.calls) == 2


def test_a_throttled_poll_is_not_a_failure(fake: FileOperation) -> None:
    fake.set("throttled")

    def recover() -> None:
        fake.set("succeed")
        fake.unset("throttled")

    thread = when(lambda: fake.looks > 3, recover)
    fake_task("t")()
    thread.join()


def test_a_timeout_stops_the_work(fake: FileOperation, handlers: None) -> None:
    with pytest.raises(OperationTimedOut, match=r"did not end within its timeout of 0:00:00.3.* was stopped"):
        fake_task("t", timeout=datetime.timedelta(seconds=0.3))()
    assert fake.calls[-1] == "cancel t#0"


# N7
def test_wrong_input_fails_before_anything_is_started(fake: FileOperation) -> None:
    from flytekitplugins_smfs.flyte.runner import run

    with pytest.raises(InvalidSpec, match=r"(?s)capacity_gib: 1300.*allowed are 1200, 2400") as caught:
        run(
            "t",
            fake_task("t").binding,
            {"spec": {"capacity_gib": 1300, "kms_key_id": "k", "deployment_type": "SCRATCH_2"}},
        )
    assert {problem.field for problem in caught.value.problems} == {"capacity_gib", "kms_key_id"}
    assert fake.calls == []


def test_without_a_choice_of_aws_nothing_is_started(
    fake: FileOperation, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.delenv("FLYTE_SMFS_ENDPOINT")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(SettingsError, match="No AWS is chosen"):
        fake_task("t")()
    assert fake.calls == []


# N1, C38
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_work_and_waits_for_its_end(fake: FileOperation, handlers: None, number: int) -> None:
    fake.set("stubborn")
    threads = [
        when(lambda: fake.looks > 0, lambda: os.kill(os.getpid(), number)),
        when(lambda: fake.calls.count("cancel t#0") == 2, lambda: fake.unset("stubborn")),
    ]
    with pytest.raises(OperationCancelled, match=r"stopped by .*, and has ended"):
        fake_task("t")()
    for thread in threads:
        thread.join()
    assert fake.calls.count("cancel t#0") >= 3


def test_a_signal_while_start_is_under_way_is_honoured_after_it(fake: FileOperation, handlers: None) -> None:
    fake.set("slow")

    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        fake.unset("slow")

    thread = when(lambda: any(call.startswith("start ") for call in fake.calls), interrupt)
    with pytest.raises(OperationCancelled):
        fake_task("t")()
    thread.join()
    assert fake.calls[1:] == ["started", "cancel t#0"]


def test_a_second_signal_leaves_and_says_what_is_left(fake: FileOperation, handlers: None) -> None:
    fake.set("stubborn")
    threads = [
        when(lambda: fake.looks > 0, lambda: os.kill(os.getpid(), signal.SIGINT)),
        when(lambda: "cancel t#0" in fake.calls, lambda: os.kill(os.getpid(), signal.SIGINT)),
    ]
    with pytest.raises(OperationCancelled, match=r"fake work of t#0 .* had not ended yet.*smfs release local/"):
        fake_task("t")()
    for thread in threads:
        thread.join()


def test_a_signal_that_comes_as_the_work_ends_stops_what_would_follow(
    fake: FileOperation, handlers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = fake.state

    def interrupted(aws: Aws, handle: Handle) -> State:
        signal.raise_signal(signal.SIGINT)
        return look(aws, handle)

    fake.set("succeed")
    monkeypatch.setattr(fake, "state", interrupted)
    with pytest.raises(OperationCancelled, match="t had ended well by then, and what it made is left as it is"):
        fake_task("t")()
    assert not any(call.startswith("cancel") for call in fake.calls)


def test_the_last_lines_of_a_log_are_printed_too(
    fake: FileOperation, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    display.console.cache_clear()
    pages = {None: "1", "1": "2", "2": "3"}

    def logs(aws: Aws, handle: Handle, cursor: str | None = None) -> LogPage:
        after = pages.get(cursor)
        return LogPage(lines=(f"line {after}",), cursor=after) if after else LogPage(cursor=cursor)

    monkeypatch.setattr(fake, "logs", logs)
    fake.set("succeed")
    fake_task("t")()
    assert [line for line in capfd.readouterr().err.splitlines() if " | " in line] == [
        "t | line 1",
        "t | line 2",
        "t | line 3",
    ]


def test_a_log_that_cannot_be_read_is_told_once_and_is_not_a_failure(
    fake: FileOperation, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    display.console.cache_clear()

    def logs(*_: object) -> LogPage:
        raise Throttled(doing="reading the log", service="logs", operation="GetLogEvents", code="Throttling", text="!")

    monkeypatch.setattr(fake, "logs", logs)
    thread = when(lambda: fake.looks > 2, lambda: fake.set("succeed"))
    fake_task("t")()
    thread.join()
    assert capfd.readouterr().err.count("its log could not be read just now") == 1


def test_an_error_of_our_own_stops_the_work(fake: FileOperation, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(fake, "state", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        fake_task("t")()
    assert fake.calls[-1] == "cancel t#0"


# N12
def test_it_works_inside_a_running_event_loop(fake: FileOperation) -> None:
    fake.set("succeed")

    async def cell() -> object:
        return fake_task("t")()

    assert asyncio.run(cell()).removed == ("it",)  # type: ignore[attr-defined]


# N12
def test_several_threads_at_once_each_get_their_own(fake: FileOperation, handlers: None) -> None:
    thread = when(lambda: sum(call == "started" for call in fake.calls) == 4, lambda: fake.set("succeed"))
    tasks = [fake_task(f"t{index}") for index in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda task: task(), tasks))
    thread.join()
    assert [result.removed for result in results] == [("it",)] * 4
    steps = sorted(call.split()[2] for call in fake.calls if call.startswith("start "))
    assert steps == ["t0#0", "t1#0", "t2#0", "t3#0"]


# N12, N1
def test_a_signal_stops_the_work_of_every_thread(fake: FileOperation, handlers: None) -> None:
    """Also that of threads other than the main one, which is in an operation too."""
    thread = when(
        lambda: sum(call == "started" for call in fake.calls) == 3, lambda: os.kill(os.getpid(), signal.SIGINT)
    )
    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(fake_task(f"other{index}")) for index in range(2)]
        with pytest.raises(OperationCancelled):
            fake_task("main")()
        for other in others:
            with pytest.raises(OperationCancelled):
                other.result(timeout=20)
    thread.join()
    assert {call for call in fake.calls if call.startswith("cancel")} == {
        "cancel main#0",
        "cancel other0#0",
        "cancel other1#0",
    }


def test_a_deck_is_made_when_it_is_asked_for(fake: FileOperation, tmp_path: Path) -> None:
    fake.set("succeed", "all <went> well")
    fake_task("t", enable_deck=True)()
    (file,) = (tmp_path / "state/smfs/decks").iterdir()
    assert "all &lt;went&gt; well" in file.read_text()


def test_without_asking_there_is_no_deck(fake: FileOperation, tmp_path: Path) -> None:
    fake.set("succeed")
    fake_task("t")()
    assert not (tmp_path / "state/smfs/decks").exists()


def test_flytekit_writes_the_deck_too(fake: FileOperation, monkeypatch: pytest.MonkeyPatch) -> None:
    from flytekit.deck import deck

    written: list[list[str]] = []
    monkeypatch.setattr(deck, "_output_deck", lambda name, params: written.append([one.name for one in params.decks]))
    fake.set("succeed")
    fake_task("t", enable_deck=True)()
    assert "Operation" in written[0]


def test_a_timeout_that_could_not_be_seen_through_is_kept_for_the_next_run(
    fake: FileOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "STOPPING_TIME", 0.2)
    fake.set("stubborn")
    kept = []
    monkeypatch.setattr(execution.Execution, "keep", lambda self, *step: kept.append(step))
    with pytest.raises(OperationTimedOut, match="had not ended when this run left it"):
        fake_task("t", timeout=datetime.timedelta(seconds=0.1))()
    assert kept == [("t#0", 0)]


def test_a_stop_that_aws_never_answers_is_given_up_and_says_what_may_be_left(
    fake: FileOperation, monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    monkeypatch.setattr(attempt, "SILENT_TIME", 0.2)
    fake.set("unreachable")
    waiter = when(lambda: fake.looks > 0, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(OperationCancelled, match="had not ended yet"):
        fake_task("tests.unreachable")(spec=LustreSpec())
    waiter.join()
    assert len([call for call in fake.calls if call.startswith("cancel")]) > 1


def test_a_workflow_leaves_the_handlers_as_they_were(fake: FileOperation, handlers: None) -> None:
    one = fake_task("one")
    during = []

    @task
    def ordinary(after: Removed) -> Removed:
        during.append(signal.getsignal(signal.SIGTERM))
        return after

    @workflow
    def flow() -> Removed:
        return ordinary(after=one())

    fake.set("succeed")
    before = signal.getsignal(signal.SIGTERM)
    flow()
    assert during[0] != before  # guarded while there is something to clean up


def test_a_failed_workflow_leaves_the_handlers_as_they_were(fake: FileOperation, handlers: None) -> None:
    one = fake_task("one")

    @workflow
    def flow() -> Removed:
        return one()

    fake.set("fail", "no luck")
    with pytest.raises(OperationFailed, match="no luck"):
        flow()
    gc.collect()


def test_both_branches_of_a_condition_may_be_operations(fake: FileOperation) -> None:
    """flytekit wants the same output names in both."""
    large, small = fake_task("large"), fake_task("small")

    @workflow
    def flow(much: bool) -> Removed:
        return conditional("size").if_(much.is_true()).then(large()).else_().then(small())

    fake.set("succeed")
    assert flow(much=False).removed == ("it",)
    assert [call.split()[2] for call in fake.calls if call.startswith("start ")] == ["small#0"]


def test_a_later_task_takes_an_attribute_and_an_item_of_a_result(fake: FileOperation) -> None:
    one = fake_task("one")

    @task
    def first_of(name: str) -> str:
        return name.upper()

    @workflow
    def flow() -> str:
        return first_of(name=one().removed[0])

    fake.set("succeed")
    assert flow() == "IT"


# N12
def test_an_eager_workflow_runs_two_at_once(fake: FileOperation) -> None:
    tasks = [fake_task("left"), fake_task("right")]

    @eager
    async def both() -> list[Removed]:
        return list(await asyncio.gather(*(asyncio.to_thread(one) for one in tasks)))

    thread = when(lambda: sum(call == "started" for call in fake.calls) == 2, lambda: fake.set("succeed"))
    results = asyncio.run(both())
    thread.join()
    assert [result.removed for result in results] == [("it",), ("it",)]


def test_attempts_are_waited_between_and_for_longer_each_time(
    fake: FileOperation, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(driver, "FIRST_RETRY_WAIT", 0.02)
    monkeypatch.setattr(driver, "LONGEST_RETRY_WAIT", 0.05)
    wait = Stop.wait

    def noted(self: Stop, seconds: float) -> bool:
        waits.append(seconds)
        return wait(self, seconds)

    monkeypatch.setattr(Stop, "wait", noted)
    fake.set("retry", "CapacityError")
    with pytest.raises(OperationFailed):
        fake_task("t", retries=4)()
    assert [seconds for seconds in waits if seconds in (0.02, 0.04, 0.05)] == [0.02, 0.04, 0.05, 0.05]
