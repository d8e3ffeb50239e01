"""The state directory: where it is, who may read it, and what becomes of it when things go wrong around it."""

import fcntl
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator import control, processes
from flytekitplugins_smfs.emulator.instance import AlreadyRunning, is_locked, only_one
from flytekitplugins_smfs.emulator.paths import Paths, default_state
from tests.conftest import Emulator, run_emulator, wait_for


def command(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    run = [sys.executable, "-m", "flytekitplugins_smfs.emulator", *arguments]
    return subprocess.run(
        run, text=True, capture_output=True, timeout=120, env={**os.environ, **environment}, check=False
    )


def test_the_state_is_where_the_users_state_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SMFS_EMULATOR_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state() == tmp_path / "smfs-emulator"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # the specification: not to be used
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state() == tmp_path / ".local/state/smfs-emulator"
    monkeypatch.setenv("SMFS_EMULATOR_STATE", "/elsewhere")
    assert default_state() == Path("/elsewhere")


def test_the_command_says_which_state(tmp_path: Path) -> None:
    said = command("status", XDG_STATE_HOME=str(tmp_path), SMFS_EMULATOR_STATE="")
    assert said.returncode == 3
    assert said.stdout == f"not running (state {tmp_path}/smfs-emulator)\n"


@pytest.fixture
def running(own_emulator: Emulator) -> Iterator[Emulator]:
    own_emulator.state.mkdir(mode=0o755)
    yield own_emulator.start()
    pid = own_emulator.server["pid"]
    if psutil.pid_exists(pid):
        os.kill(pid, signal.SIGCONT)


def test_nobody_else_can_read_it(running: Emulator) -> None:
    assert stat.S_IMODE(running.state.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in running.state.glob("keys.db*")} == {0o600}


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "-inf", "1e999", "soon", "http://me:secret@example/"])
def test_a_setting_that_is_no_time_is_refused(tmp_path: Path, value: str) -> None:
    said = command("start", "--detach", "--state", str(tmp_path / "state"), "--set", f"fsx_creating_seconds={value}")
    assert said.returncode == 2
    assert "fsx_creating_seconds" in said.stderr
    assert "secret" not in said.stderr + said.stdout
    assert not (tmp_path / "state").exists()


def test_a_running_server_takes_settings(running: Emulator) -> None:
    said = command("start", "--detach", "--state", str(running.state), "--set", "fsx_creating_seconds=0.125")
    assert said.returncode == 0
    assert said.stdout.splitlines()[1] == "it has taken fsx_creating_seconds=0.125"
    assert running.settings()["fsx_creating_seconds"] == 0.125
    for option, word in ((("--insecure",), "signatures"), (("--host-name", "aws.test"), "aws.test")):
        said = command("start", "--detach", "--state", str(running.state), *option)
        assert said.returncode == 1
        assert word in said.stderr


