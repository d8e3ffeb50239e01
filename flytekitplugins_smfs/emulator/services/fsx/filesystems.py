"""Lustre file systems: a document with a lifecycle, network interfaces in EC2, and a directory."""

import random
import shutil
import string
import threading
from typing import Any

from ...faults import AwsError
from ...paging import page
from ...registry import Context
from .associations import drop_associations, linked
from .rules import check_capacity, check_file_system, check_network, check_tags, version_of
from .service import FILE_SYSTEM, earlier_answer, file_system, new_id, remember, service, shown

_creating = threading.Lock()

_UPDATABLE = (
    "WeeklyMaintenanceStartTime",
    "DailyAutomaticBackupStartTime",
    "AutomaticBackupRetentionDays",
    "DataCompressionType",
    "LogConfiguration",
    "RootSquashConfiguration",
    "PerUnitStorageThroughput",
    "MetadataConfiguration",
    "ThroughputCapacity",
)


@service.operation("CreateFileSystem")
def create_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Check everything AWS checks at once, and begin to make a file system."""
    check_file_system(request)
    check_tags(request.get("Tags", []))
    vpc, groups = check_network(ctx, request)
    with _creating, ctx.store.transaction():
        made = earlier_answer(ctx, "CreateFileSystem", request)
        if made is not None:
            return {"FileSystem": shown(file_system(ctx, made))}
        document = _new(ctx, request, vpc, groups)
        ctx.store.put(FILE_SYSTEM, document["FileSystemId"], document)
        remember(ctx, "CreateFileSystem", request, document["FileSystemId"])
        ctx.scheduler.after(ctx.settings.fsx_creating_seconds, FILE_SYSTEM, document["FileSystemId"])
    return {"FileSystem": shown(document)}


@service.operation("DescribeFileSystems")
def describe_file_systems(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through file systems, or answer for ids."""
    if ids := request.get("FileSystemIds"):
        found = [file_system(ctx, id) for id in ids]
    else:
        found = [document for document in ctx.store.all(FILE_SYSTEM) if document["region"] == ctx.region]
    items, token = page(found, request.get("MaxResults"), request.get("NextToken"))
    return {"FileSystems": [shown(document) for document in items], "NextToken": token}


@service.operation("UpdateFileSystem")
def update_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to grow or change a file system."""
    with ctx.store.transaction():
        document = file_system(ctx, request["FileSystemId"])
        if document["Lifecycle"] != "AVAILABLE":
            text = f"File system {request['FileSystemId']} cannot be updated while it is {document['Lifecycle']}."
            raise AwsError("BadRequest", text)
        _check_update(ctx, document, request)
        lustre = request.get("LustreConfiguration", {})
        target = {name: lustre[name] for name in _UPDATABLE if lustre.get(name) is not None}
        document["Lifecycle"] = "UPDATING"
        document["pending"] = {"LustreConfiguration": target, "StorageCapacity": request.get("StorageCapacity")}
        wanted = {"LustreConfiguration": target or None, "StorageCapacity": request.get("StorageCapacity")}
        action = {
            "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
            "RequestTime": ctx.now(),
            "Status": "PENDING",
            "TargetFileSystemValues": {name: value for name, value in wanted.items() if value is not None},
        }
        document["AdministrativeActions"] = [action, *document["AdministrativeActions"]]
        ctx.store.put(FILE_SYSTEM, document["FileSystemId"], document)
        ctx.scheduler.after(ctx.settings.fsx_updating_seconds, FILE_SYSTEM, document["FileSystemId"])
    return {"FileSystem": shown(document)}


@service.operation("DeleteFileSystem")
def delete_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to delete a file system, its associations and its files."""
    id = request["FileSystemId"]
    with ctx.store.transaction():
        document = file_system(ctx, id)
        if document["Lifecycle"] != "DELETING":
            ctx.store.update(FILE_SYSTEM, id, Lifecycle="DELETING")
            ctx.scheduler.after(ctx.settings.fsx_deleting_seconds, FILE_SYSTEM, id)
    return {"FileSystemId": id, "Lifecycle": "DELETING"}


@service.lifecycle(FILE_SYSTEM)
def move_on(ctx: Context, id: str) -> float | None:
    """Finish creation, update or deletion."""
    document = ctx.store.get(FILE_SYSTEM, id)
    if document is None:
        return None
    ctx = ctx.at(document["region"])
    if document["Lifecycle"] == "CREATING":
        _finish_creation(ctx, document)
    elif document["Lifecycle"] == "UPDATING":
        _finish_update(ctx, document)
    elif document["Lifecycle"] == "DELETING":
        _finish_deletion(ctx, document)
    return None


