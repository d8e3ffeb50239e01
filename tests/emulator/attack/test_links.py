"""Links, pipes, sockets and devices wherever a job or a client can put files: none leads out, and none is an end."""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import wait_for
from tests.emulator.attack.conftest import House
from tests.emulator.attack.jobs import BUCKET, IMAGE, ROLE
from tests.emulator.attack.seeds import Seeds
from tests.emulator.odd_files import ODD
from tests.matrix import points

Make = Callable[[Path, Path], None]
PLACES = (
    "model", "model/sub", "output/data", "output/data/sub", "checkpoints", "checkpoints/sub", "code", "input/config",
          "input/data/train", "output")  # fmt: skip
WAITING = "cd $SM_MODEL_DIR/..; touch model/here; while [ ! -e go ]; do sleep 0.05; done; "
_names = (f"links-{number}" for number in itertools.count())


def folder(path: Path, outside: Path) -> None:
    """A symbolic link to a directory that is outside."""
    path.symlink_to(outside.parent)


def back(path: Path, outside: Path) -> None:
    """A symbolic link out by relative steps."""
    path.symlink_to("../" * 12 + "etc/passwd")


KINDS: list[Make] = [*ODD, folder, back]


class Job:
    """A training job of this script, over S3 or a file system."""

    def __init__(self, house: House, script: str, **changes: Any) -> None:
        self.name = next(_names)
        self._house = house
        self._sagemaker = house.emulator.client("sagemaker")
        self._sagemaker.create_training_job(**{
            "TrainingJobName": self.name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE, "TrainingInputMode": "File", "ContainerEntrypoint": ["sh", "-c", script],
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/links"},
            "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/links/{self.name}/checkpoints"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 120},
            **changes,
        })  # fmt: skip

    @property
    def ml(self) -> Path:
        """What it sees as /opt/ml."""
        return self._house.emulator.state / "jobs" / self.name / "attempt-1/algo-1/ml"

    def told(self) -> dict[str, Any]:
        return dict(self._sagemaker.describe_training_job(TrainingJobName=self.name))

    def begun(self) -> None:
        def here() -> bool:
            told = self.told()
            assert told["TrainingJobStatus"] == "InProgress", told
            return (self.ml / "model/here").exists()

        wait_for(here, 60)

    def ended(self) -> dict[str, Any]:
        (self.ml / "go").touch()
        wait_for(lambda: self.told()["TrainingJobStatus"] in ("Completed", "Failed"), 60)
        return self.told()

    def kept(self) -> dict[str, bytes]:
        """All that is of it in S3, by key; what is in archives by the names there."""
        s3, found = self._house.emulator.client("s3"), {}
        for one in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"links/{self.name}/")["Contents"]:
            body = s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
            key = one["Key"].removeprefix(f"links/{self.name}/")
            if not key.endswith(".tar.gz"):
                found[key] = body
                continue
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                for member in archive:
                    assert member.isreg()
                    content = archive.extractfile(member)
                    found[f"{key}/{member.name}"] = content.read() if content else b""
        return found

    def lines(self) -> str:
        logs = self._house.emulator.client("logs")
        found = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=self.name)
        return "\n".join(event["message"] for event in found["events"])


