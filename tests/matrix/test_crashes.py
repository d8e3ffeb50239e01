"""Processes that are killed before and after each AWS call, and started again by the same command. N2, C4

Started again it succeeds; no execution made anything twice, and nothing is left at the end.
"""

from __future__ import annotations

import itertools
import signal

import pytest

from tests.matrix.conftest import Make
from tests.matrix.points import sampled
from tests.matrix.running import Program

SIDES = ("before", "after")
MADE = ("CreateFileSystem", "CreateDataRepositoryAssociation", "CreateTrainingJob")
TUNED = ("CreateFileSystem", "CreateDataRepositoryAssociation", "CreateHyperParameterTuningJob")
REMOVALS = ("TagResource 1", "DeleteDataRepositoryAssociation 1", "TagResource 2", "DeleteFileSystem 1")
READS = range(1, 29)
"""So many reads each run makes at least."""


def points(*calls: str) -> list[str]:
    return [f"{side} {call}" for call, side in itertools.product(calls, SIDES)]


def writes(made: tuple[str, ...]) -> list[str]:
    return points(*(f"{create} 1" for create in made), *REMOVALS)


def reads() -> list[str]:
    return points(*(f"read {number}" for number in READS))


crash = pytest.mark.point("crash matrix")


@crash
@pytest.mark.parametrize(
    "point",
    sampled(
        [*writes(MADE), *reads()],
        [
            "after CreateFileSystem 1",
            "after CreateTrainingJob 1",
            "after TagResource 1",
            "before DeleteFileSystem 1",
            "after read 12",
        ],
    ),
)
def test_a_workflow(program: Make, point: str) -> None:
    run = program("released")
    seen_through(run, point)
    run.each_made_once(*MADE)


@crash
@pytest.mark.parametrize(
    "point",
    sampled(
        [*writes(TUNED), *reads()],
        [
            "after CreateDataRepositoryAssociation 1",
            "after CreateHyperParameterTuningJob 1",
            "before TagResource 1",
            "after DeleteFileSystem 1",
        ],
    ),
)
def test_operations_without_flyte(program: Make, point: str) -> None:
    run = program("plain")
    seen_through(run, point)
    run.each_made_once(*TUNED)


@crash
@pytest.mark.parametrize(
    "point",
    sampled(
        points("Search 1", "Search 2", "Search 3", *REMOVALS, "Search 7"),
        ["after DeleteFileSystem 1"],
    ),
)
def test_a_clean_up_of_what_failed(program: Make, point: str) -> None:
    run = program("released")
    run.hold("fail-job")
    killed(run, point)
    run.let_go()
    taken_up(run)
    assert len(run.executions) == 2
    run.each_made_once(*MADE)


@crash
@pytest.mark.parametrize(
    ("first", "second"),
    sampled(
        [
            *itertools.product(["after DeleteDataRepositoryAssociation 1"], points("Search 1", *REMOVALS[2:])),
            *itertools.product(points("CreateFileSystem 1"), points(*(f"{create} 1" for create in MADE[1:]))),
        ],
        [("after DeleteDataRepositoryAssociation 1", "after TagResource 1")],
    ),
)
def test_killed_again_when_it_was_taken_up(program: Make, first: str, second: str) -> None:
    run = program("released")
    killed(run, first)
    killed(run, second)
    taken_up(run)
    run.each_made_once(*MADE)


def killed(run: Program, point: str) -> None:
    code = run.run(point)
    if code == 0 and " read " in point:
        pytest.skip(f"the run had ended before {point}")
    assert code == -signal.SIGKILL, run.output


def taken_up(run: Program) -> None:
    """The same command again succeeds; a removal that was cut off is seen through first, and all is begun anew."""
    begun = [one["execution"] for one in run.journals() if not one["ending"]]
    ended = [one["execution"] for one in run.journals() if one["ending"]]
    died_at = run.last_call()
    assert run.run() == 0, f"killed at {died_at}; then:\n{run.output}"
    assert (run.executions[-1] in begun) == bool(begun), run.output
    assert run.executions[-1] not in ended, run.output
    run.nothing_left()


def seen_through(run: Program, point: str) -> None:
    killed(run, point)
    taken_up(run)
