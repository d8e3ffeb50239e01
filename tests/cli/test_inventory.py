"""`smfs ls`, `smfs release` and `smfs emulator`, against the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.operations.release import Release
from flytekitplugins_smfs.operations.sagemaker.training import Train
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.removal import ReleaseSpec
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm, TrainingSpec
from flytekitplugins_smfs.values.settings import Settings
from tests.cli.conftest import Smfs
from tests.operations.driving import ROLE, finish


@pytest.fixture
def aws(emulator: Any) -> Aws:
    where = {"emulator_state": str(emulator.state), "availability_zone": "us-east-1a", "role": ROLE}
    return Aws(Settings(endpoint="emulator", requests_per_second=1000, **where))


@pytest.fixture
def env(emulator: Any) -> dict[str, str]:
    return {"FLYTE_SMFS_ENDPOINT": "emulator", "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state)}


@pytest.fixture
def execution(aws: Aws, request: pytest.FixtureRequest) -> Iterator[str]:
    """An execution that has made one file system."""
    name = f"flytesnacks/development/{request.node.name}"
    create = CreateLustre()
    handle = create.start(aws, LustreSpec(), Owner(execution=name, step="n0"))
    finish(create, aws, handle)
    yield name
    release = Release()
    finish(release, aws, release.start(aws, ReleaseSpec(), Owner(execution=name, step="end")))


def test_what_an_execution_made_is_listed_and_released(
    smfs: Smfs, aws: Aws, env: dict[str, str], execution: str
) -> None:
    # C13
    listed = smfs("ls", execution, "--json", env=env)
    assert listed.returncode == 0, listed.stderr
    (found,) = map(json.loads, listed.stdout.splitlines())
    assert (found["kind"], found["state"], found["execution"]) == ("file system", "AVAILABLE", execution)
    assert found["id"] in smfs("ls", env=env).stdout

    released = smfs("release", execution, "--yes", env=env)
    assert released.returncode == 0, released.stderr
    assert f"Removed {found['id']}" in released.stdout
    assert released.stdout.rstrip().endswith("Nothing is left.")
    assert holdings(aws, execution) == ()


def test_an_orphaned_job_is_listed_and_stopped(
    smfs: Smfs, aws: Aws, emulator: Any, env: dict[str, str], execution: str
) -> None:
    # N1
    algorithm = ImageAlgorithm("123456789012.dkr.ecr.us-east-1.amazonaws.com/s:1", entrypoint=("sleep", "600"))
    job = Train().start(aws, TrainingSpec(name="orphan", algorithm=algorithm), Owner(execution=execution, step="n1"))
    assert job.job_name in smfs("ls", execution, env=env).stdout
    released = smfs("release", execution, "--yes", env=env)
    assert released.returncode == 0, released.stderr
    assert f"Removed {job.job_name}" in released.stdout
    status = emulator.client("sagemaker").describe_training_job(TrainingJobName=job.job_name)
    assert status["TrainingJobStatus"] == "Stopped"


def test_nothing_is_removed_without_a_yes(smfs: Smfs, aws: Aws, env: dict[str, str], execution: str) -> None:
    done = smfs("release", execution, env=env, stdin="n\n")
    assert done.returncode == 1
    assert [one.kind for one in holdings(aws, execution)] == ["file system"]


def test_an_execution_that_made_nothing(smfs: Smfs, env: dict[str, str]) -> None:
    for command in (["ls", "p/d/nobody"], ["release", "p/d/nobody", "--yes"]):
        done = smfs(*command, env=env)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "Nothing is there that p/d/nobody made."


def test_the_emulators_own_commands_are_reached(smfs: Smfs, emulator: Any) -> None:
    done = smfs("emulator", "env", "--json", "--state", str(emulator.state))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["AWS_ENDPOINT_URL"] == emulator.env["AWS_ENDPOINT_URL"]
    assert smfs("emulator", "nonsense").returncode == 2
