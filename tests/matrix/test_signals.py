"""Each signal at each moment of a run: answered at once, and nothing is left, or it is said what and how to remove it.

N1, C38
"""

from __future__ import annotations

import itertools
import json
import re
import signal
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from flytekitplugins_smfs.runs.signals import SIGNALS, described
from tests.conftest import Emulator, run_emulator, wait_for
from tests.matrix.conftest import QUICK, Make
from tests.matrix.points import answered, sampled
from tests.matrix.running import Program

PROMPT = 0.5
"""Seconds within which a signal is answered."""
FLYTEKIT = 30.0
"""Seconds that Python and flytekit need to end a process, and to print what it failed with."""
FSX = {"service": "fsx", "operation": "CreateFileSystem"}
THROTTLED = {**FSX, "code": "ThrottlingException", "message": "Rate exceeded", "status": 400}
SLOWLY = {"fsx_deleting_seconds": 2.0, "association_deleting_seconds": 2.0, "training_stop_grace_seconds": 2.0}
"""What is stopped or removed takes its time, so that a second signal comes while it is."""
LONG = 60.0


def child(run: Program, word: str) -> bool:
    """Whether it has started a process in whose command this is."""
    try:
        return any(word in one.cmdline() for one in psutil.Process(run.pid).children(recursive=True))
    except psutil.Error:
        return False


@dataclass(frozen=True)
class Moment:
    """A moment of a run, and how it is brought about."""

    name: str
    reached: Callable[[Program], Any]
    holds: tuple[str, ...] = ()
    settings: dict[str, float] = field(default_factory=dict)
    faults: tuple[dict[str, Any], ...] = ()
    workflow: str = "released"
    quiet: bool = False
    """Whether there is nothing yet that would have to be cleaned up, so that a signal may just end the process."""

    def __str__(self) -> str:
        return self.name

    def bring_about(self, run: Program) -> None:
        """Start it, and wait until it is there."""
        run.emulator.settings(**self.settings)
        run.emulator.faults(*self.faults)
        run.hold(*self.holds)
        run.start()
        run.until(lambda: self.reached(run))


def says(pattern: str) -> Callable[[Program], Any]:
    return lambda run: run.said(pattern)


def held(name: str) -> Callable[[Program], Any]:
    return lambda run: (run.state / f"held-{name}").exists()


def creates(run: Program) -> int:
    return run.asked("CreateFileSystem")


MOMENTS = [
    Moment("while Python imports", lambda run: True, quiet=True),
    Moment("before the first operation", held("first"), ("hold-first",), quiet=True),
    Moment("while the start is throttled", creates, faults=(THROTTLED,)),
    Moment("while the start is slow", says("being started"), faults=({**FSX, "delay": 3.0, "times": 1},)),
    Moment("while AWS cannot be reached", creates, faults=({**FSX, "drop": True},)),
    Moment("while a file system is CREATING", says("is being created"), settings={"fsx_creating_seconds": LONG}),
    Moment("while a link is CREATING", says("metadata"), settings={"association_creating_seconds": LONG}),
    Moment("while a job trains", says("Training in progress"), ("hold-job", "stubborn-job")),
    Moment("between two operations", held("between"), ("hold-between",)),
    Moment("while a job is stopped for its timeout", says("stopping"), ("hold-job", "stubborn-job"), workflow="late"),
    Moment("during the clean-up after a failure", says("Being removed: dra-"), ("fail-job",)),
    Moment("at the end of the clean-up", says("Being removed: fs-"), ("fail-job",)),
    Moment("while a link is DELETING", says("dra-\\w+ is being deleted")),
    Moment("while a file system is DELETING", says("fs-\\w+ is being deleted")),
]
GUARDED = [moment for moment in MOMENTS if not moment.quiet]
by_name = {moment.name: moment for moment in MOMENTS}


def picked(*names: tuple[str, int]) -> list[tuple[Moment, int]]:
    return [(by_name[name], number) for name, number in names]


def each(moments: Iterable[Moment], sample: Iterable[tuple[str, int]]) -> Any:
    points = sampled(itertools.product(moments, SIGNALS), picked(*sample))
    return pytest.mark.parametrize(("moment", "number"), points, ids=str_of)


def str_of(value: Any) -> str:
    return str(value) if isinstance(value, Moment) else described(value)


point = pytest.mark.point("signal matrix")


@point
@each(
    MOMENTS,
    [
        ("while Python imports", signal.SIGTERM),
        ("while the start is throttled", signal.SIGINT),
        ("while AWS cannot be reached", signal.SIGTERM),
        ("while a job trains", signal.SIGHUP),
        ("between two operations", signal.SIGQUIT),
        ("during the clean-up after a failure", signal.SIGINT),
        ("while a link is DELETING", signal.SIGTERM),
    ],
)
def test_a_signal_is_answered_and_leaves_nothing(
    program: Make, quick: Emulator, moment: Moment, number: int, request: pytest.FixtureRequest
) -> None:
    run = program(moment.workflow)

    def bring_about() -> None:
        run.let_go()
        moment.bring_about(run)

    if moment.quiet:
        bring_about()
        sent = run.signal(number)
        assert run.end() in (1, 130, -number), run.output
        assert run.ended_at - sent <= FLYTEKIT
        run.nothing_left()
    else:
        answered_well(run, number, bring_about, request)


