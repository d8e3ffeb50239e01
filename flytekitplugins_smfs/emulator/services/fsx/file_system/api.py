"""Operations of Lustre file systems."""

import threading
from typing import Any

from ....paging import page
from ....registry import Context
from ..association.lifecycle import leave_associations
from ..documents import FILE_SYSTEM, asked_for, file_system, shown
from ..service import service, tokens
from ..settings import settings
from ..tags.rules import check_tags
from . import changes, destination
from .record import new
from .rules import check_deletion, check_file_system, check_network, key_of

_MOST_ACTIONS = 50
_PAGE = 50
"""The most that an answer has, by the service model."""
_creating = threading.Lock()


@service.operation("CreateFileSystem")
def create_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Check everything AWS checks at once, and begin to make a file system."""
    check_file_system(request)
    check_tags(request.get("Tags", []))
    destination.check(ctx, request.get("LustreConfiguration", {}).get("LogConfiguration", {}))
    vpc, groups = check_network(ctx, request)
    key = key_of(ctx, request)
    with _creating, ctx.store.transaction():
        made = tokens.earlier(ctx, "CreateFileSystem", request)
        if made is not None:
            return {"FileSystem": shown(file_system(ctx, made))}
        document = new(ctx, request, vpc, groups, key)
        ctx.store.put(FILE_SYSTEM, document["FileSystemId"], document)
        tokens.remember(ctx, "CreateFileSystem", request, document["FileSystemId"])
        ctx.scheduler.after(settings(ctx).fsx_creating_seconds, FILE_SYSTEM, document["FileSystemId"])
    return {"FileSystem": shown(document)}


@service.operation("DescribeFileSystems")
def describe_file_systems(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through file systems, or answer for ids."""
    found = asked_for(ctx, FILE_SYSTEM, request.get("FileSystemIds"), file_system)
    items, token = page(found, min(request.get("MaxResults", _PAGE), _PAGE), request.get("NextToken"))
    return {"FileSystems": [shown(document) for document in items], "NextToken": token}


@service.operation("UpdateFileSystem")
def update_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to grow or change a file system."""
    with ctx.store.transaction():
        document = file_system(ctx, request["FileSystemId"])
        if tokens.earlier(ctx, "UpdateFileSystem", request) is not None:
            return {"FileSystem": shown(document)}
        wanted = changes.target(ctx, document, request)
        document.update(Lifecycle="UPDATING", pending=wanted)
        action = {
            "AdministrativeActionType": "FILE_SYSTEM_UPDATE",
            "RequestTime": ctx.now(),
            "Status": "PENDING",
            "TargetFileSystemValues": wanted,
        }
        document["AdministrativeActions"] = [action, *document["AdministrativeActions"]][:_MOST_ACTIONS]
        ctx.store.put(FILE_SYSTEM, document["FileSystemId"], document)
        tokens.remember(ctx, "UpdateFileSystem", request, document["FileSystemId"])
        ctx.scheduler.after(settings(ctx).fsx_updating_seconds, FILE_SYSTEM, document["FileSystemId"])
    return {"FileSystem": shown(document)}


@service.operation("DeleteFileSystem")
def delete_file_system(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to delete a file system and its files. Its associations are seen to go with it."""
    id = request["FileSystemId"]
    with ctx.store.transaction():
        document = file_system(ctx, id)
        if tokens.earlier(ctx, "DeleteFileSystem", request) is None and document["Lifecycle"] != "DELETING":
            check_deletion(ctx, document, request)
            ctx.store.update(FILE_SYSTEM, id, Lifecycle="DELETING")
            leave_associations(ctx, id)
            ctx.scheduler.after(settings(ctx).fsx_deleting_seconds, FILE_SYSTEM, id)
        tokens.remember(ctx, "DeleteFileSystem", request, id)
    return {"FileSystemId": id, "Lifecycle": "DELETING"}
