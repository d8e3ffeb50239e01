"""Linking and unlinking S3 prefixes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.lustre.unlink import UnlinkRepository
from flytekitplugins_smfs.values.errors import InvalidSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import LinkSpec, UnlinkSpec
from flytekitplugins_smfs.values.operation import Owner, Phase
from tests.conftest import wait_for
from tests.operations.driving import BUCKET, ask, cancelled, finish, succeed


def test_the_prefix_appears_as_a_directory(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:  # C8, C10, C11
    prefix = owner.key
    emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{prefix}/train/one.csv", Body=b"1,2,3\n")
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{prefix}")
    link = succeed(LinkRepository(), aws, spec, owner)
    created = [call["request"] for call in emulator.calls() if call["operation"] == "CreateDataRepositoryAssociation"]
    (request,) = [one for one in created if one["FileSystemId"] == file_system.id]
    assert request["BatchImportMetaDataOnCreate"] is True
    assert request["ImportedFileChunkSize"] == 1024
    assert request["S3"]["AutoImportPolicy"]["Events"] == ["NEW", "CHANGED", "DELETED"]
    assert request["S3"]["AutoExportPolicy"]["Events"] == ["NEW", "CHANGED", "DELETED"]
    assert link.directory_path(f"{spec.repository}/train") == f"/{file_system.mount_name}/ns1/train"
    imported = Path(emulator.state) / "filesystems" / file_system.id / "ns1" / "train" / "one.csv"
    assert imported.read_bytes() == b"1,2,3\n"


def test_a_link_to_nowhere_says_why_and_is_removed(
    aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:  # C10
    operation = LinkRepository()
    spec = LinkSpec(file_system=file_system, repository="s3://no-such-bucket-anywhere/x")
    handle = operation.start(aws, spec, owner)
    progress = finish(operation, aws, handle)
    assert progress.phase == Phase.FAILED
    assert "MISCONFIGURED" in progress.message
    assert "no-such-bucket-anywhere" in progress.message
    # Flyte calls no delete for what failed by itself: looking has removed it.
    wait_for(lambda: handle.association_id not in {one["AssociationId"] for one in records.associations(aws)})


def test_want_of_capacity_may_pass(emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem) -> None:  # C10
    said = "There is insufficient capacity to import."
    emulator.faults({"resource": "association", "lifecycle": "FAILED", "message": said, "times": 1})
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}", path=f"/{owner.key}")
    handle = LinkRepository().start(aws, spec, owner)
    progress = finish(LinkRepository(), aws, handle)
    assert (progress.phase, said in progress.message) == (Phase.RETRYABLE_FAILED, True)
    wait_for(lambda: handle.association_id not in {one["AssociationId"] for one in records.associations(aws)})
    gone = handle.model_copy(update={"started_at": handle.started_at - timedelta(minutes=1)})
    assert ask(LinkRepository(), aws, gone).phase == Phase.RETRYABLE_FAILED


def test_a_second_start_finds_the_first(aws: Aws, owner: Owner, file_system: LustreFileSystem) -> None:  # N2
    operation = LinkRepository()
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    first = operation.start(aws, spec, owner)
    again = operation.start(aws, spec, owner.model_copy(update={"attempt": 1}))
    assert first.association_id == again.association_id
    assert len(list(records.associations(aws, file_system.id))) == 1


@pytest.mark.parametrize("path", ["/ns1/deeper", "/ns1", "/"])
def test_overlapping_paths_are_refused_here(
    aws: Aws, owner: Owner, file_system: LustreFileSystem, path: str
) -> None:  # C9
    succeed(LinkRepository(), aws, LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/a-{owner.key}"), owner)
    other = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/b-{owner.key}", path=path)
    with pytest.raises(InvalidSpec, match="overlaps /ns1"):
        LinkRepository().start(aws, other, owner.model_copy(update={"step": "other"}))


def test_unlink_keeps_the_data(emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem) -> None:  # C13
    key = f"{owner.key}/kept.csv"
    emulator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"kept")
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    link = succeed(LinkRepository(), aws, spec, owner)
    removed = succeed(UnlinkRepository(), aws, UnlinkSpec(link=link), owner)
    assert removed.removed == (link.association_id,)
    assert succeed(UnlinkRepository(), aws, UnlinkSpec(link=link), owner).removed  # safe if gone
    assert emulator.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"kept"
    assert (Path(emulator.state) / "filesystems" / file_system.id / "ns1" / "kept.csv").read_bytes() == b"kept"


def test_an_adopted_link_is_left_to_its_owner(aws: Aws, owner: Owner, file_system: LustreFileSystem) -> None:  # C13
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    made = succeed(LinkRepository(), aws, spec, owner)
    other = Owner(execution=owner.execution + "-other", step="step")
    adopted = succeed(LinkRepository(), aws, spec, other)
    assert (adopted.association_id, adopted.adopted) == (made.association_id, True)
    assert succeed(UnlinkRepository(), aws, UnlinkSpec(link=adopted), other).removed == ()
    assert records.association(aws, made.association_id)["AssociationId"] == made.association_id
    gone = succeed(UnlinkRepository(), aws, UnlinkSpec(link=adopted, include_adopted=True), other)
    assert gone.removed == (made.association_id,)


def test_all_pages_of_links_are_read(aws: Aws, owner: Owner, file_system: LustreFileSystem) -> None:  # C10
    for number in range(3):
        repository = f"s3://{BUCKET}/{owner.key}/{number}"
        spec = LinkSpec(file_system=file_system, repository=repository, path=f"/n{number}")
        LinkRepository().start(aws, spec, owner.model_copy(update={"step": f"s{number}"}))
    request = {"Filters": [{"Name": "file-system-id", "Values": [file_system.id]}], "MaxResults": 1}
    asked = ("fsx", "DescribeDataRepositoryAssociations", "Associations", request)
    assert len(list(aws.pages(*asked, doing="testing"))) == 3


def test_a_deletion_that_aws_refuses_while_it_creates_is_asked_for_again(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:  # N1
    operation = LinkRepository()
    refusal = {"service": "fsx", "operation": "DeleteDataRepositoryAssociation", "code": "BadRequest", "status": 400}
    with emulator.changed_settings(association_creating_seconds=20.0):
        handle = operation.start(aws, LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}"), owner)
        emulator.faults({**refusal, "times": 1})
        assert not operation.cancel(aws, handle)
        cancelled(operation, aws, handle)
    assert list(records.associations(aws, file_system.id)) == []


def test_cancel_removes_the_half_made_one(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:  # N1
    operation = LinkRepository()
    with emulator.changed_settings(association_creating_seconds=20.0):
        spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
        handle = operation.start(aws, spec, owner)
        cancelled(operation, aws, handle)
    assert list(records.associations(aws, file_system.id)) == []
