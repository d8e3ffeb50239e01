"""Fixtures of the matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Emulator
from tests.matrix.running import ROOT, Program
from tests.operations.driving import BUCKET

QUICK = {
    "fsx_creating_seconds": 0.1,
    "fsx_deleting_seconds": 0.1,
    "association_creating_seconds": 0.1,
    "association_deleting_seconds": 0.1,
    "training_starting_seconds": 0.1,
    "training_stop_grace_seconds": 1.0,
}
Make = Callable[..., Program]


@pytest.fixture
def quick(emulator: Emulator) -> Iterator[Emulator]:
    """An emulator whose resources are made and removed quickly; faults and settings are put back."""
    with emulator.changed_settings(**QUICK):
        yield emulator
        emulator.faults()


@pytest.fixture
def program(quick: Emulator, tmp_path: Path) -> Iterator[Make]:
    """Makes a program: `plain`, or a `pyflyte run` of this workflow of flows.py with more arguments."""
    made: list[Program] = []

    def make(name: str, *more: str) -> Program:
        if name == "plain":
            script, repository = str(ROOT / "tests/matrix/plain.py"), f"s3://{BUCKET}/matrix/{tmp_path.name}"
            one = Program(quick, tmp_path, script, repository, *more)
        else:
            one = Program.flow(quick, tmp_path, name, *more)
            one.let_jobs_see()
        one.data()
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()
