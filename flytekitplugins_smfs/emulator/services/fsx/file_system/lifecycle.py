"""A file system's turns: its creation, update and deletion come to their ends."""

import shutil
from typing import Any

from ....registry import Context
from ..association.lifecycle import drop_associations
from ..documents import FILE_SYSTEM, internal_failure
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
        _finish_update(ctx, id)
    elif document["Lifecycle"] == "DELETING":
        _finish_deletion(ctx, document)
    return None


def _finish_creation(ctx: Context, document: dict[str, Any]) -> None:
    id = document["FileSystemId"]
    if (fault := document["fault"]) is not None:
        details = {"Message": fault.get("message", "The file system could not be created.")}
        _settle(ctx, id, "CREATING", Lifecycle=fault["lifecycle"], FailureDetails=details)
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


def _finish_update(ctx: Context, id: str) -> None:
    """Apply what an update asked for, to what is there now: a deletion may have begun meanwhile, or tags changed."""
    with ctx.store.transaction():
        document = ctx.store.get(FILE_SYSTEM, id)
        if document is None or document["Lifecycle"] != "UPDATING":
            return
        pending = document.pop("pending", {})
        document["LustreConfiguration"].update(pending.get("LustreConfiguration", {}))
        if pending.get("StorageCapacity"):
            document["StorageCapacity"] = pending["StorageCapacity"]
        document["AdministrativeActions"][0]["Status"] = "COMPLETED"
        document["Lifecycle"] = "AVAILABLE"
        ctx.store.put(FILE_SYSTEM, id, document)


def _finish_deletion(ctx: Context, document: dict[str, Any]) -> None:
    id = document["FileSystemId"]
    drop_associations(ctx, id)
    for interface in document["NetworkInterfaceIds"]:
        ctx.ec2.delete_interface(interface)
    directory = ctx.paths.filesystems / id
    if directory.exists():
        shutil.rmtree(directory)
    ctx.store.delete(FILE_SYSTEM, id)


def _settle(ctx: Context, id: str, lifecycle: str, **changes: Any) -> None:
    """Change a file system that is still in this lifecycle."""
    with ctx.store.transaction():
        current = ctx.store.get(FILE_SYSTEM, id)
        if current is not None and current["Lifecycle"] == lifecycle:
            ctx.store.update(FILE_SYSTEM, id, **changes)


@service.failure(FILE_SYSTEM)
def fail(ctx: Context, id: str, error: Exception) -> None:
    """A file system that could not be made or deleted is FAILED; of one that could not be updated the update is."""
    with ctx.store.transaction():
        document = ctx.store.get(FILE_SYSTEM, id)
        if document is None:
            return
        details = internal_failure(error)
        if document["Lifecycle"] == "UPDATING":
            document["AdministrativeActions"][0].update(Status="FAILED", FailureDetails=details)
            document.pop("pending", None)
            document["Lifecycle"] = "AVAILABLE"
        else:
            document.update(Lifecycle="FAILED", FailureDetails=details)
        ctx.store.put(FILE_SYSTEM, id, document)
