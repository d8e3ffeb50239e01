"""Real `pyflyte run` processes that are told to stop. N1"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import wait_for
from tests.flyte.conftest import ROOT, Run
from tests.flyte.fakes import FileOperation


def started(run: Run, name: str) -> bool:
    return "started" in run.fakes[name].calls


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_only_the_work_in_flight_is_stopped_and_the_clean_up_runs(pyflyte_run: Run, number: int) -> None:
    first, second, cleanup = (pyflyte_run.fakes[name] for name in ("first", "second", "cleanup"))
    first.set("succeed")
    cleanup.set("succeed")
    pyflyte_run.start()
    pyflyte_run.until(lambda: second.looks > 0)
    pyflyte_run.signal(number)
    assert pyflyte_run.end() == 1
    assert second.calls[-1] == "cancel second#0"
    assert not any(call.startswith("cancel") for call in first.calls + cleanup.calls)
    assert started(pyflyte_run, "cleanup")
    assert "OperationCancelled" in pyflyte_run.output
    execution = second.calls[0].split()[1]
    assert cleanup.calls[0].split()[1] == execution  # the clean-up looks for what this execution made


def test_a_signal_during_start_stops_what_start_made(pyflyte_run: Run) -> None:
    first, cleanup = pyflyte_run.fakes["first"], pyflyte_run.fakes["cleanup"]
    first.set("slow")
    cleanup.set("succeed")
    pyflyte_run.start()
    pyflyte_run.until(lambda: bool(first.calls))
    pyflyte_run.signal(signal.SIGTERM)
    first.unset("slow")
    assert pyflyte_run.end() == 1
    assert first.calls[1:] == ["started", "cancel first#0"]
    assert first.looks == 0


def test_a_second_ctrl_c_leaves_and_the_next_run_finds_what_was_left(pyflyte_run: Run) -> None:
    first, cleanup = pyflyte_run.fakes["first"], pyflyte_run.fakes["cleanup"]
    first.set("stubborn")
    cleanup.set("fail", "could not be removed")
    pyflyte_run.start()
    pyflyte_run.until(lambda: first.looks > 0)
    pyflyte_run.signal(signal.SIGINT)
    pyflyte_run.until(lambda: "cancel first#0" in first.calls)
    pyflyte_run.signal(signal.SIGINT)
    assert pyflyte_run.end() == 1
    left = first.calls[0].split()[1]
    assert f"smfs release {left}" in pyflyte_run.output
    first.set("succeed")
    pyflyte_run.fakes["second"].set("succeed")
    pyflyte_run.start()
    assert pyflyte_run.end() == 0, pyflyte_run.output
    again = [call for call in first.calls if call.startswith("start ")][1]
    assert again.split()[1:4] == [left, "first#0", "1"]  # the first attempt was asked to stop


# N2
def test_a_killed_run_started_again_is_the_same_execution(pyflyte_run: Run) -> None:
    first = pyflyte_run.fakes["first"]
    pyflyte_run.start()
    pyflyte_run.until(lambda: first.looks > 0)
    pyflyte_run.signal(signal.SIGKILL)
    pyflyte_run.end()
    first.set("succeed")
    pyflyte_run.fakes["second"].set("succeed")
    pyflyte_run.start()
    assert pyflyte_run.end() == 0, pyflyte_run.output
    starts = [call for call in first.calls if call.startswith("start ")]
    assert len(starts) == 2
    assert starts[0] == starts[1]
    assert "taken up again" in pyflyte_run.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_an_ordinary_task_runs_the_clean_up_too(pyflyte_run: Run, number: int) -> None:
    first, cleanup = pyflyte_run.fakes["first"], pyflyte_run.fakes["cleanup"]
    first.set("succeed")
    cleanup.set("succeed")
    pyflyte_run.start("between")
    pyflyte_run.until(lambda: (first.place / "ordinary").exists())
    pyflyte_run.signal(number)
    assert pyflyte_run.end() == 1
    assert started(pyflyte_run, "cleanup")
    assert not any(call.startswith("cancel") for call in first.calls)
    assert "between two operations" in pyflyte_run.output


# N12
def test_ctrl_c_stops_operations_that_run_in_threads_only(tmp_path: Path) -> None:
    fake = FileOperation(tmp_path)
    environment = {
        **os.environ,
        "FAKE_STATE": str(tmp_path),
        "FLYTE_SMFS_ENDPOINT": "http://127.0.0.1:9",
        "FLYTE_SMFS_REGION": "us-east-1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    command = [sys.executable, "-m", "tests.flyte.threads"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: fake.calls.count("started") == 2, 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1
    finally:
        process.kill()
        process.wait()
    assert {call for call in fake.calls if call.startswith("cancel")} == {"cancel left#0", "cancel right#0"}
