"""``Emulator``: an embedded AWS for the length of a block."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

from flytekitplugins_smfs.emulator import Emulator, EmulatorError, Fault
from flytekitplugins_smfs.emulator.instance import read_server_file
from flytekitplugins_smfs.emulator.paths import Paths
from flytekitplugins_smfs.emulator.processes import has_ended
from tests.conftest import wait_for

from .services.iam.trust import TRUST
from .services.sagemaker.jobs import BUCKET, OWN_IMAGE, ROLE, unique


@pytest.fixture(scope="module")
def shared() -> Iterator[Emulator]:
    """One for this module."""
    with Emulator() as running:
        yield running


@pytest.fixture
def embedded(shared: Emulator) -> Emulator:
    """An embedded AWS that is as new."""
    shared.reset()
    return shared


def client(emulator: Emulator, service: str) -> Any:
    return emulator.session().client(service, config=Config(retries={"max_attempts": 0}))


def start_job(emulator: Emulator, script: str, name: str | None = None) -> str:
    name = name or unique("embedded")
    client(emulator, "sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": OWN_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["bash", "-c", script],
        },
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/embedded"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    return name


def secondary_status(emulator: Emulator, name: str) -> str:
    return str(client(emulator, "sagemaker").describe_training_job(TrainingJobName=name)["SecondaryStatus"])


def server_pid(emulator: Emulator) -> int:
    return int(read_server_file(Paths(emulator.state))["pid"])


def groups_of(state: Path) -> list[psutil.Process]:
    """The jobs' processes, once there is one."""

    def recorded() -> list[int]:
        return [json.loads(file.read_text())["pid"] for file in (state / "processes").glob("*.json")]

    return [psutil.Process(pid) for pid in wait_for(recorded)]