def test_the_environment_is_for_a_shell_and_for_sagemakers_sdks(running: Emulator) -> None:
    text = run_emulator("env", "--state", str(running.state))
    shown = subprocess.run(
        ["bash", "-c", f"{text}\nenv"], text=True, capture_output=True, check=True,
        env={"PATH": os.environ["PATH"], "AWS_SESSION_TOKEN": "old", "AWS_PROFILE": "other"},
    ).stdout  # fmt: skip
    found = dict(line.partition("=")[::2] for line in shown.splitlines())
    assert found.items() >= running.env.items()
    assert not {"AWS_SESSION_TOKEN", "AWS_PROFILE"} & set(found)
    defaults = json.loads(Path(running.env["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text())
    modules = defaults["SageMaker"]["PythonSDK"]["Modules"]
    assert modules == {"Session": {"DefaultS3Bucket": "sagemaker-us-east-1-123456789012"}, "TelemetryOptOut": True}


def test_a_stranger_with_the_servers_number_is_left_alone(running: Emulator) -> None:
    """A file that names a process which is not the server's: after a kill, the number may be another's."""
    pid = running.server["pid"]
    with subprocess.Popen(["sleep", "600"]) as stranger:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not psutil.pid_exists(pid))
        file = running.state / "server.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "pid": stranger.pid}))
        (running.state / "processes" / f"job.{stranger.pid}.json").write_text(
            json.dumps({"name": "job", "pid": stranger.pid, "started": 1.0, "identity": "another boot:1"})
        )
        assert command("status", "--state", str(running.state)).returncode == 3
        assert command("stop", "--state", str(running.state)).stdout == "not running\n"
        assert stranger.poll() is None
        running.start()
        running.stop()
        assert stranger.poll() is None
        stranger.kill()


def holding(lock: Path) -> "subprocess.Popen[bytes]":
    """A process that has a lock and does nothing else, as a server that was killed has it until it is gone."""
    script = "import fcntl, sys, time; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); "
    process = subprocess.Popen(
        [sys.executable, "-c", script + "print('held', flush=True); time.sleep(600)", str(lock)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_server_that_is_being_killed_is_none_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    dying = holding(paths.lock)
    looks: list[None] = []

    def running(_: Paths) -> None:
        looks.append(None)
        if len(looks) == 3:
            dying.kill()
            dying.communicate()

    monkeypatch.setattr(control, "running", running)
    assert control.settled(paths) is None
    assert len(looks) == 3


def test_who_looks_at_the_lock_does_not_hold_it(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    with paths.lock.open("a") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not is_locked(paths)
        release = threading.Timer(0.2, looking.close)
        release.start()
        with only_one(paths):
            assert is_locked(paths)
        release.join()
    with only_one(paths), pytest.raises(AlreadyRunning), only_one(paths):
        pass


def test_a_process_is_known_by_more_than_its_number_and_the_clock(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as child:
        group = processes.record(tmp_path, "job", child.pid)
        file = tmp_path / f"job.{child.pid}.json"
        kept = json.loads(file.read_text())
        file.write_text(json.dumps({**kept, "started": kept["started"] + 3600}))  # somebody has set the clock
        assert [found.pid for found in processes.live(tmp_path)] == [child.pid]
        file.write_text(json.dumps({**kept, "identity": "another boot:1"}))
        assert processes.live(tmp_path) == []
        assert group.alive()
        child.kill()
    assert not group.alive()


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": "x"}', "\0" * 100, '{"fsx_creating_seconds": "soon"}'])
def test_damaged_files_are_named_and_the_rest_is_served(own_emulator: Emulator, content: str) -> None:
    own_emulator.start().client("fsx").describe_file_systems()
    own_emulator.stop()
    for name in ("settings.json", "server.json", "processes/job.1.json"):
        (own_emulator.state / name).write_text(content)
    own_emulator.start().client("fsx").describe_file_systems()
    assert own_emulator.processes() == []
    log = (own_emulator.state / "server.log").read_text()
    assert "job.1.json is damaged" in log
    assert ("settings.json is damaged" in log) == (content != '{"pid": "x"}')  # a setting of another version is kept
    own_emulator.settings(fsx_creating_seconds=0.2)
    if content in ("", "{"):
        assert (own_emulator.state / "settings.json.damaged").read_text() == content


def test_a_damaged_table_of_keys_is_put_aside_and_iams_keys_come_back(own_emulator: Emulator) -> None:
    iam = own_emulator.start().client("iam")
    made = iam.create_access_key(UserName="emulator")["AccessKey"]
    own_emulator.stop()
    for file in own_emulator.state.glob("keys.db*"):
        file.write_bytes(b"nonsense" * 1000)
    own_emulator.start()
    assert "keys.db is damaged" in (own_emulator.state / "server.log").read_text()
    assert own_emulator.client("sts").get_caller_identity()["Arn"].endswith(":user/emulator")  # with a new key
    own_emulator.env |= {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}
    assert own_emulator.client("sts").get_caller_identity()["Arn"].endswith(":user/emulator")


def test_a_damaged_database_is_named(own_emulator: Emulator) -> None:
    own_emulator.start()
    own_emulator.stop()
    for file in own_emulator.state.glob("state.db*"):
        file.write_bytes(b"nonsense" * 1000)
    said = command("start", "--detach", "--state", str(own_emulator.state))
    assert said.returncode == 1
    assert "state.db" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_full_disk_is_an_error_of_the_server_and_passes(running: Emulator) -> None:
    """A limit of the server's file sizes stands for a disk without room: every write beyond it fails."""
    pid, logs = running.server["pid"], running.client("logs")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(ClientError) as refused:
            logs.create_log_group(logGroupName="/full")
        error = refused.value.response
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 500
        assert "cannot read or write its state" in error["Error"]["Message"] or "InternalServerError" in str(error)
        with urllib.request.urlopen(f"{running.env['AWS_ENDPOINT_URL']}/_emulator/health", timeout=10) as answer:
            assert answer.status == 200
        running.client("fsx").describe_file_systems()  # reading goes on
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
    logs.create_log_group(logGroupName="/full")
    assert [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix="/full")["logGroups"]]
