"""The identity of a local execution, and how a killed one is found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flytekitplugins_smfs.runs import journal
from flytekitplugins_smfs.runs.execution import Execution

SCRIPT = """
import sys, os, signal
from flytekitplugins_smfs.runs.execution import current
mine = current()
print(mine.id, mine.resumed, mine.step("a"), mine.step("a"), mine.step("b"), mine.first_attempt("a#0"), flush=True)
how = open(sys.argv[1]).read()
if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
if how == "keep": mine.keep("a#0", mine.first_attempt("a#0"))
if how == "raise": raise SystemExit(1)
if how == "wait": sys.stdin.read()
"""


@pytest.fixture
def how(tmp_path: Path) -> Path:
    return tmp_path / "how"


def command(tmp_path: Path, *more: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(tmp_path / "how"), *more]


def start(tmp_path: Path, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    pipe = subprocess.PIPE
    return subprocess.Popen(command(tmp_path, *more), env=environment, cwd=tmp_path, text=True, stdin=pipe, stdout=pipe)


def run(tmp_path: Path, *more: str) -> list[str]:
    process = start(tmp_path, *more)
    return process.communicate(timeout=30)[0].split()


def journals(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "state/smfs/runs").iterdir())


# N2
def test_a_killed_run_is_taken_up_by_the_same_command(tmp_path: Path, how: Path) -> None:
    how.write_text("kill")
    first = run(tmp_path)
    how.write_text("")
    second = run(tmp_path)
    assert first[1:] == ["False", "a#0", "a#1", "b#0", "0"]
    assert second == [first[0], "True", "a#0", "a#1", "b#0", "0"]
    third = run(tmp_path)
    assert third[0] != first[0]
    assert third[1] == "False"
    assert journals(tmp_path) == []


def test_another_command_does_not_take_it_up(tmp_path: Path, how: Path) -> None:
    how.write_text("kill")
    first = run(tmp_path)
    how.write_text("")
    assert run(tmp_path, "--other")[0] != first[0]


@pytest.mark.parametrize("end", ["", "raise"])
def test_a_run_that_ended_in_good_order_is_not_taken_up(tmp_path: Path, how: Path, end: str) -> None:
    how.write_text(end)
    assert run(tmp_path)[0] != run(tmp_path)[0]
    assert journals(tmp_path) == []


def test_a_run_that_left_something_is_taken_up(tmp_path: Path, how: Path) -> None:
    how.write_text("keep")
    starts = [run(tmp_path) for _ in range(3)]
    assert len({start[0] for start in starts}) == 1
    assert [start[-1] for start in starts] == ["0", "1", "2"]  # not the attempt that was asked to stop


def test_a_run_that_lives_is_left_alone(tmp_path: Path, how: Path) -> None:
    how.write_text("wait")
    living = start(tmp_path)
    assert living.stdout is not None
    mine = living.stdout.readline().split()[0]
    how.write_text("")
    assert run(tmp_path)[0] != mine
    living.communicate("", timeout=30)


def test_of_two_starts_only_one_takes_it_up(tmp_path: Path, how: Path) -> None:
    how.write_text("kill")
    dead = run(tmp_path)[0]
    how.write_text("wait")
    both = [start(tmp_path), start(tmp_path)]
    ids = [process.stdout.readline().split()[0] for process in both if process.stdout]
    for process in both:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert ids.count(dead) == 1
    assert len(set(ids)) == 2


def test_a_state_directory_that_cannot_be_written_does_not_stop_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(journal.tempfile, "mkdtemp", lambda **_: str(tmp_path))
    one = Execution()
    one.finish()
    assert "cannot be taken up" in caplog.text
