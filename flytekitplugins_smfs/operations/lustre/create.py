"""Create a Lustre file system, or find the one that this owner already made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flytekitplugins_smfs.aws import console
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, OWNER_TAG, owner_tags, slug, tag_list, tag_map
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, is_new, now, seen, timing, unknown
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.removal import remove_file_system
from flytekitplugins_smfs.operations.network import interfaces, security_groups_of, subnet_for
from flytekitplugins_smfs.operations.owning import Difference, Making, own
from flytekitplugins_smfs.values.identity import mark, same
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.operation import Handle, Link, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Json, Record

NAME_TAG = "smfs:name"
CHANGEABLE = frozenset({"capacity_gib", "per_unit_storage_throughput", "data_compression_type"})
"""What UpdateFileSystem changes in place. https://docs.aws.amazon.com/fsx/latest/APIReference/API_UpdateFileSystem.html"""


class LustreHandle(Handle):
    """A file system being created; `created` says whether this owner made it, and so may remove it."""

    file_system_id: str
    created: bool


class FileSystemMaking(Making):
    """The file system of a spec and an owner."""

    def __init__(self, spec: LustreSpec, owner: Owner) -> None:
        self.spec, self.owner = spec, owner
        self.tag = (NAME_TAG, spec.name) if spec.name else (OWNER_TAG, owner.key)
        self.what = f"File system {spec.name!r}" if spec.name else "The file system of this owner"
        self.renewal = owner.attempt_key

    def find(self, aws: Aws) -> Sequence[Record]:
        return records.file_systems(aws, *self.tag)

    def dead(self, record: Record) -> bool:
        return records.dying(record)

    def differences(self, aws: Aws, record: Record) -> Iterable[Difference]:
        tags = tag_map(record.get("Tags"))
        if tags.get(OWNER_TAG) == self.owner.key and same(self.spec, tags.get(FINGERPRINT_TAG)):
            return ()  # made by this owner from this very spec, whatever was changed since
        return tuple(_differences(aws, record, self.spec))

    def create(self, aws: Aws, token: str) -> Record:
        request = {"ClientRequestToken": token, **_request(aws, self.spec, self.owner)}
        doing = f"creating a Lustre file system ({self.spec.deployment_type}, {self.spec.capacity_gib} GiB)"
        made: Record = aws.call("fsx", "CreateFileSystem", request, doing=doing)["FileSystem"]
        return made

    def id(self, record: Record) -> str:
        return str(record["FileSystemId"])

    def identity(self) -> tuple[str, ...]:
        return ("lustre", *self.tag, mark(self.spec))


class CreateLustre(Operation[LustreSpec, LustreHandle, LustreFileSystem]):
    """FSx CreateFileSystem (LUSTRE), until it is AVAILABLE. Usually takes 5 to 10 minutes."""

    name = "lustre-create"
    spec_type = LustreSpec
    handle_type = LustreHandle
    result_type = LustreFileSystem

    def start(self, aws: Aws, spec: LustreSpec, owner: Owner, order: Order = NO_ORDER) -> LustreHandle:
        found = own(aws, FileSystemMaking(spec, owner)) or {}
        return LustreHandle(
            region=aws.region,
            owner=owner,
            started_at=now(),
            file_system_id=found["FileSystemId"],
            created=records.has_tag(found, OWNER_TAG, owner.key),
        )

    def state(self, aws: Aws, handle: LustreHandle) -> State:
        name, links = handle.file_system_id, self.links(aws, handle)
        known = seen(aws, records.FILE_SYSTEM, name, handle)
        if known.record is None and not known.gone:
            return unknown(aws, handle, links, name)
        found, age = known.record, view(aws).age(known)
        lifecycle = found["Lifecycle"] if found else "GONE"
        if lifecycle in records.READY:
            return State(Phase.SUCCEEDED, links=links, record=found, age=age)
        if lifecycle == "CREATING" or (found is None and is_new(handle)):
            message = f"{name} is being created (usually 5 to 10 minutes)"
            return State(Phase.RUNNING, message, links, age=age)
        return self._broken(aws, handle, found, links)

    def _broken(self, aws: Aws, handle: LustreHandle, found: Any, links: tuple[Link, ...]) -> State:
        reason = records.failure(found) if found else "it disappeared while it was being created"
        if found and handle.created:  # nobody calls cancel for what failed by itself
            remove_file_system(aws, handle.file_system_id)
            reason += " (the failed file system is deleted)"
        phase = Phase.RETRYABLE_FAILED if records.another_may_do(found, handle.created) else Phase.FAILED
        return State(phase, f"File system {handle.file_system_id}: {reason}", links, record=found)

    def result(self, aws: Aws, handle: LustreHandle, state: State) -> LustreFileSystem:
        groups = security_groups_of(interfaces(aws, state.record.get("NetworkInterfaceIds", [])))
        made = described(handle, state.record, groups)
        view(aws).forget(records.FILE_SYSTEM, handle.file_system_id)
        return made

    def cancel(self, aws: Aws, handle: LustreHandle) -> bool:
        there = aws.at(handle.region)
        view(there).forget(records.FILE_SYSTEM, handle.file_system_id)  # nobody asks after what was cancelled
        return not handle.created or remove_file_system(there, handle.file_system_id)

    def links(self, aws: Aws, handle: LustreHandle) -> tuple[Link, ...]:
        page = f"fsx/home?region={aws.region}#file-system-details/{handle.file_system_id}"
        return console.link(aws, "File system", page)

    def what(self, handle: LustreHandle) -> str:
        return f"file system {handle.file_system_id}"

    def leaves(self, handle: LustreHandle) -> str:
        return f"{handle.file_system_id} costs money for as long as it is there: delete it by hand."


