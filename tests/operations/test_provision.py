"""A file system and its links in one step: made once, whoever dies when, and cleaned up if a part fails. N2, C4"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from flytekitplugins_smfs import LinkOptions, LustreSpec, ProvisionSpec
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.operations.lustre.delete import DeleteLustre
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.lustre.provision import ProvisionHandle, ProvisionLustre
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.lustre.deletion import DeleteSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase
from tests.conftest import wait_for
from tests.operations.driving import BUCKET, ask, cancelled, file_systems_of, finish, succeed
from tests.operations.test_crashes import Died, Dying, Losing

OPERATION = ProvisionLustre()


@pytest.fixture
def spec(owner: Owner) -> ProvisionSpec:
    """Two prefixes on a file system of its own."""
    links = (
        LinkOptions(path="/in", repository=f"s3://{BUCKET}/{owner.key}/in"),
        LinkOptions(path="/out", repository=f"s3://{BUCKET}/{owner.key}/out", auto_import=()),
    )
    return ProvisionSpec(links=links)


@pytest.fixture
def shared(aws: Aws, owner: Owner) -> LustreSpec:
    """The spec of a file system that another step made, so that whoever asks for it now adopts it."""
    found = LustreSpec(name=f"shared-{owner.key}")
    succeed(CreateLustre(), aws, found, owner.model_copy(update={"step": "another"}))
    return found


def links_of(aws: Aws, file_system_id: str) -> list[str]:
    return sorted(one["FileSystemPath"] for one in records.associations(aws, file_system_id))


def gone(aws: Aws, file_system_id: str) -> Callable[[], bool]:
    return lambda: records.describe(aws, file_system_id) is None


def test_it_is_there_with_its_links(aws: Aws, owner: Owner, spec: ProvisionSpec) -> None:
    made = succeed(OPERATION, aws, spec, owner)
    assert not made.file_system.adopted
    assert made.file_system.security_group_ids
    assert [(link.path, link.repository, link.adopted) for link in made.links] == [
        (one.path, one.repository, False) for one in spec.links
    ]
    there = {one["FileSystemPath"]: one for one in records.associations(aws, made.file_system.id)}
    assert [there[link.path]["AssociationId"] for link in made.links] == [link.association_id for link in made.links]
    assert there["/in"]["S3"]["AutoImportPolicy"]["Events"] == ["NEW", "CHANGED", "DELETED"]
    assert "AutoImportPolicy" not in there["/out"]["S3"]
    for link in made.links:
        assert link.timing.started_at >= made.file_system.timing.ended_at >= made.file_system.timing.started_at
    removed = succeed(DeleteLustre(), aws, DeleteSpec(file_system=made.file_system, links=made.links), owner)
    assert removed.removed == (made.file_system.id,)
    assert file_systems_of(aws, owner.execution) == []


def test_it_tells_what_it_waits_for(emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec) -> None:
    with emulator.changed_settings(association_creating_seconds=60.0):
        handle = OPERATION.start(aws, spec, owner)
        wait_for(lambda: "0 of 2 links" in ask(OPERATION, aws, handle).message, 20)
        assert ask(OPERATION, aws, handle).phase is Phase.RUNNING
        cancelled(OPERATION, aws, handle)
    assert file_systems_of(aws, owner.execution) == []


def driven(aws: Aws, spec: ProvisionSpec, owner: Owner, deaths: int) -> Handle | None:
    """One life of a process that starts it and asks until its end; None where it dies at its n-th call."""
    dying = Dying(aws.settings)
    dying.calls_left = deaths
    try:
        handle = OPERATION.start(dying, spec, owner)
        wait_for(lambda: OPERATION.state(dying, handle).phase.final, 20)
    except Died:
        return None
    return handle


def test_killed_between_any_two_calls_and_run_again_there_is_one_of_each(
    emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec
) -> None:
    view(aws)  # the shared view is not of a process that dies
    since, handle, deaths = emulator.last_call(), None, 0
    while handle is None:  # the next life begins with what the one before left, and lives a call longer
        deaths += 1
        handle = driven(aws, spec, owner, deaths)
    assert deaths > 4
    assert finish(OPERATION, aws, handle).phase is Phase.SUCCEEDED
    assert len(file_systems_of(aws, owner.execution)) == 1
    assert links_of(aws, handle.file_system_id) == ["/in", "/out"]  # type: ignore[attr-defined]
    made = [call for call in emulator.calls(since) if not call.get("error") and owner.key in str(call["request"])]
    tokens = {
        (call["operation"], call["request"]["ClientRequestToken"])
        for call in made
        if call["operation"] in ("CreateFileSystem", "CreateDataRepositoryAssociation")
    }
    assert len(tokens) == 3
    cancelled(OPERATION, aws, handle)
    assert file_systems_of(aws, owner.execution) == []


@pytest.mark.parametrize("lost", ["CreateFileSystem", "CreateDataRepositoryAssociation"])
def test_an_answer_that_was_lost_is_looked_up(aws: Aws, owner: Owner, spec: ProvisionSpec, lost: str) -> None:
    losing = Losing(aws.settings)
    losing.lost = lost
    handle = OPERATION.start(losing, spec, owner)
    wait_for(lambda: OPERATION.state(losing, handle).phase is Phase.SUCCEEDED, 20)
    assert len(file_systems_of(aws, owner.execution)) == 1
    assert links_of(aws, handle.file_system_id) == ["/in", "/out"]
    cancelled(OPERATION, aws, handle)


def test_two_who_ask_at_the_same_moment_make_one_of_each(aws: Aws, owner: Owner, spec: ProvisionSpec) -> None:
    with ThreadPoolExecutor(2) as pool:
        handles = list(pool.map(lambda one: OPERATION.start(aws, spec, one), [owner, owner.at(1)]))
        ends = list(pool.map(lambda handle: finish(OPERATION, aws, handle), handles))
    assert [end.phase for end in ends] == [Phase.SUCCEEDED] * 2
    assert len({link.association_id for end in ends for link in end.result.links}) == 2
    assert links_of(aws, handles[0].file_system_id) == ["/in", "/out"]
    cancelled(OPERATION, aws, handles[0])


def test_a_link_that_fails_takes_all_that_is_ours_along(aws: Aws, owner: Owner, spec: ProvisionSpec) -> None:
    nowhere = LinkOptions(path="/nowhere", repository="s3://no-such-bucket-anywhere/x")
    handle = OPERATION.start(aws, ProvisionSpec(links=(*spec.links, nowhere)), owner)
    end = finish(OPERATION, aws, handle)
    assert end.phase is Phase.FAILED
    assert "MISCONFIGURED" in end.message
    assert "no-such-bucket-anywhere" in end.message
    wait_for(lambda: cancelled(OPERATION, aws, handle) or gone(aws, handle.file_system_id)(), 20)


def test_want_of_capacity_may_pass_and_another_attempt_makes_another(
    emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec
) -> None:
    handle = OPERATION.start(aws, spec, owner)
    said = "There is insufficient capacity to import."
    emulator.faults({"resource": "association", "lifecycle": "FAILED", "message": said, "times": 1})
    end = finish(OPERATION, aws, handle)
    emulator.faults()
    assert (end.phase, said in end.message) == (Phase.RETRYABLE_FAILED, True)
    old = handle.model_copy(update={"started_at": handle.started_at - timedelta(minutes=1)})
    assert ask(OPERATION, aws, old).phase is Phase.RETRYABLE_FAILED  # asked again, also while it is going
    again = succeed(OPERATION, aws, spec, owner.at(1))
    assert again.file_system.id != handle.file_system_id
    wait_for(lambda: cancelled(OPERATION, aws, handle) or gone(aws, handle.file_system_id)(), 20)
    assert file_systems_of(aws, owner.execution) == [again.file_system.id]


def test_a_refusal_is_final_and_leaves_nothing(emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec) -> None:
    denied = {"service": "fsx", "operation": "CreateDataRepositoryAssociation", "status": 400, "times": 9}
    handle = OPERATION.start(aws, spec, owner)
    emulator.faults({**denied, "code": "AccessDeniedException", "message": "not authorized to perform"})
    end = finish(OPERATION, aws, handle)
    emulator.faults()
    assert (end.phase, "not authorized to perform" in end.message) == (Phase.FAILED, True)
    cancelled(OPERATION, aws, handle)
    assert file_systems_of(aws, owner.execution) == []


def test_a_quota_that_is_used_up_may_pass_and_leaves_nothing(
    emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec
) -> None:
    full = {"service": "fsx", "operation": "CreateDataRepositoryAssociation", "status": 400, "times": 9}
    handle = OPERATION.start(aws, spec, owner)
    emulator.faults({**full, "code": "ServiceLimitExceeded", "message": "no more associations"})
    end = finish(OPERATION, aws, handle)
    emulator.faults()
    assert (end.phase, "no more associations" in end.message) == (Phase.RETRYABLE_FAILED, True)
    cancelled(OPERATION, aws, handle)
    assert file_systems_of(aws, owner.execution) == []


def test_a_denied_question_is_asked_again_and_removes_nothing(
    emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec
) -> None:
    denied = {"service": "fsx", "operation": "DescribeDataRepositoryAssociations", "status": 400, "times": 500}
    handle = OPERATION.start(aws, spec, owner)
    emulator.faults({**denied, "code": "AccessDeniedException", "message": "not authorized to perform"})
    told: Watch = Watch(OPERATION, handle, 3.0)
    wait_for(lambda: "not authorized to perform" in told.ask(aws).message)
    assert not told.ask(aws).phase.final
    emulator.faults()
    assert finish(OPERATION, aws, handle).phase == Phase.SUCCEEDED


def test_what_passes_passes(emulator: Any, aws: Aws, owner: Owner, spec: ProvisionSpec) -> None:
    handle = OPERATION.start(aws, spec, owner)
    emulator.faults({"service": "fsx", "operation": "CreateDataRepositoryAssociation", "status": 503, "times": 3})
    end = finish(OPERATION, aws, handle)
    emulator.faults()
    assert end.phase is Phase.SUCCEEDED
    cancelled(OPERATION, aws, handle)


def test_an_adopted_file_system_stays_and_what_was_linked_to_it_goes(
    aws: Aws, owner: Owner, spec: ProvisionSpec, shared: LustreSpec
) -> None:
    asked = spec.model_copy(update={"file_system": shared})
    made = succeed(OPERATION, aws, asked, owner)
    assert made.file_system.adopted
    assert [link.adopted for link in made.links] == [False, False]
    other = succeed(OPERATION, aws, asked, owner.model_copy(update={"step": "third"}))
    assert [link.adopted for link in other.links] == [True, True]
    for result, left in ((other, ["/in", "/out"]), (made, [])):
        delete = DeleteSpec(file_system=result.file_system, links=result.links)
        removed = succeed(DeleteLustre(), aws, delete, owner)
        assert set(removed.removed) == {link.association_id for link in result.links if not link.adopted}
        assert links_of(aws, made.file_system.id) == left
    assert records.file_system(aws, made.file_system.id)["Lifecycle"] == "AVAILABLE"


def test_a_failure_or_cancel_on_an_adopted_one_removes_our_links_alone(
    aws: Aws, owner: Owner, spec: ProvisionSpec, shared: LustreSpec
) -> None:
    adopted = succeed(CreateLustre(), aws, shared, owner.model_copy(update={"step": "fourth"}))
    theirs = LinkSpec(file_system=adopted, path="/theirs", repository=f"s3://{BUCKET}/{owner.key}/theirs")
    succeed(LinkRepository(), aws, theirs, owner.model_copy(update={"step": "fourth"}))
    within = LinkOptions(path="/theirs/in", repository=f"s3://{BUCKET}/{owner.key}/x")
    refused = ProvisionSpec(file_system=shared, links=(*spec.links, within))
    handle = OPERATION.start(aws, refused, owner)
    end = finish(OPERATION, aws, handle)
    assert (end.phase, "/theirs/in overlaps /theirs" in end.message) == (Phase.FAILED, True)
    wait_for(lambda: links_of(aws, adopted.id) == ["/theirs"], 20)
    again = OPERATION.start(aws, spec.model_copy(update={"file_system": shared}), owner)
    finish(OPERATION, aws, again)
    cancelled(OPERATION, aws, again)
    assert links_of(aws, adopted.id) == ["/theirs"]
    assert records.file_system(aws, adopted.id)["Lifecycle"] == "AVAILABLE"


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ({}, "at least 1 item"),
        ({f"/{n}": f"s3://bucket/{n}" for n in range(9)}, "at most 8 items"),
        ({"/a": "s3://bucket/a", "/a/b": "s3://bucket/b"}, "/a/b overlaps /a"),
        ({"/a": "s3://bucket/a", "/a/": "s3://bucket/b"}, "/a/ overlaps /a"),
        ({"/a": "s3://bucket/x", "/b": "s3://bucket/x/train"}, "s3://bucket/x/train overlaps s3://bucket/x"),
        ({"a": "s3://bucket/a"}, "use '/a'"),
        ({"/a": "bucket/a"}, "s3://"),
    ],
)
def test_links_that_cannot_be_are_told_before_anything_is_made(links: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ProvisionSpec.model_validate({"links": links})


def test_a_version_that_cannot_be_linked_is_told_too(spec: ProvisionSpec) -> None:
    old = {"deployment_type": "SCRATCH_2", "file_system_type_version": "2.10"}
    with pytest.raises(ValidationError, match="cannot be linked to S3"):
        ProvisionSpec.model_validate({"file_system": old, "links": {"/a": "s3://bucket/a"}})


def test_a_handle_of_eight_links_is_small(owner: Owner, file_system: LustreFileSystem) -> None:
    links = {f"/data/{n:02d}": f"s3://{BUCKET}/some/prefix/{n:02d}" for n in range(8)}
    awaited = [one.model_dump(mode="json") for one in ProvisionSpec.model_validate({"links": links}).links]
    handle = ProvisionHandle(
        region="us-east-1",
        owner=owner,
        started_at=file_system.timing.started_at,
        file_system_id=file_system.id,
        created=True,
        awaited=tuple(awaited),
    )
    assert len(handle.encode()) < 4096
