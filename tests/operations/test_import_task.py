"""Importing what is in S3 into a file system: a data repository task. C12"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from flytekitplugins_smfs import ImportSpec, LustreFileSystem, OperationTask, RepositoryImport
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.lustre.repository_import import ImportHandle, ImportRepository
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Owner, Phase
from tests.conftest import wait_for
from tests.operations.driving import BUCKET, ask, cancelled, finish, succeed
from tests.operations.test_ends import LONG_AGO, OWNER, Account


@pytest.fixture
def linked(emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem) -> LustreFileSystem:
    """A file system with a linked prefix of three files, that does not hear of new ones by itself."""
    for name in ("a", "b", "deep/c"):
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{owner.key}/{name}", Body=b"x")
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}", auto_import=())
    succeed(LinkRepository(), aws, spec, owner)
    return file_system


def test_what_was_added_since_is_imported(emulator: Any, aws: Aws, owner: Owner, linked: LustreFileSystem) -> None:
    there = emulator.state / "filesystems" / linked.id / "ns1"
    emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{owner.key}/late", Body=b"x")
    assert not (there / "late").exists()
    done = succeed(ImportRepository(), aws, ImportSpec(file_system=linked, paths=("ns1",)), owner)
    assert (there / "late").exists()
    assert isinstance(done, RepositoryImport)
    assert (done.files > 0, done.failed) == (True, 0)
    known = emulator.client("fsx").describe_data_repository_tasks(TaskIds=[done.task_id])["DataRepositoryTasks"]
    assert (done.timing.started_at, done.timing.ended_at) == (known[0]["CreationTime"], known[0]["EndTime"])


def test_a_second_start_finds_the_first(emulator: Any, aws: Aws, owner: Owner, linked: LustreFileSystem) -> None:
    operation, spec = ImportRepository(), ImportSpec(file_system=linked)
    first = operation.start(aws, spec, owner)
    assert operation.start(aws, spec, owner.at(1)).task_id == first.task_id
    finish(operation, aws, first)
    every = emulator.client("fsx").describe_data_repository_tasks()["DataRepositoryTasks"]
    assert sum(task["FileSystemId"] == linked.id for task in every) == 1


def told(lifecycle: str, **more: Any) -> Any:
    """How far an import is of which AWS says this."""
    task = {"TaskId": "task-0123456789abcdef0", "Lifecycle": lifecycle, **more}
    account = Account(DescribeDataRepositoryTasks={"DataRepositoryTasks": [task]})
    handle = ImportHandle(
        region="us-east-1",
        owner=OWNER,
        started_at=LONG_AGO,
        task_id=task["TaskId"],
        file_system_id="fs-0123456789abcdef0",
    )
    return ask(ImportRepository(), account, handle)


def test_each_lifecycle_is_told() -> None:
    failure = {"FailureDetails": {"Message": "The path is behind no link."}}
    assert told("PENDING").phase == Phase.INITIALIZING
    running = told("EXECUTING", Status={"TotalCount": 8, "SucceededCount": 1, "FailedCount": 1})
    assert (running.phase, running.fraction) == (Phase.RUNNING, 0.25)
    assert told("CANCELING").phase == Phase.RUNNING
    assert told("SUCCEEDED").result.files == 0
    failed = told("FAILED", **failure)
    assert (failed.phase, "The path is behind no link." in failed.message) == (Phase.FAILED, True)
    assert told("CANCELED").phase == Phase.FAILED


def test_it_waits_while_another_runs_and_can_be_cancelled(
    emulator: Any, aws: Aws, owner: Owner, linked: LustreFileSystem
) -> None:
    operation, spec = ImportRepository(), ImportSpec(file_system=linked)
    with emulator.changed_settings(repository_task_seconds=3.0):
        first = operation.start(aws, spec, owner)
        second = operation.start(aws, spec, owner.model_copy(update={"step": "second"}))
        assert not second.task_id
        assert ask(operation, aws, second).phase == Phase.WAITING
        cancelled(operation, aws, first)
        wait_for(lambda: ask(operation, aws, second).phase != Phase.WAITING, 20)
        cancelled(operation, aws, second)


def test_a_path_with_a_leading_slash_is_refused(file_system: LustreFileSystem) -> None:
    with pytest.raises(ValidationError, match="use 'ns1'"):
        ImportSpec(file_system=file_system, paths=("/ns1",))


def test_its_task_takes_the_specs_fields() -> None:
    task = OperationTask("import", "repository-import")
    assert list(task.python_interface.inputs) == list(ImportSpec.model_fields)
    assert task.python_interface.outputs == {"o0": RepositoryImport}
    assert task.task_type == "smfs-repository-import"
    assert "repository-import" in catalog.names()