@contextmanager
def isolation(house: House, wanted: bool) -> Iterator[None]:
    with house.emulator.changed_settings(training_isolation=wanted):
        yield


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("compression", ["GZIP", "NONE"])
def test_what_lies_in_a_jobs_directories(
    house: House, isolated: bool, compression: str, request: pytest.FixtureRequest
) -> None:
    output = {"S3OutputPath": f"s3://{BUCKET}/links", "CompressionType": compression}
    with isolation(house, isolated):
        job = Job(house, WAITING, OutputDataConfig=output)
        job.begun()
    tried = 0
    for place in PLACES:
        (job.ml / place).mkdir(parents=True, exist_ok=True)
        (job.ml / place / "own").write_text("own")
        for make in KINDS:
            make(job.ml / place / f"odd-{make.__name__}", house.outside / "secret")
            tried += 1
    told, kept = job.ended(), job.kept()
    points.several(request, "attack matrix, links", tried)
    assert told["TrainingJobStatus"] == "Completed", told
    assert not [key for key, body in kept.items() if "odd-" in key or b"not yours" in body or b"root:" in body]
    archives = compression == "GZIP"
    for place in ("model", "output/data", "checkpoints"):
        name = {"model": "output/model.tar.gz" if archives else "output/model",
                "output/data": "output/output.tar.gz" if archives else "output/output"}.get(place, place)  # fmt: skip
        assert {f"{name}/own", f"{name}/sub/own"} <= set(kept), sorted(kept)
    wait_for(lambda: not job.ml.exists())
    house.unchanged()


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("make", KINDS)
def test_what_a_job_leaves_in_the_place_of_its_failure(
    house: House, make: Make, isolated: bool, request: pytest.FixtureRequest
) -> None:
    with isolation(house, isolated):
        job = Job(house, f"{WAITING} exit 3")
        job.begun()
    make(job.ml / "output/failure", house.outside / "secret")
    told = job.ended()
    points.several(request, "attack matrix, links", 1)
    assert told["FailureReason"] == "AlgorithmError: , exit code: 3"
    house.unchanged()


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("place", ["model", "output/data", "checkpoints", "output"])
def test_a_link_in_the_place_of_a_directory(
    house: House, place: str, isolated: bool, request: pytest.FixtureRequest
) -> None:
    with isolation(house, isolated):
        job = Job(house, WAITING)
        job.begun()
    (job.ml / place).rename(job.ml / "aside")
    (job.ml / place).symlink_to(house.outside)
    job.ended()
    points.several(request, "attack matrix, links", 1)
    keys = house.emulator.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"links/{job.name}/").get("Contents", [])
    kept = job.kept() if keys else {}
    assert not [key for key, body in kept.items() if "secret" in key or b"not yours" in body]
    house.unchanged()


@pytest.mark.parametrize("isolated", [True, False])
def test_links_on_a_file_system_lead_a_job_nowhere(
    house: House, seeds: Seeds, isolated: bool, request: pytest.FixtureRequest
) -> None:
    root = house.emulator.state / "filesystems" / seeds.file_system / f"jobs-{isolated}"
    root.mkdir()
    links = [make for make in KINDS if make.__name__ in ("symbolic", "folder", "back")]
    for make in links:
        make(root / make.__name__, house.outside / "secret")
    source = {
        "FileSystemId": seeds.file_system, "FileSystemType": "FSxLustre", "FileSystemAccessMode": "rw",
        "DirectoryPath": f"/{seeds.mount}/{root.name}",
    }  # fmt: skip
    script = f"{WAITING} cd $SM_CHANNEL_TRAIN; cat symbolic folder/secret folder/folder/part; "
    script += "echo mine > symbolic; echo mine > folder/new; echo mine > folder/secret; rm -rf folder/; true"
    vpc = {"SecurityGroupIds": [seeds.group], "Subnets": [seeds.subnet]}
    channel = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": source}}
    with isolation(house, isolated):
        job = Job(house, script, InputDataConfig=[channel], VpcConfig=vpc)
        job.begun()
    told = job.ended()
    points.several(request, "attack matrix, links", 3 * len(links))
    assert told["TrainingJobStatus"] == "Completed", told
    assert "not yours" not in job.lines()
    house.unchanged()


@pytest.mark.parametrize("isolated", [True, False])
def test_a_channel_through_a_link(house: House, seeds: Seeds, isolated: bool, request: pytest.FixtureRequest) -> None:
    root = house.emulator.state / "filesystems" / seeds.file_system
    (root / f"away-{isolated}").symlink_to(house.outside)
    vpc = {"SecurityGroupIds": [seeds.group], "Subnets": [seeds.subnet]}
    for path in (f"away-{isolated}", f"away-{isolated}/folder"):
        source = {
            "FileSystemId": seeds.file_system, "FileSystemType": "FSxLustre", "FileSystemAccessMode": "rw",
            "DirectoryPath": f"/{seeds.mount}/{path}",
        }  # fmt: skip
        channel = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": source}}
        with isolation(house, isolated):
            script = "cat $SM_CHANNEL_TRAIN/*; touch $SM_CHANNEL_TRAIN/new"
            job = Job(house, script, InputDataConfig=[channel], VpcConfig=vpc)
            wait_for(lambda job=job: job.told()["TrainingJobStatus"] != "InProgress", 60)
        assert job.told()["TrainingJobStatus"] == "Failed", job.told()
    points.several(request, "attack matrix, links", 2)
    house.unchanged()
