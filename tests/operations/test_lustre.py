"""Creating and deleting Lustre file systems."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.create import CreateLustre, LustreHandle
from flytekitplugins_smfs.operations.lustre.delete import DeleteLustre
from flytekitplugins_smfs.operations.lustre.link import LinkRepository
from flytekitplugins_smfs.operations.network import security_groups_of
from flytekitplugins_smfs.operations.release import Release
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.errors import FingerprintMismatch, InvalidSpec
from flytekitplugins_smfs.values.lustre.deletion import DeleteSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import LinkSpec
from flytekitplugins_smfs.values.operation import Answer, Link, Owner, Phase
from flytekitplugins_smfs.values.removal import ReleaseSpec
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import wait_for
from tests.operations.driving import BUCKET, ask, cancelled, file_systems_of, finish, succeed


def creations(emulator: Any, execution: str) -> list[dict[str, Any]]:
    """The CreateFileSystem requests that carried this execution's tag."""
    return [
        call["request"]
        for call in emulator.calls()
        if call["operation"] == "CreateFileSystem"
        and execution in [tag["Value"] for tag in call["request"].get("Tags", [])]
    ]


def test_the_request_carries_every_default(emulator: Any, aws: Aws, owner: Owner) -> None:  # C1
    made = succeed(CreateLustre(), aws, LustreSpec(tags={"team": "vision"}), owner)
    (request,) = creations(emulator, owner.execution)
    assert request["FileSystemType"] == "LUSTRE"
    assert request["StorageCapacity"] == 1200
    assert request["SubnetIds"] == [made.subnet_id]
    lustre = request["LustreConfiguration"]
    assert (lustre["DeploymentType"], lustre["PerUnitStorageThroughput"]) == ("PERSISTENT_2", 125)
    assert lustre["WeeklyMaintenanceStartTime"] == "7:19:00"
    assert {"Key": "team", "Value": "vision"} in request["Tags"]
    assert len(request["ClientRequestToken"]) <= 63
    assert request["FileSystemTypeVersion"] == "2.12"  # the lowest that can be linked to S3


def test_scratch_has_no_throughput(emulator: Any, aws: Aws, owner: Owner) -> None:  # C1
    made = succeed(CreateLustre(), aws, LustreSpec(deployment_type="SCRATCH_2"), owner)
    assert made.deployment_type == "SCRATCH_2"
    (request,) = creations(emulator, owner.execution)
    assert "PerUnitStorageThroughput" not in request["LustreConfiguration"]


def test_it_is_waited_for(emulator: Any, aws: Aws, owner: Owner) -> None:  # C3
    operation = CreateLustre()
    with emulator.changed_settings(fsx_creating_seconds=1.0):
        handle = operation.start(aws, LustreSpec(), owner)
        first = ask(operation, aws, handle)
    assert (first.phase, first.result) == (Phase.RUNNING, None)
    assert handle.file_system_id in first.message
    done = finish(operation, aws, handle)
    assert isinstance(done.result, LustreFileSystem)
    assert done.result.mount_name
    assert done.result.dns_name.startswith(handle.file_system_id)


@pytest.mark.parametrize("lifecycle", ["FAILED", "MISCONFIGURED"])
def test_a_failed_creation_says_why_and_is_removed(emulator: Any, aws: Aws, owner: Owner, lifecycle: str) -> None:  # C3
    emulator.faults(
        {"resource": "file-system", "lifecycle": lifecycle, "message": "Lustre could not be set up.", "times": 1}
    )
    operation = CreateLustre()
    handle = operation.start(aws, LustreSpec(), owner)
    progress = finish(operation, aws, handle)
    assert progress.phase == Phase.FAILED
    assert f"{lifecycle}: Lustre could not be set up." in progress.message
    # Flyte calls no delete for what failed by itself: looking has removed it.
    wait_for(lambda: file_systems_of(aws, owner.execution) == [])


def test_one_that_disappears_behind_our_back_fails(aws: Aws, owner: Owner) -> None:  # C3
    operation = CreateLustre()
    handle = operation.start(aws, LustreSpec(), owner)
    cancelled(operation, aws, handle)
    assert ask(operation, aws, handle).phase == Phase.RUNNING  # AWS may not show yet what was just made
    earlier = handle.model_copy(update={"started_at": handle.started_at - timedelta(minutes=1)})
    progress = ask(operation, aws, earlier)
    assert progress.phase == Phase.RETRYABLE_FAILED  # so one looks that failed for want of capacity and was cleaned up
    assert "disappeared" in progress.message
    theirs = earlier.model_copy(update={"created": False})
    assert ask(operation, aws, theirs).phase == Phase.FAILED