def answered_well(run: Program, number: int, bring_about: Callable[[], None], request: pytest.FixtureRequest) -> None:
    """Answered in time, by the median of up to three; and nothing is left by any."""
    times: list[float] = []
    while not times or (statistics.median(times) > PROMPT and len(times) < 3):
        bring_about()
        times.append(run.answered(number, run.signal(number)))
        assert run.end() == 1, run.output
        run.nothing_left()
    answered(request, statistics.median(times))
    assert statistics.median(times) <= PROMPT, (times, run.output)


@point
@each(
    GUARDED,
    [
        ("while the start is slow", signal.SIGINT),
        ("while a job trains", signal.SIGINT),
        ("at the end of the clean-up", signal.SIGTERM),
    ],
)
def test_a_second_signal_leaves_at_once_and_says_what_is_left(
    program: Make, quick: Emulator, moment: Moment, number: int, request: pytest.FixtureRequest
) -> None:
    run = program(moment.workflow)

    def bring_about() -> None:
        quick.settings(**SLOWLY)
        moment.bring_about(run)
        run.answered(number, run.signal(number))

    left_well(run, number, bring_about, request)


@point
@each(
    [by_name["while a job trains"], by_name["between two operations"], by_name["while a link is CREATING"]],
    [("while a job trains", signal.SIGTERM)],
)
def test_a_second_signal_in_the_clean_up_after_the_first(
    program: Make, quick: Emulator, moment: Moment, number: int, request: pytest.FixtureRequest
) -> None:
    run = program(moment.workflow)

    def bring_about() -> None:
        quick.settings(**SLOWLY)
        moment.bring_about(run)
        run.signal(number)
        run.until(lambda: run.said("Being removed"))

    left_well(run, number, bring_about, request)


def left_well(run: Program, number: int, bring_about: Callable[[], None], request: pytest.FixtureRequest) -> None:
    """Left in time, by the median of up to three; and each is taken up again."""
    times: list[float] = []
    while not times or (statistics.median(times) > PROMPT and len(times) < 3):
        bring_about()
        times.append(left_at_once(run, number))
        taken_up(run)
    answered(request, statistics.median(times))
    assert statistics.median(times) <= PROMPT, (times, run.output)


def left_at_once(run: Program, number: int) -> float:
    """The seconds until it was said."""
    sent = run.signal(number)
    seconds = run.answered(number, sent)
    run.end()
    assert run.ended_at - sent <= FLYTEKIT, run.output
    if run.left():
        assert run.said(re.escape(f"smfs release {run.executions[-1]}"), error=True), run.output
    return seconds


def taken_up(run: Program) -> None:
    """The same command again takes up what was left, and leaves nothing."""
    run.emulator.faults()
    run.emulator.settings(**QUICK)
    run.let_go()
    assert run.run() == 0 or run.said("did not end within its timeout"), run.output
    run.nothing_left()


LASTING = {
    "fsx_creating_seconds": 1.0,
    "association_creating_seconds": 0.7,
    "training_starting_seconds": 0.7,
    "association_deleting_seconds": 0.7,
    "fsx_deleting_seconds": 0.7,
}
"""So the run lasts for some five seconds after its start, which is throttled for a while."""


@pytest.mark.point("Ctrl-C at 40 moments")
@pytest.mark.parametrize("moment", sampled(range(40), [2, 15, 22, 34]))
def test_ctrl_c_at_moments_spread_over_a_run(
    program: Make, quick: Emulator, moment: int, request: pytest.FixtureRequest
) -> None:
    run = program("released")

    def bring_about() -> None:
        quick.settings(**LASTING)
        quick.faults({**THROTTLED, "times": 3})
        run.start()
        run.until(lambda: run.said("being started"))
        time.sleep(moment * 0.12)
        assert run.alive(), run.output

    answered_well(run, signal.SIGINT, bring_about, request)


@point
@pytest.mark.parametrize("number", sampled(SIGNALS, [signal.SIGINT]), ids=described)
def test_a_signal_while_the_emulator_is_started(own_emulator: Emulator, tmp_path: Path, number: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    run = Program.flow(own_emulator, home, "released")
    try:
        run.start()
        run.until(lambda: child(run, "flytekitplugins_smfs.emulator"))
        assert run.answered(number, run.signal(number)) <= PROMPT
        assert run.end() == 1, run.output
        wait_for(lambda: (own_emulator.state / "server.json").exists(), 30)
        own_emulator.env = json.loads(run_emulator("env", "--json", "--state", str(own_emulator.state)))
        assert run.asked("CreateFileSystem") == 0
        run.nothing_left()
    finally:
        run.close()


@point
@pytest.mark.parametrize(
    ("workflow", "more", "pipe"),
    sampled(
        [
            ("released", (), "2>&1"),
            ("talkative", ("--lines", "4"), ""),
            ("talkative", ("--lines", "20"), ""),
            ("talkative", ("--lines", "20"), "2>&1"),
        ],
        [("released", (), "2>&1"), ("talkative", ("--lines", "4"), "")],
    ),
)
def test_nobody_reads_the_output_any_more(program: Make, workflow: str, more: tuple[str, ...], pipe: str) -> None:
    run = program(workflow, *more)
    run.hold("hold-job")
    run.start(shell=f'"$@" {pipe} | head -5')
    run.end()
    assert len([line for line in run.lines if not line.error]) == 5, run.output
    assert run.executions
    assert run.calls("CreateFileSystem")
    run.nothing_left()