def described(handle: LustreHandle, found: Record, security_group_ids: tuple[str, ...]) -> LustreFileSystem:
    """What AWS describes, as the value that goes from task to task. Of the security groups FSx says nothing."""
    return LustreFileSystem(
        id=found["FileSystemId"],
        arn=found["ResourceARN"],
        region=handle.region,
        mount_name=found["LustreConfiguration"]["MountName"],
        dns_name=found["DNSName"],
        deployment_type=found["LustreConfiguration"]["DeploymentType"],
        capacity_gib=found["StorageCapacity"],
        vpc_id=found["VpcId"],
        subnet_id=found["SubnetIds"][0],  # Lustre has exactly one
        security_group_ids=security_group_ids,
        network_interface_ids=tuple(found.get("NetworkInterfaceIds", [])),
        adopted=not handle.created,
        timing=timing(handle),
    )


def _request(aws: Aws, spec: LustreSpec, owner: Owner) -> Json:
    label = spec.name or slug(f"{owner.step}-{owner.key[:6]}", 200)
    own_tags = {"Name": label, **({NAME_TAG: spec.name} if spec.name else {})}
    lustre: Json = {
        "DeploymentType": spec.deployment_type,
        "WeeklyMaintenanceStartTime": spec.weekly_maintenance_start_time,
        "DataCompressionType": spec.data_compression_type,
    }
    if spec.throughput is not None:
        lustre["PerUnitStorageThroughput"] = spec.throughput
    optional = {
        "KmsKeyId": spec.kms_key_id,
        "FileSystemTypeVersion": spec.file_system_type_version,
        "SecurityGroupIds": list(spec.security_group_ids or aws.settings.security_group_ids),
    }
    return {
        "FileSystemType": "LUSTRE",
        "StorageType": "SSD",
        "StorageCapacity": spec.capacity_gib,
        "SubnetIds": [subnet_for(aws, spec.subnet_id, spec.availability_zone)],
        "Tags": tag_list(owner_tags(owner, mark(spec), aws.settings.tags, own_tags, spec.tags)),
        "LustreConfiguration": lustre,
        **{key: value for key, value in optional.items() if value},
    }


def _differences(aws: Aws, found: Record, spec: LustreSpec) -> Iterator[Difference]:
    """The spec held against what AWS describes; a tag lies once the file system has grown."""
    lustre = found.get("LustreConfiguration", {})
    pairs: list[tuple[str, Any, Any]] = [
        ("capacity_gib", found.get("StorageCapacity"), spec.capacity_gib),
        ("deployment_type", lustre.get("DeploymentType"), spec.deployment_type),
        ("per_unit_storage_throughput", lustre.get("PerUnitStorageThroughput"), spec.throughput),
        ("data_compression_type", lustre.get("DataCompressionType", "NONE"), spec.data_compression_type),
        ("file_system_type_version", found.get("FileSystemTypeVersion"), spec.file_system_type_version),
        ("weekly_maintenance_start_time", lustre.get("WeeklyMaintenanceStartTime"), spec.weekly_maintenance_start_time),
    ]
    if spec.throughput is None:  # scratch has the one that it always has
        pairs = [pair for pair in pairs if pair[0] != "per_unit_storage_throughput"]
    if spec.subnet_id:
        pairs.append(("subnet_id", (found.get("SubnetIds") or [None])[0], spec.subnet_id))
    if spec.kms_key_id and not _same_key(found.get("KmsKeyId"), spec.kms_key_id):
        pairs.append(("kms_key_id", found.get("KmsKeyId"), spec.kms_key_id))
    if spec.security_group_ids:
        groups = security_groups_of(interfaces(aws, found.get("NetworkInterfaceIds", [])))
        pairs.append(("security_group_ids", groups, tuple(sorted(spec.security_group_ids))))
    for field, there, wanted in pairs:
        if there != wanted:
            yield Difference(field, there, wanted, field in CHANGEABLE)


def _same_key(there: Any, wanted: str) -> bool:
    """A key is described by its ARN, and may be asked for by its id alone."""
    return there is not None and (str(there) == wanted or str(there).endswith(f"/{wanted}"))