def test_want_of_capacity_may_pass_and_the_failed_one_is_removed(emulator: Any, aws: Aws, owner: Owner) -> None:  # C3
    said = "There is insufficient capacity in the Availability Zone."
    emulator.faults({"resource": "file-system", "lifecycle": "FAILED", "message": said, "times": 1})
    operation = CreateLustre()
    handle = operation.start(aws, LustreSpec(), owner)
    progress = finish(operation, aws, handle)
    assert (progress.phase, said in progress.message) == (Phase.RETRYABLE_FAILED, True)
    going = ask(operation, aws, handle.model_copy(update={"started_at": handle.started_at - timedelta(minutes=1)}))
    assert going.phase == Phase.RETRYABLE_FAILED  # whoever asks next, of whatever is left of it
    wait_for(lambda: file_systems_of(aws, owner.execution) == [])
    retry = operation.start(aws, LustreSpec(), owner.at(1))
    assert retry.file_system_id != handle.file_system_id
    assert finish(operation, aws, retry).phase == Phase.SUCCEEDED


def test_a_second_start_finds_the_first(emulator: Any, aws: Aws, owner: Owner) -> None:  # C4, N2
    operation = CreateLustre()
    first = operation.start(aws, LustreSpec(), owner)
    again = operation.start(aws, LustreSpec(), owner)
    retry = operation.start(aws, LustreSpec(), owner.model_copy(update={"attempt": 1}))
    assert first.file_system_id == again.file_system_id == retry.file_system_id
    assert first.created
    assert again.created
    assert len(creations(emulator, owner.execution)) == 1


CRASHING = """
import json, os, sys
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.operations.lustre.create import CreateLustre
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.settings import Settings

settings, owner, die_after = json.loads(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])

class Dying(Aws):
    calls = 0
    def call(self, *args, **kwargs):
        answer = super().call(*args, **kwargs)
        Dying.calls += 1
        if Dying.calls == die_after:
            os.kill(os.getpid(), 9)
        return answer

CreateLustre().start(Dying(Settings.model_validate(settings)), LustreSpec(), Owner.model_validate(owner))
print("started after", Dying.calls)
"""


def test_killed_between_any_two_calls_and_run_again_there_is_one(aws: Aws, owner: Owner) -> None:  # C4, N2
    settings, who = aws.settings.model_dump_json(), owner.model_dump_json()
    deaths = 0
    for step in range(1, 20):
        command = [sys.executable, "-c", CRASHING, settings, who, str(step)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        deaths += 1
    assert deaths >= 1
    assert "started" in done.stdout
    assert len(file_systems_of(aws, owner.execution)) == 1


def test_what_was_made_from_another_spec_is_not_adopted(aws: Aws, owner: Owner) -> None:  # C4, N2
    operation = CreateLustre()
    operation.start(aws, LustreSpec(), owner)
    with pytest.raises(FingerprintMismatch) as caught:
        operation.start(aws, LustreSpec(capacity_gib=2400), owner)
    assert "capacity_gib is 1200, wanted 2400" in str(caught.value)


def test_a_named_one_is_adopted_by_another_execution_and_left_by_it(aws: Aws, owner: Owner) -> None:  # C4
    operation, spec = CreateLustre(), LustreSpec(name=f"shared-{owner.key}")
    made = succeed(operation, aws, spec, owner)
    other = Owner(execution=owner.execution + "-other", step="step")
    handle = operation.start(aws, spec, other)
    assert (handle.file_system_id, handle.created) == (made.id, False)
    adopted = finish(operation, aws, handle).result
    assert adopted.adopted
    assert operation.cancel(aws, handle)
    removed = succeed(DeleteLustre(), aws, DeleteSpec(file_system=adopted), other)
    assert removed.removed == ()
    assert records.describe(aws, made.id) is not None


def test_all_groups_of_all_interfaces_each_once(emulator: Any, aws: Aws, owner: Owner) -> None:  # C7
    one, two = {"GroupId": "sg-1"}, {"GroupId": "sg-2"}
    assert security_groups_of([{"Groups": [two, one]}, {"Groups": [one]}, {}]) == ("sg-1", "sg-2")
    ec2 = emulator.client("ec2")
    default = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["us-east-1a"]}])["Subnets"][0]
    groups = [
        ec2.create_security_group(GroupName=f"{owner.key}-{n}", Description="lustre", VpcId=default["VpcId"])["GroupId"]
        for n in range(2)
    ]
    for group in groups:
        among = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": other} for other in groups]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[among])
    made = succeed(CreateLustre(), aws, LustreSpec(security_group_ids=tuple(groups)), owner)
    assert made.security_group_ids == tuple(sorted(groups))
    assert len(made.network_interface_ids) >= 2
    assert made.vpc_id == default["VpcId"]


