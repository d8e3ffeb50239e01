"""The AWS CLI, unmodified and in an environment of its own, against the emulator.  # N14

`make test` installs it beside the project's own environment: it needs another botocore than flytekit does, which is
part of the point.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Emulator, wait_for

AWS = Path(os.environ.get("AWS_CLI") or Path(sys.prefix) / "clients" / "awscli" / "bin" / "aws")
BUCKET = "sagemaker-us-east-1-123456789012"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"

pytestmark = pytest.mark.skipif(not AWS.exists(), reason=f"no AWS CLI at {AWS}; `make test` installs one")

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(emulator: Emulator, tmp_path: Path) -> Cli:
    """Run a line in a shell that did `eval "$(smfs emulator env)"` and nothing else."""
    smfs = f"{shlex.quote(sys.executable)} -m flytekitplugins_smfs.emulator"
    prologue = (
        f'eval "$({smfs} env --state {shlex.quote(str(emulator.state))})"; aws() {{ {shlex.quote(str(AWS))} "$@"; }}'
    )
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_PAGER": ""}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        script = f"{prologue}; {line}"
        return subprocess.run(
            ["bash", "-c", script], capture_output=True, text=True, env=clean, cwd=tmp_path, timeout=60
        )

    return run


@pytest.fixture
def answer(shell: Cli) -> Callable[[str], Any]:
    """Run a line that must succeed, and read its JSON."""

    def run(line: str) -> Any:
        done = shell(line)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.fixture
def subnet(answer: Callable[[str], Any]) -> str:
    zone = "Name=availability-zone,Values=us-east-1a Name=default-for-az,Values=true"
    (found,) = answer(f"aws ec2 describe-subnets --filters {zone}")["Subnets"]
    return str(found["SubnetId"])


def lustre(subnet: str, capacity: int) -> str:
    configuration = "DeploymentType=PERSISTENT_2,PerUnitStorageThroughput=125"
    return (
        f"aws fsx create-file-system --file-system-type LUSTRE --storage-capacity {capacity} --subnet-ids {subnet} "
        f"--lustre-configuration {configuration}"
    )


@pytest.fixture
def file_system(answer: Callable[[str], Any], subnet: str) -> dict[str, Any]:
    """A file system made and waited for by the CLI."""
    made = answer(lustre(subnet, 1200))["FileSystem"]
    assert made["Lifecycle"] == "CREATING"

    def available() -> Any:
        (found,) = answer(f"aws fsx describe-file-systems --file-system-ids {made['FileSystemId']}")["FileSystems"]
        return found if found["Lifecycle"] == "AVAILABLE" else None

    return dict(wait_for(available))


def job(tmp_path: Path, name: str, entry: list[str], **changes: Any) -> str:
    """The command that starts a training job of its own program."""
    request = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": entry,
        },
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/cli"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **changes,
    }
    (tmp_path / "job.json").write_text(json.dumps(request))
    return "aws sagemaker create-training-job --cli-input-json file://job.json"


def status(answer: Callable[[str], Any], name: str) -> str:
    return str(answer(f"aws sagemaker describe-training-job --training-job-name {name}")["TrainingJobStatus"])


def test_file_system_association_and_s3(
    shell: Cli, answer: Callable[[str], Any], tmp_path: Path, file_system: dict[str, Any], emulator: Emulator
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("1,2\n")
    os.utime(tmp_path / "data" / "rows.csv", (1e9, 1e9))  # S3 keeps whole seconds: younger ones look changed
    assert shell(f"aws s3 cp --recursive data s3://{BUCKET}/cli-data/").returncode == 0
    assert "rows.csv" in shell(f"aws s3 ls s3://{BUCKET}/cli-data/").stdout
    assert "upload" not in shell(f"aws s3 sync data s3://{BUCKET}/cli-data/").stdout
    id = file_system["FileSystemId"]
    made = answer(
        f"aws fsx create-data-repository-association --file-system-id {id} --file-system-path /ns1 "
        f"--data-repository-path s3://{BUCKET}/cli-data --batch-import-meta-data-on-create"
    )["Association"]

    def available() -> bool:
        line = f"aws fsx describe-data-repository-associations --association-ids {made['AssociationId']}"
        return bool(answer(line)["Associations"][0]["Lifecycle"] == "AVAILABLE")

    wait_for(available)
    assert (emulator.state / "filesystems" / id / "ns1" / "rows.csv").read_text() == "1,2\n"
    answer(f"aws fsx delete-file-system --file-system-id {id}")
    wait_for(lambda: shell(f"aws fsx describe-file-systems --file-system-ids {id}").returncode != 0)


def test_training_job_its_log_and_its_stop(shell: Cli, answer: Callable[[str], Any], tmp_path: Path) -> None:
    answer(job(tmp_path, "cli-says", ["bash", "-c", "echo said it"]))
    wait_for(lambda: status(answer, "cli-says") == "Completed")
    group = "--log-group-name /aws/sagemaker/TrainingJobs"
    (stream,) = answer(f"aws logs describe-log-streams {group} --log-stream-name-prefix cli-says/")["logStreams"]
    events = answer(f"aws logs get-log-events {group} --log-stream-name {stream['logStreamName']}")["events"]
    assert [event["message"] for event in events] == ["said it"]
    answer(job(tmp_path, "cli-sleeps", ["sleep", "600"]))
    answer("aws sagemaker stop-training-job --training-job-name cli-sleeps")
    wait_for(lambda: status(answer, "cli-sleeps") == "Stopped")
    late = shell("aws sagemaker stop-training-job --training-job-name cli-sleeps")
    assert late.returncode != 0
    assert "(ValidationException)" in late.stderr


def test_the_errors_are_awss_own(shell: Cli, answer: Callable[[str], Any], tmp_path: Path, subnet: str) -> None:
    bad_capacity = shell(lustre(subnet, 1300))
    assert bad_capacity.returncode != 0
    assert "(BadRequest)" in bad_capacity.stderr
    unknown = shell("aws fsx describe-file-systems --file-system-ids fs-0123456789abcdef0")
    assert "(FileSystemNotFound)" in unknown.stderr
    no_job = shell("aws sagemaker describe-training-job --training-job-name never-was")
    assert "(ValidationException)" in no_job.stderr
    assert "Requested resource not found." in no_job.stderr
    answer(job(tmp_path, "cli-twice", ["true"]))
    assert "(ResourceInUse)" in shell("aws sagemaker create-training-job --cli-input-json file://job.json").stderr


def test_a_file_system_channel_needs_a_vpc(shell: Cli, tmp_path: Path, file_system: dict[str, Any]) -> None:
    source = {
        "FileSystemId": file_system["FileSystemId"],
        "FileSystemAccessMode": "ro",
        "FileSystemType": "FSxLustre",
        "DirectoryPath": f"/{file_system['LustreConfiguration']['MountName']}",
    }
    channel = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": source}}
    refused = shell(job(tmp_path, "cli-no-vpc", ["true"], InputDataConfig=[channel]))
    assert refused.returncode != 0
    assert "(ValidationException)" in refused.stderr
    assert "VpcConfig" in refused.stderr
