"""The journal of a local run that an earlier release left is taken up by the same command. N18"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.upgrade.recordings import RELEASES, load

ROOT = Path(__file__).parents[2]
SCRIPT = """
import json, os, sys
given = json.loads(sys.argv[1])
sys.argv = given["argv"]
os.chdir(given["cwd"])
from flytekitplugins_smfs.runs import journal
from flytekitplugins_smfs.runs.execution import called, current
def told():
    mine = current()
    return {"id": mine.id, "resumed": mine.resumed, "attempt": mine.first_attempt("smfs.create_lustre#0")}
runs = []
for call in given["calls"]:
    if call is None:
        runs.append(told())
        continue
    with called(*call):
        runs.append(told())
print(json.dumps({"command": journal.command(), "runs": runs}))
"""
"""Says what its calls of workflows, and itself where there is none, take up."""


def run(state: Path, recorded: dict[str, Any], *calls: Any, **changes: Any) -> dict[str, Any]:
    """What a process of the same command takes up."""
    given = json.dumps({"argv": recorded["argv"], "cwd": recorded["cwd"], **changes, "calls": calls})
    environment = {**os.environ, "XDG_STATE_HOME": str(state), "PYTHONPATH": str(ROOT), "LOGNAME": "someone"}
    command = [sys.executable, "-c", SCRIPT, given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def leave(state: Path, file: dict[str, Any]) -> Path:
    """Put a journal where the release left it."""
    path = state / "smfs/runs" / file["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(file["content"]))
    return path


def taken_up(file: dict[str, Any]) -> dict[str, Any]:
    """What is told of a run that takes it up: it begins with the attempt after the one that was given up."""
    content = file["content"]
    return {"id": content["execution"], "resumed": True, "attempt": content["attempts"]["smfs.create_lustre#0"]}


@pytest.mark.parametrize("release", RELEASES)
def test_the_same_command_takes_it_up(release: str, tmp_path: Path) -> None:
    recorded = load(release, "journal")
    assert recorded["directory"] == "$XDG_STATE_HOME/smfs/runs"
    path = leave(tmp_path, recorded["file"])
    told = run(tmp_path, recorded, None)
    assert path.name.startswith(f"{told['command']}.")
    assert told["runs"] == [taken_up(recorded["file"])]
    assert not path.exists()  # it ended in good order


@pytest.mark.parametrize("release", RELEASES)
def test_of_a_command_that_calls_workflows_the_first_takes_up_what_it_left(release: str, tmp_path: Path) -> None:
    """0.1.0 kept one for the process; since then each outermost call has its own, which is found wherever it stands."""
    recorded = load(release, "journal")
    other = ("another.workflow", {})
    call = recorded.get("call")
    if call is None:
        leave(tmp_path, recorded["file"])
        first, second = run(tmp_path, recorded, other, ("a.third", {}))["runs"]
    else:
        leave(tmp_path, call["file"])
        second, first = run(tmp_path, recorded, other, (call["name"], [call["inputs"]]))["runs"]
        assert not first["resumed"]
        second, first = run(tmp_path, recorded, other, (call["name"], call["inputs"]))["runs"]
    assert first == taken_up((call or recorded)["file"])
    assert not second["resumed"]
    assert second["id"] != first["id"]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("changes", [{"argv": ["/opt/venv/bin/pyflyte", "run"]}, {"cwd": "/usr"}])
def test_another_command_does_not(release: str, changes: dict[str, Any], tmp_path: Path) -> None:
    recorded = load(release, "journal")
    path = leave(tmp_path, recorded["file"])
    (told,) = run(tmp_path, recorded, None, **changes)["runs"]
    assert not told["resumed"]
    assert path.exists()


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_later_release_wrote_beside_is_passed_over(release: str, tmp_path: Path) -> None:
    recorded = load(release, "journal")
    leave(tmp_path, {**recorded["file"], "content": {**recorded["file"]["content"], "later": [1]}})
    assert run(tmp_path, recorded, None)["runs"] == [taken_up(recorded["file"])]
