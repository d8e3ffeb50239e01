"""Operations run as they do in production: over the wire, against the emulator as a server process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.operations.release import Release
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.removal import ReleaseSpec
from flytekitplugins_smfs.values.settings import Settings
from tests.operations.driving import BUCKET, ROLE, finish, rows, succeed


@pytest.fixture
def aws(emulator: Any) -> Aws:
    settings = Settings(
        endpoint="emulator",
        emulator_state=str(emulator.state),
        role=ROLE,
        availability_zone="us-east-1a",
        requests_per_second=1000,
    )
    return Aws(settings)


@pytest.fixture
def execution(request: pytest.FixtureRequest, aws: Aws) -> Iterator[str]:
    """An execution id of this test; whatever it made is removed afterwards."""
    name = f"tests/development/{request.node.name}-{time.time_ns()}"
    yield name
    release = Release()
    finish(release, aws, release.start(aws, ReleaseSpec(), Owner(execution=name, step="release")))


@pytest.fixture
def owner(execution: str) -> Owner:
    return Owner(execution=execution, step="step")


@pytest.fixture
def file_system(aws: Aws, execution: str) -> LustreFileSystem:
    """A Lustre file system that is AVAILABLE."""
    return succeed(CreateLustre(), aws, LustreSpec(), Owner(execution=execution, step="fixture"))


@pytest.fixture
def prefix(emulator: Any, owner: Owner) -> str:
    """An S3 prefix with `train/` and `validation/` CSV."""
    for seed, channel in enumerate(("train", "validation")):
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{owner.key}/{channel}/part.csv", Body=rows(200, seed))
    return f"s3://{BUCKET}/{owner.key}"
