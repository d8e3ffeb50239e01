"""Fixtures of the Flyte face's tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.runs import execution
from tests.flyte.fakes import FileOperation

ROOT = Path(__file__).parents[2]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Settings of an AWS that no test may reach, and a state directory of the test's own."""
    monkeypatch.setenv("FLYTE_SMFS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("FLYTE_SMFS_REGION", "us-east-1")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(execution, "_process", None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, nowhere: None) -> FileOperation:
    """The operation `fake`."""
    state = tmp_path / "fake"
    state.mkdir()
    operation = FileOperation(state)
    monkeypatch.setattr(catalog, "load", lambda name: operation)
    return operation


class Run:
    """A `pyflyte run` of runs.py as a process."""

    def __init__(self, directory: Path) -> None:
        self.fakes = {name: FileOperation(directory / "fake" / name) for name in ("first", "second", "cleanup")}
        for one in self.fakes.values():
            one.place.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None
        self.output = ""

    def start(self, workflow: str = "both") -> None:
        environment = {
            **os.environ,
            "FAKE_STATE": str(self.directory / "fake"),
            "FLYTE_SMFS_ENDPOINT": "http://127.0.0.1:9",
            "FLYTE_SMFS_REGION": "us-east-1",
            "XDG_STATE_HOME": str(self.directory / "state"),
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.directory),
            "COLUMNS": "400",
        }
        pyflyte = Path(sys.executable).with_name("pyflyte")
        self.process = subprocess.Popen(
            [str(pyflyte), "run", str(ROOT / "tests/flyte/runs.py"), workflow],
            env=environment,
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def until(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until the condition holds while the process lives."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline, "it did not come to pass in time"
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end and give the exit code."""
        assert self.process is not None
        self.output, _ = self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def pyflyte_run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    if run.process and run.process.poll() is None:
        run.process.kill()
        run.process.communicate()
