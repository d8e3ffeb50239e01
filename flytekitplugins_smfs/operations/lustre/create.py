"""Create a Lustre file system, or find the one that this owner already made."""

from __future__ import annotations

from typing import Any

from flytekitplugins_smfs.aws import console
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import (
    FINGERPRINT_TAG,
    OWNER_TAG,
    client_token,
    fingerprint,
    owner_tags,
    slug,
    tag_list,
    tag_map,
)
from flytekitplugins_smfs.operations.base import Operation, is_new, now, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.network import interfaces, security_groups_of, subnet_for
from flytekitplugins_smfs.values.errors import Conflict, FingerprintMismatch, Missing, Transient
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress

NAME_TAG = "smfs:name"
DEAD = records.GOING | records.BROKEN


class LustreHandle(Handle):
    """A file system being created; `created` says whether this owner made it, and so may remove it."""

    file_system_id: str
    created: bool


class CreateLustre(Operation[LustreSpec, LustreHandle, LustreFileSystem]):
    """FSx CreateFileSystem (LUSTRE), until it is AVAILABLE. Usually takes 5 to 10 minutes."""

    name = "lustre-create"
    spec_type = LustreSpec
    handle_type = LustreHandle
    result_type = LustreFileSystem

    def start(self, aws: Aws, spec: LustreSpec, owner: Owner) -> LustreHandle:
        mark = fingerprint(spec.model_dump(mode="json", exclude={"tags", "name"}))
        there = records.tagged(aws, *_identity(spec, owner))
        dead = tuple(system["FileSystemId"] for system in there if system["Lifecycle"] in DEAD)
        found = _alive(there, spec, mark) or _create(aws, spec, owner, mark, dead)
        return LustreHandle(
            region=aws.region,
            owner=owner,
            started_at=now(),
            file_system_id=found["FileSystemId"],
            created=tag_map(found.get("Tags")).get(OWNER_TAG) == owner.key,
        )

    def look(self, aws: Aws, handle: LustreHandle) -> Progress[LustreFileSystem]:
        found = records.describe(aws, handle.file_system_id)
        page = f"fsx/home?region={aws.region}#file-system-details/{handle.file_system_id}"
        links = console.link(aws, "File system", page)
        lifecycle = found["Lifecycle"] if found else "GONE"
        if found and lifecycle in {"AVAILABLE", "UPDATING"}:
            return Progress(phase=Phase.SUCCEEDED, result=_described(aws, found, handle), links=links)
        if lifecycle == "CREATING" or (found is None and is_new(handle)):
            message = f"{handle.file_system_id} is being created (usually 5 to 10 minutes)"
            return Progress(phase=Phase.INITIALIZING, message=message, links=links)
        reason = records.failure(found) if found else "it disappeared while it was being created"
        if found and handle.created:  # nobody calls cancel for what failed by itself
            records.remove_file_system(aws, handle.file_system_id)
            reason += " (the failed file system was deleted)"
        return Progress(phase=Phase.FAILED, message=f"File system {handle.file_system_id}: {reason}", links=links)

    def cancel(self, aws: Aws, handle: LustreHandle) -> bool:
        return not handle.created or records.remove_file_system(aws.at(handle.region), handle.file_system_id)

    def what(self, handle: LustreHandle) -> str:
        return f"file system {handle.file_system_id}"


def _identity(spec: LustreSpec, owner: Owner) -> tuple[str, str]:
    """The tag by which it is found: its name if it has one, else its owner."""
    return (NAME_TAG, spec.name) if spec.name else (OWNER_TAG, owner.key)


def _alive(there: list[dict[str, Any]], spec: LustreSpec, mark: str) -> dict[str, Any] | None:
    """The oldest that lives. Raises FingerprintMismatch when it was made from another spec."""
    alive = [system for system in there if system["Lifecycle"] not in DEAD]
    if alive:
        _check_same(alive[0], spec, mark)
    return alive[0] if alive else None


