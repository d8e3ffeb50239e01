"""Operations of Lustre file systems."""

import threading
from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..documents import FILE_SYSTEM, file_system, shown
from ..service import service, tokens
from ..settings import settings
from ..tags.rules import check_tags
from .record import new
from .rules import UPDATABLE, check_file_system, check_network, check_update

_creating = threading.Lock()


@service.operation("CreateFileSystem")
def create_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Check everything AWS checks at once, and begin to make a file system."""
    check_file_system(request)
    check_tags(request.get("Tags", []))
    vpc, groups = check_network(ctx, request)
    with _creating, ctx.store.transaction():
        made = tokens.earlier(ctx, "CreateFileSystem", request)
        if made is not None:
            return {"FileSystem": shown(file_system(ctx, made))}
        document = new(ctx, request, vpc, groups)
        ctx.store.put(FILE_SYSTEM, document["FileSystemId"], document)
        tokens.remember(ctx, "CreateFileSystem", request, document["FileSystemId"])
        ctx.scheduler.after(settings(ctx).fsx_creating_seconds, FILE_SYSTEM, document["FileSystemId"])
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
        check_update(ctx, document, request)
        lustre = request.get("LustreConfiguration", {})
        target = {name: lustre[name] for name in UPDATABLE if lustre.get(name) is not None}
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
        ctx.scheduler.after(settings(ctx).fsx_updating_seconds, FILE_SYSTEM, document["FileSystemId"])
    return {"FileSystem": shown(document)}


@service.operation("DeleteFileSystem")
def delete_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to delete a file system, its associations and its files."""
    id = request["FileSystemId"]
    with ctx.store.transaction():
        document = file_system(ctx, id)
        if document["Lifecycle"] != "DELETING":
            ctx.store.update(FILE_SYSTEM, id, Lifecycle="DELETING")
            ctx.scheduler.after(settings(ctx).fsx_deleting_seconds, FILE_SYSTEM, id)
    return {"FileSystemId": id, "Lifecycle": "DELETING"}
