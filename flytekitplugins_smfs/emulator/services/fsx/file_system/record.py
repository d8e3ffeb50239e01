"""A file system's document: its members, as made and as found."""

import random
import string
import uuid
from typing import Any

from ....registry import Context
from ..documents import new_id
from . import destination, metadata
from .rules import PERSISTENT, capacity_step, version_of

_MOST_INTERFACES = 50
"""The members that NetworkInterfaceIds may have, by the service model."""


def new(ctx: Context, request: dict[str, Any], vpc: str, groups: list[str], key: str | None) -> dict[str, Any]:
    """The document of a new file system; AWS's defaults filled in. ``key`` is the ARN of the KMS key it was given."""
    id = new_id("fs")
    return {
        "OwnerId": ctx.account,
        "CreationTime": ctx.now(),
        "FileSystemId": id,
        "FileSystemType": "LUSTRE",
        "Lifecycle": "CREATING",
        "StorageCapacity": request.get("StorageCapacity"),
        "StorageType": request.get("StorageType", "SSD"),
        "VpcId": vpc,
        "SubnetIds": request["SubnetIds"],
        "NetworkInterfaceIds": [],
        "DNSName": f"{id}.fsx.{ctx.region}.amazonaws.com",
        "KmsKeyId": key or _own_key(ctx, request),
        "ResourceARN": ctx.arn("fsx", f"file-system/{id}"),
        "Tags": request.get("Tags", []),
        "FileSystemTypeVersion": version_of(request),
        "AdministrativeActions": [],
        "NetworkType": request.get("NetworkType", "IPV4"),
        "LustreConfiguration": _lustre(ctx, id, request),
        "region": ctx.region,
        "groups": groups,
        "fault": ctx.injections.misfortune("resource", "file-system"),
        "pending": {},
    }


def _lustre(ctx: Context, id: str, request: dict[str, Any]) -> dict[str, Any]:
    given = request.get("LustreConfiguration", {})
    deployment = given.get("DeploymentType", "SCRATCH_1")
    mount_name = "".join(random.choices(string.ascii_lowercase + string.digits, k=8))
    lustre = {
        "DeploymentType": "SCRATCH_1",
        "WeeklyMaintenanceStartTime": "7:05:30",
        "CopyTagsToBackups": False,
        "DataCompressionType": "NONE",
        **given,
        "LogConfiguration": destination.shown(ctx, id, given.get("LogConfiguration", {"Level": "DISABLED"})),
        "MountName": "fsx" if deployment == "SCRATCH_1" else mount_name,
    }
    if deployment in PERSISTENT:
        lustre.setdefault("AutomaticBackupRetentionDays", 0)
    if "MetadataConfiguration" in lustre:
        lustre["MetadataConfiguration"] = metadata.shown(
            lustre["MetadataConfiguration"], request.get("StorageCapacity")
        )
    return _with_backup_time(lustre)


def _with_backup_time(lustre: dict[str, Any]) -> dict[str, Any]:
    """Automatic backups begin at some time; AWS chooses one in the region's night where none is given."""
    if lustre.get("AutomaticBackupRetentionDays"):
        lustre.setdefault("DailyAutomaticBackupStartTime", "05:00")
    return lustre


def _own_key(ctx: Context, request: dict[str, Any]) -> str | None:
    """The account's key ``aws/fsx``, with which what is persistent is encrypted where no other is given."""
    if request.get("LustreConfiguration", {}).get("DeploymentType") not in PERSISTENT:
        return None
    name = f"{ctx.account}/{ctx.region}/aws/fsx"
    return ctx.arn("kms", f"key/{uuid.uuid5(uuid.NAMESPACE_URL, name)}")


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """A file system as it will be once its pending update is done."""
    pending = dict(document.get("pending", {}))
    lustre = {**document["LustreConfiguration"], **pending.pop("LustreConfiguration", {})}
    capacity = pending.get("StorageCapacity", document["StorageCapacity"])
    if "MetadataConfiguration" in lustre:
        lustre["MetadataConfiguration"] = metadata.shown(lustre["MetadataConfiguration"], capacity)
    return {**document, **pending, "StorageCapacity": capacity, "LustreConfiguration": _with_backup_time(lustre)}


def interface_count(document: dict[str, Any]) -> int:
    """How many network interfaces it has: one for each metadata server and each storage server.

    A new one of the least size was seen to have two (Terraform's acceptance tests). That a storage server serves one
    step of the capacity, or of an Intelligent-Tiering throughput, and a metadata server 12,000 IOPS follows from
    "Managing metadata performance" and the performance page of the Lustre guide; AWS gives no table.
    """
    lustre = document["LustreConfiguration"]
    if document["StorageCapacity"] is None:
        storage: int = lustre["ThroughputCapacity"] // 4000
    else:
        step = capacity_step(lustre["DeploymentType"], document["StorageType"], lustre.get("PerUnitStorageThroughput"))
        storage = document["StorageCapacity"] // step
    servers: int = -(-lustre.get("MetadataConfiguration", {}).get("Iops", 0) // metadata.IOPS_OF_A_SERVER)
    return min(max(1, servers) + max(1, storage), _MOST_INTERFACES)