def create_lustre(emulator: Emulator) -> str:
    subnet = client(emulator, "ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    made = client(emulator, "fsx").create_file_system(FileSystemType="LUSTRE", StorageCapacity=1200, SubnetIds=[subnet])
    return str(made["FileSystem"]["FileSystemId"])


# Its life


def test_after_the_block_nothing_is_left() -> None:
    with Emulator() as emulator:
        state, pid = emulator.state, server_pid(emulator)
        job = start_job(emulator, "sleep 600")
        wait_for(lambda: secondary_status(emulator, job) == "Training")
        groups = groups_of(state)
    assert not state.exists()
    assert not psutil.pid_exists(pid)
    assert all(has_ended(group) for group in groups)
    with pytest.raises(EmulatorError, match="does not run"):
        _ = emulator.environment


async def test_it_is_an_async_context_manager_that_does_not_hold_the_loop() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    async with Emulator() as emulator:
        buckets = await asyncio.to_thread(client(emulator, "s3").list_buckets)
        assert [bucket["Name"] for bucket in buckets["Buckets"]] == [BUCKET]
        assert ticks > 10
    ticking.cancel()


def test_a_given_state_stays_and_is_found_again(tmp_path: Path) -> None:
    with Emulator(tmp_path / "state") as first:
        made = create_lustre(first)
        with pytest.raises(EmulatorError, match="already running"):
            Emulator(tmp_path / "state").start()
        assert create_lustre(first)  # the second has not ended the first
    with Emulator(tmp_path / "state") as second:
        assert made in {one["FileSystemId"] for one in client(second, "fsx").describe_file_systems()["FileSystems"]}
        second.reset()  # of one that was not furnished by this process
        assert client(second, "fsx").describe_file_systems()["FileSystems"] == []
        assert client(second, "ec2").describe_subnets()["Subnets"]
        assert create_lustre(second)
    assert (tmp_path / "state").is_dir()


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(EmulatorError, match=r"not a state directory: it has mine\.txt"):
        Emulator(tmp_path).start()
    with pytest.raises(EmulatorError, match="unknown setting 'colour'"):
        Emulator(settings={"colour": "red"}).start()
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.txt"]


def test_it_outlives_the_thread_that_started_it() -> None:
    emulator = Emulator()
    thread = threading.Thread(target=emulator.start)
    thread.start()
    thread.join()
    try:
        assert client(emulator, "s3").list_buckets()["Buckets"]
    finally:
        emulator.stop()


KILLED = """
import sys, time
from flytekitplugins_smfs.emulator import Emulator
from tests.emulator.test_embedded import groups_of, secondary_status, server_pid, start_job
from tests.emulator.services.iam.trust import TRUST
emulator = Emulator().start()
job = start_job(emulator, "sleep 600")
while secondary_status(emulator, job) != "Training":
    time.sleep(0.05)
print(emulator.state, server_pid(emulator), ','.join(str(group.pid) for group in groups_of(emulator.state)), flush=True)
{end}
"""


@pytest.mark.parametrize("end", ["time.sleep(600)", "", "raise SystemExit(3)"], ids=["kill -9", "end", "exit"])
def test_it_ends_with_the_process_that_started_it(end: str) -> None:
    command = [sys.executable, "-c", KILLED.format(end=end)]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as run:
        assert run.stdout is not None
        state, pid, groups = run.stdout.readline().split()
        if "sleep" in end:
            os.kill(run.pid, signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(int(pid)), 30)
    wait_for(lambda: not any(psutil.pid_exists(int(group)) for group in groups.split(",")))  # and are reaped
    assert not Path(state).exists()


# What it needs


BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("flytekit", "flyteidl"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
"""

WITHOUT_FLYTE = """
import sys
from flytekitplugins_smfs.emulator import Emulator
assert not {"boto3", "moto", "click"} & set(sys.modules), "importing is not light"
with Emulator() as emulator:
    print(*[bucket["Name"] for bucket in emulator.session().client("s3").list_buckets()["Buckets"]])
try:
    import flytekit
except ModuleNotFoundError as blocked:
    print(blocked)
"""


def test_it_works_where_flytekit_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCK)  # seen by the server too
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", WITHOUT_FLYTE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [BUCKET, "flytekit is blocked"]


# Its session


def test_the_session_heeds_no_environment_and_changes_none(
    embedded: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    before = dict(os.environ)
    session = embedded.session()
    assert session.region_name == "us-east-1"
    assert session.client("s3").meta.endpoint_url == embedded.s3_endpoint_url
    assert session.client("fsx").meta.endpoint_url == embedded.endpoint_url
    session.resource("s3").Bucket(BUCKET).put_object(Key="a", Body=b"x")
    assert session.client("s3").get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"x"
    assert embedded.clock.now()  # nor does what is asked of the emulator itself
    assert dict(os.environ) == before
    assert embedded.session("eu-central-1").client("sagemaker").meta.region_name == "eu-central-1"


def test_no_client_of_the_session_leaves_the_machine(embedded: Emulator) -> None:
    address = "https://sts.us-east-1.amazonaws.com"  # as the SageMaker SDK gives it
    sts = embedded.session().client("sts", endpoint_url=address)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    elsewhere = embedded.session().client("sts", endpoint_url="http://127.0.0.1:1")  # one's own address is one's own
    assert elsewhere.meta.endpoint_url == "http://127.0.0.1:1"


def test_the_environment_is_what_the_command_prints(embedded: Emulator) -> None:
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", "env", "--json", "--state", str(embedded.state)]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)
    assert embedded.environment == printed


# Reset


def test_a_reset_forgets_everything_and_keeps_addresses_keys_and_the_network(embedded: Emulator) -> None:
    environment, pid = embedded.environment, server_pid(embedded)
    ec2, s3, sagemaker = (client(embedded, name) for name in ("ec2", "s3", "sagemaker"))
    subnets = sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"])
    s3.create_bucket(Bucket="mine")
    s3.put_object(Bucket="mine", Key="k", Body=b"x")
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    client(embedded, "iam").create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST)
    file_system = create_lustre(embedded)
    job = start_job(embedded, "sleep 600")
    wait_for(lambda: secondary_status(embedded, job) == "Training")
    groups = groups_of(embedded.state)
    embedded.faults.order(Fault.throttle("fsx", times=9))

    embedded.reset()

    assert (embedded.environment, server_pid(embedded)) == (environment, pid)
    assert all(has_ended(group) for group in groups)
    assert len(embedded.calls) == 0
    assert embedded.faults.list() == []
    assert client(embedded, "fsx").describe_file_systems()["FileSystems"] == []
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert sorted(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]) == subnets
    assert vpc not in {one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"]}
    assert [role["RoleName"] for role in client(embedded, "iam").list_roles()["Roles"]] == [ROLE.rpartition("/")[2]]
    assert not (embedded.state / "filesystems" / file_system).exists()

    start_job(embedded, "echo again", job)  # the name is free, and the log is that of the new job alone
    wait_for(lambda: secondary_status(embedded, job) == "Completed", 60)
    events = client(embedded, "logs").filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
    assert [event["message"] for event in events] == ["again"]


def test_settings_are_the_first_ones_after_a_reset() -> None:
    with Emulator(settings={"fsx_creating_seconds": 0.01}) as emulator:
        admin = emulator._admin
        admin.put("settings", {"fsx_creating_seconds": 100, "tuning_quota_jobs": 1})
        emulator.reset()
        settings = admin.get("settings")
        assert (settings["fsx_creating_seconds"], settings["tuning_quota_jobs"]) == (0.01, 750)


def test_a_restart_after_a_reset_finds_what_came_after_it(tmp_path: Path) -> None:
    with Emulator(tmp_path / "state") as emulator:
        client(emulator, "ec2").create_vpc(CidrBlock="10.9.0.0/16")
        emulator.reset()
        kept = client(emulator, "ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        vpcs = client(emulator, "ec2").describe_vpcs()["Vpcs"]
    with Emulator(tmp_path / "state") as again:
        found = client(again, "ec2").describe_vpcs()["Vpcs"]
        assert {one["VpcId"] for one in found} == {one["VpcId"] for one in vpcs} >= {kept}


def test_a_reset_takes_less_than_a_fifth_of_a_second(embedded: Emulator) -> None:
    seconds = []
    for _ in range(7):
        create_lustre(embedded)
        client(embedded, "s3").put_object(Bucket=BUCKET, Key="k", Body=b"x")
        begun = time.perf_counter()
        embedded.reset()
        seconds.append(time.perf_counter() - begun)
    print(f"reset: median {sorted(seconds)[3] * 1000:.0f} ms, worst {max(seconds) * 1000:.0f} ms")
    assert min(seconds) < 0.2  # the machine may be busy; what it costs is the least


def test_calls_meet_a_reset_and_are_answered(embedded: Emulator) -> None:
    """Requests that come during a reset wait for its end."""
    failed: list[Exception] = []
    over = threading.Event()

    def ask() -> None:
        fsx = client(embedded, "fsx")
        while not over.is_set():
            try:
                fsx.describe_file_systems()
            except (ClientError, BotoCoreError) as problem:
                failed.append(problem)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        embedded.reset()
    over.set()
    for thread in threads:
        thread.join()
    assert failed == []


# Faults


def test_each_fault_of_a_call_happens_as_often_as_was_ordered(embedded: Emulator) -> None:
    fsx = client(embedded, "fsx")
    embedded.faults.order(Fault.throttle("fsx", "DescribeFileSystems", times=2))
    embedded.faults.order(Fault.error("fsx"), Fault.error("fsx", "*", "BadRequest", "No."))
    assert len(embedded.faults.list()) == 3
    codes = []
    for _ in range(5):
        try:
            fsx.describe_file_systems()
            codes.append("")
        except ClientError as refused:
            codes.append(refused.response["Error"]["Code"])
    assert codes == ["ThrottlingException", "ThrottlingException", "InternalServerError", "BadRequest", ""]
    assert embedded.faults.list() == []
    embedded.faults.order(Fault.reset("fsx"))
    with pytest.raises(ConnectionClosedError):
        fsx.describe_file_systems()
    embedded.faults.order(Fault.late("fsx", seconds=0.4))
    begun = time.monotonic()
    fsx.describe_file_systems()
    assert time.monotonic() - begun >= 0.4
    embedded.faults.order(Fault.lost("fsx", "CreateFileSystem"))
    with pytest.raises(ConnectionClosedError):
        create_lustre(embedded)
    assert len(fsx.describe_file_systems()["FileSystems"]) == 1  # it was done


def test_a_fault_meets_the_calls_it_is_meant_for(embedded: Emulator) -> None:
    sagemaker = client(embedded, "sagemaker")
    embedded.faults.order(Fault.throttle("sagemaker", on="that", after=1), Fault.error("sagemaker", begin=3600))

    def code(job: str) -> str:
        with pytest.raises(ClientError) as refused:
            sagemaker.describe_training_job(TrainingJobName=job)
        return str(refused.value.response["Error"]["Code"])

    assert [code(job) for job in ("this", "that", "this", "that", "that")] == [
        "ValidationException",
        "ValidationException",
        "ValidationException",
        "ThrottlingException",
        "ValidationException",
    ]
    embedded.clock.advance(timedelta(hours=1))
    assert [code("this"), code("this")] == ["InternalServerError", "InternalServerError"]


def test_faults_of_resources(embedded: Emulator) -> None:
    embedded.faults.order(Fault.capacity("unlucky"), Fault.file_system_fails("no disks"))
    start_job(embedded, "true", "unlucky")
    fsx = client(embedded, "fsx")
    file_system = create_lustre(embedded)

    def failed() -> Any:
        (found,) = fsx.describe_file_systems(FileSystemIds=[file_system])["FileSystems"]
        return found if found["Lifecycle"] == "FAILED" else None

    assert wait_for(failed)["FailureDetails"]["Message"] == "no disks"
    wait_for(lambda: secondary_status(embedded, "unlucky") == "Failed")
    described = client(embedded, "sagemaker").describe_training_job(TrainingJobName="unlucky")
    assert described["FailureReason"].startswith("CapacityError")


def test_a_fault_that_is_taken_back_does_not_happen(embedded: Emulator) -> None:
    embedded.faults.order(Fault.throttle("fsx", times=5))
    embedded.faults.clear()
    assert client(embedded, "fsx").describe_file_systems()["FileSystems"] == []


def test_a_fault_that_cannot_be_is_refused(embedded: Emulator) -> None:
    with pytest.raises(EmulatorError, match="lifecycle"):
        embedded.faults.order(Fault.association_fails(lifecycle="TIRED"))


# Calls


def test_calls_are_recorded_and_can_be_picked(embedded: Emulator) -> None:
    fsx, sagemaker = client(embedded, "fsx"), client(embedded, "sagemaker")
    fsx.describe_file_systems(MaxResults=3)
    with pytest.raises(ClientError):
        sagemaker.describe_training_job(TrainingJobName="none")
    fsx.describe_file_systems(MaxResults=4)
    assert [call.request for call in embedded.calls.list("fsx")] == [{"MaxResults": 3}, {"MaxResults": 4}]
    (failed,) = embedded.calls.list(error="ValidationException")
    assert (failed.service, failed.operation) == ("sagemaker", "DescribeTrainingJob")
    assert abs(failed.time - datetime.now(UTC)) < timedelta(minutes=1)
    last = embedded.calls.last()
    assert last is not None
    assert last.request == {"MaxResults": 4}
    assert [call.request for call in embedded.calls.list(since=failed.number)] == [{"MaxResults": 4}]
    assert len(embedded.calls) == len([*embedded.calls]) == 3
    assert embedded.calls.last("ec2") is None


# Clock


def test_the_clock_is_set_forward_and_what_falls_due_happens() -> None:
    with Emulator(settings={"fsx_creating_seconds": 3600}) as emulator:
        before, fsx = emulator.clock.now(), client(emulator, "fsx")
        made = create_lustre(emulator)

        def lifecycle() -> str:
            return str(fsx.describe_file_systems(FileSystemIds=[made])["FileSystems"][0]["Lifecycle"])

        assert lifecycle() == "CREATING"
        after = emulator.clock.advance(timedelta(hours=2))
        assert lifecycle() == "AVAILABLE"
        assert timedelta(hours=2) <= after - before < timedelta(hours=2, minutes=5)
        with pytest.raises(EmulatorError, match="not by -1"):
            emulator.clock.advance(-1)
        emulator.clock.skip()
        made = create_lustre(emulator)
        wait_for(lambda: lifecycle() == "AVAILABLE")
        emulator.reset()
        assert abs(emulator.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
        made = create_lustre(emulator)  # real time again: it takes its hour
        assert lifecycle() == "CREATING"