def test_several_subnets_are_a_question_not_a_guess(aws: Aws, owner: Owner) -> None:  # C7
    open_choice = Aws(aws.settings.model_copy(update={"availability_zone": None}))
    with pytest.raises(InvalidSpec) as caught:
        CreateLustre().start(open_choice, LustreSpec(), owner)
    assert "us-east-1a" in str(caught.value)
    assert "us-east-1b" in str(caught.value)
    assert file_systems_of(aws, owner.execution) == []


def test_a_region_without_a_default_network_is_told(aws: Aws, owner: Owner) -> None:  # C7
    no_such_zone = Aws(aws.settings.model_copy(update={"availability_zone": "us-east-1z"}))
    with pytest.raises(InvalidSpec, match="found: none"):
        CreateLustre().start(no_such_zone, LustreSpec(), owner)


def test_delete_takes_the_links_along_and_keeps_quiet_when_it_is_gone(aws: Aws, owner: Owner) -> None:  # C13
    made = succeed(CreateLustre(), aws, LustreSpec(), owner)
    succeed(LinkRepository(), aws, LinkSpec(file_system=made, repository=f"s3://{BUCKET}/{owner.key}"), owner)
    removed = succeed(DeleteLustre(), aws, DeleteSpec(file_system=made), owner)
    assert holdings(aws, owner.execution) == ()
    assert (removed.removed, removed.remaining) == ((made.id,), ())
    again = succeed(DeleteLustre(), aws, DeleteSpec(file_system=made), owner)
    assert again.remaining == ()
    assert records.describe(aws, made.id) is None


def test_cancel_removes_the_half_made_one(emulator: Any, aws: Aws, owner: Owner) -> None:  # N1
    operation = CreateLustre()
    with emulator.changed_settings(fsx_creating_seconds=20.0):
        handle = operation.start(aws, LustreSpec(), owner)
        cancelled(operation, aws, handle)
    assert file_systems_of(aws, owner.execution) == []
    assert operation.cancel(aws, handle)  # gone counts as stopped


def test_a_deletion_that_aws_refuses_while_it_creates_is_asked_for_again(
    emulator: Any, aws: Aws, owner: Owner
) -> None:  # N1
    operation = CreateLustre()
    refused = {"service": "fsx", "operation": "DeleteFileSystem", "code": "BadRequest", "status": 400, "times": 2}
    with emulator.changed_settings(fsx_creating_seconds=20.0):
        handle = operation.start(aws, LustreSpec(), owner)
        emulator.faults(refused)
        assert not operation.cancel(aws, handle)
        cancelled(operation, aws, handle)
    assert file_systems_of(aws, owner.execution) == []


def test_release_removes_what_this_execution_made_and_nothing_else(aws: Aws, owner: Owner) -> None:  # C13
    mine = [succeed(CreateLustre(), aws, LustreSpec(), owner.model_copy(update={"step": f"s{n}"})) for n in range(2)]
    other = Owner(execution=owner.execution + "-other", step="step")
    theirs = succeed(CreateLustre(), aws, LustreSpec(), other)
    removed = succeed(Release(), aws, ReleaseSpec(), owner)
    assert set(removed.removed) == {system.id for system in mine}
    assert removed.remaining == ()
    assert records.describe(aws, theirs.id) is not None
    succeed(Release(), aws, ReleaseSpec(), other)


def test_a_poll_answers_when_aws_does_not(emulator: Any, aws: Aws, owner: Owner) -> None:  # N3
    class Alone(Aws):
        """With a status view of its own: what other tests follow makes no difference."""

        place = ("alone",)

    aws, operation = Alone(aws.settings), CreateLustre()
    handle = operation.start(aws, LustreSpec(), owner)
    last = Answer(Phase.RUNNING, links=(Link(name="Log", url="https://log"),))
    throttled = {"service": "fsx", "operation": "DescribeFileSystems", "code": "ThrottlingException", "times": 500}
    emulator.faults(throttled)  # other tests' views ask, too
    for known, phase in ((None, Phase.QUEUED), (last, last.phase)):
        watch: Watch = Watch(operation, handle, 3.0, last=known)
        progress = watch.ask(aws.waiting(2.0))
        assert progress.phase == phase
        assert progress.links == (known.links if known else ())
        assert "ThrottlingException" in progress.message
    emulator.faults()
    assert finish(operation, aws, handle).phase == Phase.SUCCEEDED


def test_a_handle_is_small_json_without_secrets(aws: Aws, owner: Owner) -> None:
    handle = CreateLustre().start(aws, LustreSpec(), owner)
    assert LustreHandle.model_validate_json(handle.encode()) == handle
    assert len(handle.encode()) < 2000
    assert "region" in json.loads(handle.encode())


def test_settings_without_any_region_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(Exception, match="No region is chosen"):
        Aws(Settings(endpoint="http://127.0.0.1:9"))
