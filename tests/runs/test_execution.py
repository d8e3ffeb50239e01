"""The identity of a local execution, and how a killed one is found again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flytekitplugins_smfs.runs import journal
from flytekitplugins_smfs.runs.execution import Execution, told
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec

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


@pytest.mark.parametrize(
    "spoilt", ["", "{", "[]", '{"execution": 3}', '{"pid": 1}', '{"execution": "x", "attempts": 7}']
)
def test_a_journal_that_cannot_be_read_is_set_aside(tmp_path: Path, how: Path, spoilt: str) -> None:
    """A machine that lost its power leaves such."""
    how.write_text("kill")
    first = run(tmp_path)
    (file,) = journals(tmp_path)
    file.write_text(spoilt)
    how.write_text("")
    again = run(tmp_path)
    assert again[0].startswith("local/")
    assert again[0] != first[0]
    assert [path.suffix for path in journals(tmp_path)] == [".unreadable"]


CALLS = """
import os, signal, sys
from flytekitplugins_smfs.runs import execution
for word in sys.argv[2:]:
    with execution.called(word.partition("=")[0], {"n": word.partition("=")[2]}):
        mine = execution.current()
        print(mine.id, mine.resumed, flush=True)
        with execution.called("inner", {}):
            assert execution.current() is mine
        if open(sys.argv[1]).read() == word:
            os.kill(os.getpid(), signal.SIGKILL)
        if open(sys.argv[1]).read() == "end " + word:
            mine.end()
            os.kill(os.getpid(), signal.SIGKILL)
print([one.execution for one in getattr(mine, "unfinished", [])])
"""


def calls(tmp_path: Path, how: str, *words: str) -> list[str]:
    (tmp_path / "how").write_text(how)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-c", CALLS, str(tmp_path / "how"), *words]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, text=True, capture_output=True, timeout=60, check=False
    )
    return done.stdout.splitlines()


# N2
def test_a_call_is_known_by_its_workflow_its_inputs_and_its_occurrence(tmp_path: Path) -> None:
    words = ("a=1", "a=1", "b=1", "a=2")
    first = calls(tmp_path, "b=1", *words)
    assert len({line.split()[0] for line in first}) == 3  # the same call twice is two executions
    again = calls(tmp_path, "", *words)
    assert again[2] == f"{first[2].split()[0]} True"
    assert all(line.endswith(" False") for line in (*again[:2], again[3]))
    assert not {line.split()[0] for line in first[:2]} & {line.split()[0] for line in again[:4]}


# N2
def test_an_execution_that_was_ending_is_not_taken_up_but_seen_through(tmp_path: Path) -> None:
    """What it had made is going: taken up, its next steps would find what is not there any more."""
    dead = calls(tmp_path, "end a=1", "a=1")[0].split()[0]
    again = calls(tmp_path, "", "a=1")
    assert again[0].split()[0] != dead
    assert again[0].endswith(" False")
    assert again[-1] == f"['{dead}']"
    assert calls(tmp_path, "", "a=1")[-1] == f"['{dead}']"  # until it was seen through


# N2
def test_a_start_that_died_over_the_removal_of_another_hides_nothing(tmp_path: Path) -> None:
    """Whichever of the two journals is read first."""
    ending = calls(tmp_path, "end a=1", "a=1")[0].split()[0]
    (kept,) = journals(tmp_path)
    died = calls(tmp_path, "a=1", "a=1")[0].split()[0]
    (other,) = set(journals(tmp_path)) - {kept}
    for tokens in (("0", "1"), ("3", "2")):
        call = ".".join(kept.name.split(".")[:2])
        places = [kept.with_name(f"{call}.{token}.json") for token in tokens]
        kept, other = kept.rename(places[0]), other.rename(places[1])
        assert calls(tmp_path, "a=1", "a=1")[0] == f"{died} True"
    assert calls(tmp_path, "", "a=1")[-1] == f"['{ending}']"


def test_inputs_are_told_the_same_in_every_process() -> None:
    class Thing:
        """Whose repr has an address."""

    one = told({"path": Path("/x"), "thing": Thing(), "n": [1, (2, 3)], "spec": LustreSpec()})
    assert one == told({"path": Path("/x"), "thing": Thing(), "n": [1, (2, 3)], "spec": LustreSpec()})
    assert one != told({"path": Path("/y"), "thing": Thing(), "n": [1, (2, 3)], "spec": LustreSpec()})
