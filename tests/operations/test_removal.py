"""Removals have several steps: a mark on the resource says that it is to go, and anybody may take the next one. N4"""

from __future__ import annotations

from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, REMOVING_TAG, tag_map
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.operations.lustre import records, removal
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.operations.lustre.delete import DeleteLustre
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.release import Release
from flytekitplugins_smfs.operations.sagemaker.training import Train
from flytekitplugins_smfs.values.lustre.deletion import DeleteSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.removal import ReleaseSpec
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm, TrainingSpec
from tests.conftest import wait_for
from tests.operations.driving import BUCKET, ask, file_systems_of, succeed


@pytest.fixture
def link(aws: Aws, owner: Owner, file_system: LustreFileSystem) -> str:
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    return str(succeed(LinkRepository(), aws, spec, owner).association_id)


def test_the_mark_comes_first_then_the_links_then_the_file_system(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem, link: str
) -> None:
    since = emulator.last_call()
    succeed(DeleteLustre(), aws, DeleteSpec(file_system=file_system), owner)
    changing = ("TagResource", "DeleteDataRepositoryAssociation", "DeleteFileSystem")
    made = [call for call in emulator.calls(since) if call["operation"] in changing]
    assert [call["operation"] for call in made if not call.get("error")] == [
        "TagResource",
        "TagResource",
        "DeleteDataRepositoryAssociation",
        "DeleteFileSystem",
    ]
    assert made[0]["request"]["ResourceARN"] == file_system.arn
    assert made[0]["request"]["Tags"][0]["Key"] == REMOVING_TAG


def test_a_sweep_goes_on_with_what_is_marked_and_touches_nothing_else(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem, link: str
) -> None:
    """As after a restart: nothing but the mark tells."""
    other = succeed(CreateLustre(), aws, LustreSpec(), owner.model_copy(update={"step": "other"}))
    with emulator.changed_settings(association_deleting_seconds=0.5):
        assert not removal.remove_file_system(aws, file_system.id)
        wait_for(lambda: file_system.id not in removal.sweep(aws) and not _there(aws, file_system.id), 30)
    assert file_systems_of(aws, owner.execution) == [other.id]
    since = emulator.last_call()
    removal.sweep(aws)
    assert not [call for call in emulator.calls(since) if call["operation"].startswith(("Delete", "Tag"))]


def _there(aws: Aws, file_system_id: str) -> bool:
    return records.describe(aws, file_system_id) is not None


def test_what_has_as_many_tags_as_it_may_have_is_marked_all_the_same(
    emulator: Any, aws: Aws, file_system: LustreFileSystem
) -> None:
    fsx = emulator.client("fsx")
    has = len(fsx.list_tags_for_resource(ResourceARN=file_system.arn)["Tags"])
    more = [{"Key": f"k{number}", "Value": "v"} for number in range(50 - has)]
    fsx.tag_resource(ResourceARN=file_system.arn, Tags=more)
    with emulator.changed_settings(fsx_deleting_seconds=30.0):
        removal.remove_file_system(aws, file_system.id)
        tags = tag_map(fsx.list_tags_for_resource(ResourceARN=file_system.arn)["Tags"])
        assert REMOVING_TAG in tags
        assert FINGERPRINT_TAG not in tags


def test_without_the_right_to_mark_it_is_removed_all_the_same(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem
) -> None:
    emulator.faults({"service": "fsx", "operation": "TagResource", "code": "AccessDeniedException", "status": 400})
    try:
        succeed(DeleteLustre(), aws, DeleteSpec(file_system=file_system), owner)
    finally:
        emulator.faults()
    assert file_systems_of(aws, owner.execution) == []


def test_what_is_marked_is_neither_found_nor_adopted(emulator: Any, aws: Aws, owner: Owner) -> None:
    operation, spec = CreateLustre(), LustreSpec(name=f"marked-{owner.key}")
    first = succeed(operation, aws, spec, owner)
    emulator.client("fsx").tag_resource(ResourceARN=first.arn, Tags=[{"Key": REMOVING_TAG, "Value": "yes"}])
    assert operation.start(aws, spec, owner).file_system_id != first.id


def test_a_link_is_made_once_its_predecessor_is_gone(
    emulator: Any, aws: Aws, owner: Owner, file_system: LustreFileSystem, link: str
) -> None:
    operation = LinkRepository()
    spec = LinkSpec(file_system=file_system, repository=f"s3://{BUCKET}/{owner.key}")
    with emulator.changed_settings(association_deleting_seconds=1.0):
        removal.remove_association(aws, link)
        handle = operation.start(aws, spec, owner)
        assert ask(operation, aws, handle).phase == Phase.WAITING
        done = wait_for(lambda: (found := ask(operation, aws, handle)).phase.final and found, 30)
    assert done.result.association_id != link
    assert not done.result.adopted
    assert operation.cancel(aws, handle) in (True, False)
    wait_for(lambda: operation.cancel(aws, handle), 30)
    assert list(records.associations(aws, file_system.id)) == []


def test_what_parallel_branches_still_use_is_not_left_over(aws: Aws, owner: Owner) -> None:
    mine, theirs = (
        succeed(CreateLustre(), aws, LustreSpec(), owner.model_copy(update={"step": step})) for step in ("a", "b")
    )
    removed = succeed(DeleteLustre(), aws, DeleteSpec(file_system=mine), owner)
    assert removed.remaining == ()
    assert file_systems_of(aws, owner.execution) == [theirs.id]


def test_release_stops_the_jobs_first(emulator: Any, aws: Aws, owner: Owner) -> None:
    """A job that nobody follows any more costs money, too."""
    system = succeed(CreateLustre(), aws, LustreSpec(), owner)
    algorithm = ImageAlgorithm("123456789012.dkr.ecr.us-east-1.amazonaws.com/s:1", entrypoint=("sleep", "600"))
    spec = TrainingSpec(name="orphan", algorithm=algorithm)
    handle = Train().start(aws, spec, owner.model_copy(update={"step": "train"}))
    wait_for(lambda: ask(Train(), aws, handle).phase == Phase.RUNNING, 30)
    assert {one.kind for one in holdings(aws, owner.execution)} == {"file system", "training job"}
    since = emulator.last_call()
    removed = succeed(Release(), aws, ReleaseSpec(), owner)
    assert set(removed.removed) == {system.id, handle.job_name}
    assert holdings(aws, owner.execution) == ()
    order = [call["operation"] for call in emulator.calls(since) if call["operation"].startswith(("Stop", "Delete"))]
    assert order == ["StopTrainingJob", "DeleteFileSystem"]
    job = emulator.client("sagemaker").describe_training_job(TrainingJobName=handle.job_name)
    assert job["TrainingJobStatus"] == "Stopped"