def _create(aws: Aws, spec: LustreSpec, owner: Owner, mark: str, dead: tuple[str, ...]) -> dict[str, Any]:
    """Make it. `dead` stands for earlier ones, so that their client tokens are not taken for this one's."""
    token = client_token("lustre", *_identity(spec, owner), mark, *dead)
    request = {"ClientRequestToken": token, **_request(aws, spec, owner, mark)}
    doing = f"creating a Lustre file system ({spec.deployment_type}, {spec.capacity_gib} GiB)"
    try:
        made: dict[str, Any] = aws.call("fsx", "CreateFileSystem", request, doing=doing)["FileSystem"]
    except (Conflict, Transient) as fault:  # another start of it was quicker, or the answer was lost: it is there
        found = _alive(records.tagged(aws.impatient(), *_identity(spec, owner)), spec, mark)
        if found:
            return found
        if fault.code != "IncompatibleParameterError":
            raise
        if not spec.name or owner.attempt_key in dead:
            raise FingerprintMismatch("The file system of this owner", [fault.text]) from fault
        return _create(aws, spec, owner, mark, (*dead, owner.attempt_key))  # another's of this name, deleted since
    except Missing:  # the token was that of one that has been deleted since
        if owner.attempt_key in dead:
            raise
        return _create(aws, spec, owner, mark, (*dead, owner.attempt_key))
    if made["Lifecycle"] in DEAD and made["FileSystemId"] not in dead:  # likewise, and AWS shows it still
        return _create(aws, spec, owner, mark, (*dead, made["FileSystemId"]))
    return made


def _request(aws: Aws, spec: LustreSpec, owner: Owner, mark: str) -> dict[str, Any]:
    label = spec.name or slug(f"{owner.step}-{owner.key[:6]}", 200)
    own = {"Name": label, **({NAME_TAG: spec.name} if spec.name else {})}
    lustre: dict[str, Any] = {
        "DeploymentType": spec.deployment_type,
        "WeeklyMaintenanceStartTime": spec.weekly_maintenance_start_time,
        "DataCompressionType": spec.data_compression_type,
    }
    if spec.throughput is not None:
        lustre["PerUnitStorageThroughput"] = spec.throughput
    groups = list(spec.security_group_ids or aws.settings.security_group_ids)
    optional = {
        "KmsKeyId": spec.kms_key_id,
        "FileSystemTypeVersion": spec.file_system_type_version,
        "SecurityGroupIds": groups,
    }
    return {
        "FileSystemType": "LUSTRE",
        "StorageType": "SSD",
        "StorageCapacity": spec.capacity_gib,
        "SubnetIds": [subnet_for(aws, spec.subnet_id, spec.availability_zone)],
        "Tags": tag_list(owner_tags(owner, mark, aws.settings.tags, own, spec.tags)),
        "LustreConfiguration": lustre,
        **{key: value for key, value in optional.items() if value},
    }


def _check_same(found: dict[str, Any], spec: LustreSpec, mark: str) -> None:
    if tag_map(found.get("Tags")).get(FINGERPRINT_TAG) == mark:
        return
    lustre = found.get("LustreConfiguration", {})
    pairs = [
        ("capacity_gib", found.get("StorageCapacity"), spec.capacity_gib),
        ("deployment_type", lustre.get("DeploymentType"), spec.deployment_type),
        ("per_unit_storage_throughput", lustre.get("PerUnitStorageThroughput"), spec.throughput),
        ("data_compression_type", lustre.get("DataCompressionType", "NONE"), spec.data_compression_type),
        ("subnet_id", (found.get("SubnetIds") or [None])[0], spec.subnet_id or found["SubnetIds"][0]),
    ]
    differences = [f"{field} is {there}, wanted {wanted}" for field, there, wanted in pairs if there != wanted]
    raise FingerprintMismatch(f"File system {found['FileSystemId']}", differences)


def _described(aws: Aws, found: dict[str, Any], handle: LustreHandle) -> LustreFileSystem:
    ids = tuple(found.get("NetworkInterfaceIds", []))
    return LustreFileSystem(
        id=found["FileSystemId"],
        arn=found["ResourceARN"],
        region=aws.region,
        mount_name=found["LustreConfiguration"]["MountName"],
        dns_name=found["DNSName"],
        deployment_type=found["LustreConfiguration"]["DeploymentType"],
        capacity_gib=found["StorageCapacity"],
        vpc_id=found["VpcId"],
        subnet_id=found["SubnetIds"][0],  # Lustre has exactly one
        security_group_ids=security_groups_of(interfaces(aws, ids)),
        network_interface_ids=ids,
        adopted=not handle.created,
        timing=timing(handle),
    )
