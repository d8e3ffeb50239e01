"""A job process: its private file tree, its end, and what survives whom."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from flytekitplugins_smfs.emulator import processes
from flytekitplugins_smfs.emulator.cgroup import Cgroup, remove
from flytekitplugins_smfs.emulator.containers.sandbox import Sandbox
from flytekitplugins_smfs.emulator.containers.spec import Bind, ExitRecord, ProcessSpec
from flytekitplugins_smfs.emulator.containers.walls import available, readable, writable


def groups_are_made() -> bool:
    """Whether this system lets control groups be made."""
    made = Cgroup.create(Path("probe"), None, None)
    if made is not None:
        remove(made.path)
    return made is not None


isolated_only = pytest.mark.skipif(not available().namespaces, reason="this system allows no private mount namespace")
Launch = Callable[..., Sandbox]


@pytest.fixture
def launch(tmp_path: Path) -> Any:
    """Start a shell command as a job, with a file system of one file mounted read-only as channel ``data``."""
    filesystem = tmp_path / "filesystem"
    filesystem.mkdir()
    (filesystem / "part").write_text("content")
    (tmp_path / "processes").mkdir()
    started = []

    def start(script: str, name: str = "job", **options: Any) -> Sandbox:
        ml = tmp_path / name / "ml"
        (ml / "input/data").mkdir(parents=True)
        inside = options.pop("isolated", available().namespaces)
        root = Path("/opt/ml") if inside else ml
        binds = [Bind(str(ml), "/opt/ml"), Bind(str(filesystem), "/opt/ml/input/data/data", read_only=True)]
        environment = {"PATH": os.environ["PATH"], "ML": str(root)}
        walls = {"readable": readable([str(filesystem)]), "writable": writable([str(root)], inside)}
        chosen = {"isolated": inside, **walls, **options}
        spec = ProcessSpec(["sh", "-c", script], environment, str(root), binds, **chosen)
        sandbox = Sandbox(tmp_path / name, name, tmp_path / "processes")
        spec.write(sandbox.folder.spec)
        sandbox.start()
        started.append(sandbox)
        return sandbox

    yield start
    for sandbox in started:
        sandbox.stop("Ended", 0)
        finished(sandbox)


def finished(sandbox: Sandbox, seconds: float = 20) -> ExitRecord:
    until = time.monotonic() + seconds
    while (outcome := sandbox.outcome()) is None:
        assert time.monotonic() < until, "the process did not end"
        time.sleep(0.01)
    return outcome


def texts(sandbox: Sandbox) -> list[str]:
    return [text for _, _, text in sandbox.lines(0)]


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_output_and_exit_code_are_kept(launch: Launch) -> None:
    sandbox = launch("echo one; printf 'two\\tparts\\n'; echo three >&2; printf unfinished; exit 3")
    assert finished(sandbox).code == 3
    assert texts(sandbox) == ["one", "two\tparts", "three", "unfinished"]


def test_lines_go_on_from_an_offset(launch: Launch) -> None:
    sandbox = launch("echo one; echo two")
    finished(sandbox)
    (offset, stamp, first), second = sandbox.lines(0)
    assert (first, [line for *_, line in sandbox.lines(offset)]) == ("one", [second[2]])
    assert abs(stamp / 1000 - time.time()) < 60


@isolated_only
def test_a_read_only_channel_cannot_be_written(launch: Launch, tmp_path: Path) -> None:
    sandbox = launch("cat /opt/ml/input/data/data/part; echo x > /opt/ml/input/data/data/new")
    assert finished(sandbox).code != 0
    assert texts(sandbox)[0].startswith("content")
    assert "Read-only file system" in texts(sandbox)[-1]
    assert not (tmp_path / "filesystem/new").exists()


@isolated_only
def test_nothing_of_the_private_tree_is_seen_outside(launch: Launch, tmp_path: Path) -> None:
    before = sorted(os.listdir("/opt"))
    finished(launch("echo saved > /opt/ml/model"))
    assert (tmp_path / "job/ml/model").read_text() == "saved\n"
    assert sorted(os.listdir("/opt")) == before


@isolated_only
def test_two_jobs_have_a_tree_each(launch: Launch) -> None:
    first = launch("echo first > /opt/ml/own; sleep 0.2; cat /opt/ml/own", name="first")
    second = launch("echo second > /opt/ml/own; sleep 0.2; cat /opt/ml/own", name="second")
    assert (finished(first).code, finished(second).code) == (0, 0)
    assert (texts(first), texts(second)) == (["first"], ["second"])


def test_stop_is_a_sigterm_that_the_job_may_answer(launch: Launch) -> None:
    sandbox = launch("trap 'echo saving; exit 0' TERM; echo ready; while :; do sleep 0.05; done", grace_seconds=20)
    eventually(lambda: texts(sandbox) == ["ready"])
    sandbox.stop("Stopped", 20)
    outcome = finished(sandbox)
    assert (outcome.code, outcome.reason, texts(sandbox)[-1]) == (0, "Stopped", "saving")


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(launch: Launch) -> None:
    sandbox = launch("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    eventually(lambda: texts(sandbox) == ["ready"])
    asked = time.monotonic()
    sandbox.stop("Stopped", 0.3)
    assert finished(sandbox).code == 128 + signal.SIGKILL
    assert 0.25 < time.monotonic() - asked < 5


def test_the_deadline_ends_a_job(launch: Launch) -> None:
    outcome = finished(launch("sleep 60", deadline=time.time() + 0.2))
    assert (outcome.reason, outcome.code) == ("Deadline", 128 + signal.SIGTERM)


def test_a_program_that_does_not_exist_is_named(launch: Launch) -> None:
    sandbox = launch("exec /no/such/program")
    assert finished(sandbox).code == 127
    assert "/no/such/program" in texts(sandbox)[0]


def test_what_a_job_left_running_dies_with_it(launch: Launch) -> None:
    marker = f"86{os.getpid()}"
    finished(launch(f"sleep {marker} & echo left"))
    eventually(lambda: not running(marker))


def test_a_killed_supervisor_takes_its_job_along_and_is_reported_lost(launch: Launch, tmp_path: Path) -> None:
    marker = f"87{os.getpid()}"
    sandbox = launch(f"sleep {marker}")
    [group] = processes.live(tmp_path / "processes")
    os.kill(group.pid, signal.SIGKILL)
    assert finished(sandbox).reason == "Lost"
    eventually(lambda: not running(marker))


@pytest.mark.parametrize("isolated", [True, False])
def test_a_killed_supervisor_leaves_no_daemon_and_no_control_group(
    launch: Launch, tmp_path: Path, isolated: bool
) -> None:
    marker = f"85{os.getpid()}{int(isolated)}"
    daemon = f"(setsid sh -c '(setsid sleep {marker} &)' </dev/null >/dev/null 2>&1 &); echo left; sleep {marker}"
    sandbox = launch(daemon, **({} if isolated else {"isolated": False}))
    eventually(lambda: len(running(marker)) == 2)
    said = json.loads(sandbox.folder.supervisor.read_text())
    os.kill(said["pid"], signal.SIGKILL)
    eventually(lambda: not running(marker))
    assert finished(sandbox).reason == "Lost"
    assert not said["group"] or not Path(said["group"]).exists()


@pytest.mark.skipif(not groups_are_made(), reason="this system lets no control group be made")
def test_what_outlives_supervisor_and_keeper_is_found_by_its_control_group(launch: Launch, tmp_path: Path) -> None:
    marker = f"84{os.getpid()}"
    daemon = f"(setsid sh -c '(setsid sleep {marker} &)' </dev/null >/dev/null 2>&1 &); echo left; sleep 60"
    sandbox = launch(daemon, isolated=False)
    eventually(lambda: len(running(marker)) == 1)
    said = json.loads(sandbox.folder.supervisor.read_text())
    os.kill(said["pid"], signal.SIGSTOP)  # so that nobody takes notice of the keeper's end
    os.kill(said["process"], signal.SIGSTOP)
    os.kill(said["pid"], signal.SIGKILL)
    os.kill(said["process"], signal.SIGKILL)
    eventually(lambda: not sandbox.alive())
    assert len(running(marker)) == 1
    assert Path(said["group"]).exists()
    processes.sweep(tmp_path / "processes")  # as the next start of the server does
    assert not Path(said["group"]).exists()
    eventually(lambda: not running(marker))
    assert finished(sandbox).reason == "Lost"


def test_kill_all_leaves_nothing(launch: Launch, tmp_path: Path) -> None:
    marker = f"88{os.getpid()}"
    started = [launch(f"sleep {marker}", name=name) for name in ("one", "two")]
    said = [json.loads(sandbox.folder.supervisor.read_text()) for sandbox in started]
    assert len(processes.live(tmp_path / "processes")) == 2
    assert processes.kill_all(tmp_path / "processes") == []
    eventually(lambda: not running(marker))
    assert not [one for one in said if one["group"] and Path(one["group"]).exists()]
    assert list((tmp_path / "processes").iterdir()) == []


def test_a_job_survives_the_kill_of_the_process_that_started_it(tmp_path: Path) -> None:
    """Started by another process that is then killed with SIGKILL, it ends by itself and leaves its record."""
    folder = tmp_path / "orphan"
    (folder / "ml").mkdir(parents=True)
    inside = available().namespaces
    spec = ProcessSpec(
        ["sh", "-c", "sleep 0.4; echo survived"],
        {"PATH": os.environ["PATH"]},
        "/",
        [Bind(str(folder / "ml"), "/opt/ml")],
        inside,
        readable=readable([]),
    )
    spec.write(folder / "spec.json")
    (tmp_path / "processes").mkdir()
    code = (
        "import sys, time; from pathlib import Path;"
        "from flytekitplugins_smfs.emulator.containers.sandbox import Sandbox;"
        f"Sandbox(Path({str(folder)!r}), 'orphan', Path({str(tmp_path / 'processes')!r})).start();"
        "print('started', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    sandbox = Sandbox(folder, "orphan", tmp_path / "processes")
    assert sandbox.alive()
    assert finished(sandbox).code == 0
    assert texts(sandbox) == ["survived"]


def running(marker: str) -> list[int]:
    """Processes ``sleep <marker>``."""
    return [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", marker]]
