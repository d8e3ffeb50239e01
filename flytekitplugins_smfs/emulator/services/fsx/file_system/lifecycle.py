"""A file system's turns: its creation, update and deletion come to their ends."""

import shutil
from typing import Any

from ....registry import Context
from ..association.lifecycle import drop_associations
from ..documents import FILE_SYSTEM
from ..service import service


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
