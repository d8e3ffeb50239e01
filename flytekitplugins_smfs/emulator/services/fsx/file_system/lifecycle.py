"""A file system's turns: its creation, update and deletion come to their ends."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ....registry import Context
from ..association.lifecycle import drop_associations
from ..documents import FILE_SYSTEM, internal_failure
from ..service import service
from ..settings import settings
from .record import changed, interface_count


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
        return _finish_update(ctx, document)
    elif document["Lifecycle"] == "AVAILABLE":
        _finish_optimization(ctx, id)
    elif document["Lifecycle"] == "DELETING":
        _finish_deletion(ctx, document)
    return None


@contextmanager
def _still(ctx: Context, id: str, lifecycle: str) -> Iterator[dict[str, Any] | None]:
    """The document, to be changed; None if it has been led elsewhere meanwhile, by a deletion for one."""
    with ctx.store.transaction():
        current = ctx.store.get(FILE_SYSTEM, id)
        if current is None or current["Lifecycle"] != lifecycle:
            yield None
            return
        yield current
        ctx.store.put(FILE_SYSTEM, id, current)


def _finish_creation(ctx: Context, document: dict[str, Any]) -> None:
    id = document["FileSystemId"]
    if (fault := document["fault"]) is not None:
        details = {"Message": fault.get("message", "The file system could not be created.")}
        changes = {"Lifecycle": fault["lifecycle"], "FailureDetails": details}
    else:
        (ctx.paths.filesystems / id).mkdir(exist_ok=True)
        _create_interfaces(ctx, document, interface_count(document))
        changes = {"Lifecycle": "AVAILABLE"}
    with _still(ctx, id, "CREATING") as current:
        if current is not None:
            current.update(changes)


def _create_interfaces(ctx: Context, document: dict[str, Any], count: int) -> None:
    """Make the interfaces that are missing. Each is written down at once, so that a deletion finds it."""
    made = list(document["NetworkInterfaceIds"])
    while len(made) < count:
        description = f"Created By Amazon FSx for file system {document['FileSystemId']}"
        subnet, groups = document["SubnetIds"][0], document["groups"]
        made.append(ctx.ec2.create_managed_interface(subnet, groups, description, "amazon-fsx").id)
        ctx.store.update(FILE_SYSTEM, document["FileSystemId"], NetworkInterfaceIds=made)


def _finish_update(ctx: Context, document: dict[str, Any]) -> float | None:
    """Let the file system have what was asked for. Data is spread over new storage afterwards."""
    id = document["FileSystemId"]
    _create_interfaces(ctx, document, interface_count(changed(document)))
    with _still(ctx, id, "UPDATING") as current:
        if current is None:
            return None
        grows = "StorageCapacity" in current.get("pending", {})
        current.update(changed(current), pending={}, Lifecycle="AVAILABLE")
        actions = current["AdministrativeActions"]
        actions[0]["Status"] = "UPDATED_OPTIMIZING" if grows else "COMPLETED"
        if grows:
            spreading = {"AdministrativeActionType": "STORAGE_OPTIMIZATION", "Status": "IN_PROGRESS"}
            actions.insert(1, {**spreading, "ProgressPercent": 0, "RequestTime": ctx.now()})
    return settings(ctx).fsx_updating_seconds if grows else None


def _finish_optimization(ctx: Context, id: str) -> None:
    with _still(ctx, id, "AVAILABLE") as current:
        for action in current["AdministrativeActions"] if current is not None else ():
            if action["Status"] in ("IN_PROGRESS", "UPDATED_OPTIMIZING"):
                action["Status"] = "COMPLETED"
                if "ProgressPercent" in action:
                    action["ProgressPercent"] = 100


def _finish_deletion(ctx: Context, document: dict[str, Any]) -> None:
    id = document["FileSystemId"]
    drop_associations(ctx, id)
    for interface in document["NetworkInterfaceIds"]:
        ctx.ec2.delete_managed_interface(interface)
    directory = ctx.paths.filesystems / id
    if directory.exists():
        shutil.rmtree(directory)
    ctx.store.delete(FILE_SYSTEM, id)


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
