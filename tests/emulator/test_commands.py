"""start, stop, status, env and reset; one server per state directory; what a kill leaves. C104."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import EndpointConnectionError

from flytekitplugins_smfs.emulator.processes import has_ended
from tests.conftest import Emulator, run_emulator, wait_for
from tests.emulator.services.fsx.test_file_system import at, available, parameters, subnet
from tests.emulator.services.iam.trust import TRUST


def test_it_starts_says_where_and_stops(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    state = ("--state", str(running.state))
    status = json.loads(run_emulator("status", "--json", *state))
    assert status["running"]
    assert status["url"] == running.env["AWS_ENDPOINT_URL"]
    assert "already running" in run_emulator("start", "--detach", *state)
    exports = run_emulator("env", *state).splitlines()
    assert f"export AWS_ENDPOINT_URL_S3={running.env['AWS_ENDPOINT_URL_S3']}" in exports
    family = [psutil.Process(status["pid"]), *psutil.Process(status["pid"]).children()]
    assert len(family) == 2
    running.stop()
    assert all(has_ended(process) for process in family)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_emulator("status", *state)
    assert caught.value.returncode == 3
    with pytest.raises(subprocess.CalledProcessError):
        run_emulator("env", *state)


def test_two_starts_at_once_make_one_server(own_emulator: Emulator) -> None:
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", "start", "--detach"]
    command += ["--state", str(own_emulator.state)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    pid = str(json.loads(run_emulator("status", "--json", "--state", str(own_emulator.state)))["pid"])
    assert all(f"pid {pid}," in answer for answer in answers)


def test_everything_is_there_after_a_kill(own_emulator: Emulator) -> None:
    running = own_emulator.start("--set", "fsx_creating_seconds=1.5")
    before, vpc = running.server, subnet(running)["VpcId"]
    ready = available(running)
    half_made = running.client("fsx").create_file_system(**parameters(running))["FileSystem"]["FileSystemId"]
    group = running.client("ec2").create_security_group(GroupName="mine", Description="x", VpcId=vpc)["GroupId"]
    role = running.client("iam").create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST)["Role"]
    running.client("s3").create_bucket(Bucket="mine-alone")
    running.client("s3").put_object(Bucket="mine-alone", Key="a/b", Body=b"x")
    server = psutil.Process(before["pid"])
    storage = server.children()
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: all(has_ended(process) for process in [server, *storage]))

    running.start()
    assert (running.server["port"], running.server["s3_port"]) == (before["port"], before["s3_port"])
    assert running.settings()["fsx_creating_seconds"] == 1.5
    assert at(running, ready["FileSystemId"], "AVAILABLE") == ready
    wait_for(lambda: at(running, half_made, "AVAILABLE"))
    ec2 = running.client("ec2")
    assert subnet(running)["VpcId"] == vpc
    assert ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["GroupName"] == "mine"
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=ready["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert len(found) == 2
    again = running.client("iam").get_role(RoleName="mine")["Role"]
    assert (again["RoleId"], again["Arn"]) == (role["RoleId"], role["Arn"])
    assert abs((again["CreateDate"] - role["CreateDate"]).total_seconds()) < 1
    assert running.client("s3").get_object(Bucket="mine-alone", Key="a/b")["Body"].read() == b"x"
    operations = [call["operation"] for call in running.calls()]
    assert operations.count("CreateFileSystem") == 2
    assert "CreateRole" in operations


def test_a_dead_storage_server_comes_back(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    storage = psutil.Process(running.server["pid"]).children()[0]
    storage.kill()
    wait_for(lambda: has_ended(storage))
    wait_for(lambda: psutil.Process(running.server["pid"]).children())
    s3 = running.client("s3", connect_timeout=5)

    def listed() -> bool:
        try:
            return bool(s3.list_buckets()["Buckets"])
        except EndpointConnectionError:
            return False

    wait_for(listed)


def test_ctrl_c_ends_it_in_the_foreground(own_emulator: Emulator) -> None:
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", "start", "--state", str(own_emulator.state)]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    wait_for(lambda: (own_emulator.state / "server.json").exists(), 60)
    family = psutil.Process(process.pid).children()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 0
    assert all(has_ended(child) for child in family)


def test_reset_forgets_everything_but_only_its_own(own_emulator: Emulator, tmp_path: Path) -> None:
    own_emulator.start()
    run_emulator("reset", "--state", str(own_emulator.state))
    assert not own_emulator.state.exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "precious").write_text("x")
    with pytest.raises(subprocess.CalledProcessError):
        run_emulator("start", "--detach", "--state", str(foreign))
    run_emulator("reset", "--state", str(foreign))
    assert [entry.name for entry in foreign.iterdir()] == ["precious"]


def test_an_unknown_setting_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_emulator("start", "--detach", "--state", str(tmp_path / "state"), "--set", "fsx_creatin_seconds=1")
    assert "fsx_creatin_seconds" in caught.value.stderr
    assert not (tmp_path / "state").exists()


def test_what_is_gone_does_not_slow_the_next_start(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    fsx, ec2 = running.client("fsx"), running.client("ec2")
    made = [available(running) for _ in range(3)]
    fsx.delete_file_system(FileSystemId=made[0]["FileSystemId"])
    fsx.delete_file_system(FileSystemId=made[1]["FileSystemId"])
    kept = wait_for(lambda: (found := interfaces(ec2)) and len(found) == 2 and found)
    running.stop()
    with closing(sqlite3.connect(running.state / "state.db")) as database:
        written = [body for (body,) in database.execute("SELECT body FROM moto_journal") if b"NetworkInterface" in body]
    assert len(written) == 2
    own_emulator.start()
    ec2 = own_emulator.client("ec2")
    assert interfaces(ec2) == kept
    another = available(own_emulator)["NetworkInterfaceIds"]
    addresses = [interface["PrivateIpAddress"] for interface in interfaces(ec2)]
    assert len(set(addresses)) == len(kept) + len(another)


def interfaces(ec2: Any) -> list[dict[str, Any]]:
    return list(ec2.describe_network_interfaces()["NetworkInterfaces"])


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for how in ((), ("--detach",)):
            assert failing("start", *how, "--port", str(port), "--state", str(tmp_path / "state")) == (
                f"Error: port {port} of 127.0.0.1 is taken; give another, or 0 for any free one\n"
            )


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for how in ((), ("--detach",)):
        text = failing("start", *how, "--state", str(tmp_path / "file/state"))
        assert text == f"Error: [Errno 20] Not a directory: '{tmp_path}/file/state'\n"


def failing(*arguments: str) -> str:
    """What a command that must fail says."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run_emulator(*arguments)
    return str(caught.value.stderr)


def test_without_its_packages_it_says_what_to_install() -> None:
    hidden = "import runpy, sys; sys.modules['psutil'] = None; "
    script = hidden + "runpy.run_module('flytekitplugins_smfs.emulator', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "(psutil)" in done.stderr
    assert "pip install 'flytekitplugins-smfs[emulator]'" in done.stderr
    assert "Traceback" not in done.stderr