def _new(ctx: Context, request: dict[str, Any], vpc: str, groups: list[str]) -> dict[str, Any]:
    id = new_id("fs")
    lustre = request.get("LustreConfiguration", {})
    scratch_1 = lustre.get("DeploymentType", "SCRATCH_1") == "SCRATCH_1"
    mount_name = "fsx" if scratch_1 else "".join(random.choices(string.ascii_lowercase + string.digits, k=8))
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
        "KmsKeyId": request.get("KmsKeyId"),
        "ResourceARN": ctx.arn("fsx", f"file-system/{id}"),
        "Tags": request.get("Tags", []),
        "FileSystemTypeVersion": version_of(request),
        "AdministrativeActions": [],
        "NetworkType": request.get("NetworkType", "IPV4"),
        "LustreConfiguration": {
            "DeploymentType": "SCRATCH_1",
            "WeeklyMaintenanceStartTime": "7:05:30",
            "CopyTagsToBackups": False,
            "DataCompressionType": "NONE",
            "LogConfiguration": {"Level": "DISABLED"},
            **lustre,
            "MountName": mount_name,
        },
        "region": ctx.region,
        "groups": groups,
        "fault": ctx.injections.resource_fault("file-system"),
    }


def _finish_creation(ctx: Context, document: dict[str, Any]) -> None:
    id = document["FileSystemId"]
    if (fault := document["fault"]) is not None:
        details = {"Message": fault.get("message", "The file system could not be created.")}
        ctx.store.update(FILE_SYSTEM, id, Lifecycle=fault["lifecycle"], FailureDetails=details)
        return
    (ctx.paths.filesystems / id).mkdir(exist_ok=True)
    interfaces = _create_interfaces(ctx, document)
    with ctx.store.transaction():
        current = ctx.store.get(FILE_SYSTEM, id)
        if current is not None:
            lifecycle = "AVAILABLE" if current["Lifecycle"] == "CREATING" else current["Lifecycle"]
            ctx.store.update(FILE_SYSTEM, id, Lifecycle=lifecycle, NetworkInterfaceIds=interfaces)


def _create_interfaces(ctx: Context, document: dict[str, Any]) -> list[str]:
    """One interface for the metadata server and one per 2.4 TiB of storage servers."""
    count = 1 + max(1, min(9, (document["StorageCapacity"] or 0) // 2400))
    made = list(document["NetworkInterfaceIds"])
    while len(made) < count:
        description = f"Created By Amazon FSx for file system {document['FileSystemId']}"
        made.append(ctx.ec2.create_interface(document["SubnetIds"][0], document["groups"], description).id)
        ctx.store.update(FILE_SYSTEM, document["FileSystemId"], NetworkInterfaceIds=made)
    return made


def _check_update(ctx: Context, document: dict[str, Any], request: dict[str, Any]) -> None:
    changes = request.get("LustreConfiguration", {})
    lustre = {**document["LustreConfiguration"], **changes}
    deployment = lustre["DeploymentType"]
    capacity = request.get("StorageCapacity")
    if capacity is None and not any(name in changes for name in _UPDATABLE):
        raise AwsError("BadRequest", "At least one parameter to update must be given.")
    if changes.get("AutomaticBackupRetentionDays") and linked(ctx, document["FileSystemId"]):
        raise AwsError("BadRequest", "A file system that is linked to a data repository cannot have automatic backups.")
    if capacity is not None:
        if deployment == "SCRATCH_1":
            raise AwsError("BadRequest", "Storage capacity cannot be increased for deployment type SCRATCH_1.")
        if capacity <= (document["StorageCapacity"] or 0):
            text = f"The storage capacity must be greater than the current one, {document['StorageCapacity']} GiB."
            raise AwsError("BadRequest", text)
        check_capacity(deployment, document["StorageType"], capacity, lustre.get("PerUnitStorageThroughput"))
    as_new = {**document, "FileSystemType": "LUSTRE", "LustreConfiguration": lustre}
    check_file_system({name: value for name, value in as_new.items() if value is not None})


def _finish_update(ctx: Context, document: dict[str, Any]) -> None:
    pending = document.pop("pending", {})
    document["LustreConfiguration"].update(pending.get("LustreConfiguration", {}))
    if pending.get("StorageCapacity"):
        document["StorageCapacity"] = pending["StorageCapacity"]
    document["AdministrativeActions"][0]["Status"] = "COMPLETED"
    document["Lifecycle"] = "AVAILABLE"
    ctx.store.put(FILE_SYSTEM, document["FileSystemId"], document)


def _finish_deletion(ctx: Context, document: dict[str, Any]) -> None:
    id = document["FileSystemId"]
    drop_associations(ctx, id)
    for interface in document["NetworkInterfaceIds"]:
        ctx.ec2.delete_interface(interface)
    directory = ctx.paths.filesystems / id
    if directory.exists():
        shutil.rmtree(directory)
    ctx.store.delete(FILE_SYSTEM, id)
