"""An association's turns: it imports when it is made, follows both sides while it is there, and unlinks."""

from contextlib import suppress
from typing import Any

from ....guard import Outside, Tree
from ....registry import Context
from ....scheduler import Look
from ..documents import ASSOCIATION, INDEX, internal_failure
from ..repository import Link, baseline, import_all, synchronize
from ..service import service
from ..settings import settings
from .record import link_of, linked


@service.lifecycle(ASSOCIATION)
def move_on(ctx: Context, id: str) -> float | None:
    """Finish what is under way, and look for changed files while at rest."""
    document = ctx.store.get(ASSOCIATION, id)
    if document is None:
        return None
    lifecycle = document["Lifecycle"]
    if lifecycle == "DELETING":
        _finish_deletion(ctx, document)
        return None
    if lifecycle == "FAILED":
        return None
    link = link_of(ctx, document)
    if not link.has_bucket():
        _misconfigure(ctx, document, link)
    elif lifecycle == "CREATING":
        _finish_creation(ctx, document, link)
    elif lifecycle != "AVAILABLE":
        _settle(ctx, id, Lifecycle="AVAILABLE", FailureDetails=None)
    else:
        _synchronize(ctx, document, link)
    return Look(settings(ctx).association_scan_seconds)


def leave_associations(ctx: Context, file_system_id: str) -> None:
    """Let all links of a file system that is to be deleted go before it. Part of the caller's transaction."""
    for document in linked(ctx, file_system_id):
        id = document["AssociationId"]
        ctx.store.update(ASSOCIATION, id, Lifecycle="DELETING")
        ctx.scheduler.after(settings(ctx).association_deleting_seconds, ASSOCIATION, id)


def drop_associations(ctx: Context, file_system_id: str) -> None:
    """Forget all links of a file system that is being deleted."""
    for document in linked(ctx, file_system_id):
        _forget(ctx, document["AssociationId"])


def _finish_creation(ctx: Context, document: dict[str, Any], link: Link) -> None:
    id = document["AssociationId"]
    if (fault := document["fault"]) is not None:
        details = {"Message": fault.get("message", "The association could not be created.")}
        _settle(ctx, id, Lifecycle=fault["lifecycle"], FailureDetails=details)
        return
    with Tree(link.root) as tree:
        try:
            tree.make_directory(link.path)
        except (Outside, OSError):
            text = f"The file system path {document['FileSystemPath']} is not a directory."
            _settle(ctx, id, Lifecycle="FAILED", FailureDetails={"Message": text})
            return
    index = import_all(link) if document["BatchImportMetaDataOnCreate"] else baseline(link)
    ctx.store.put(INDEX, id, index)
    _settle(ctx, id, Lifecycle="AVAILABLE")


def _synchronize(ctx: Context, document: dict[str, Any], link: Link) -> None:
    policies = document["S3"] or {}
    import_events = set(policies.get("AutoImportPolicy", {}).get("Events", []))
    export_events = set(policies.get("AutoExportPolicy", {}).get("Events", []))
    index = ctx.store.get(INDEX, document["AssociationId"]) or {}
    changed = synchronize(link, index, import_events, export_events)
    with ctx.store.transaction():
        if changed and ctx.store.get(ASSOCIATION, document["AssociationId"]) is not None:
            ctx.store.put(INDEX, document["AssociationId"], index)


def _settle(ctx: Context, id: str, **changes: Any) -> None:
    """Change an association unless its deletion has begun meanwhile."""
    with ctx.store.transaction():
        current = ctx.store.get(ASSOCIATION, id)
        if current is not None and current["Lifecycle"] != "DELETING":
            ctx.store.update(ASSOCIATION, id, **changes)


def _misconfigure(ctx: Context, document: dict[str, Any], link: Link) -> None:
    if document["Lifecycle"] == "MISCONFIGURED":
        return
    text = (
        f"Amazon FSx is unable to access the S3 bucket {link.bucket}. Make sure that the bucket exists and that "
        "its policy and encryption allow Amazon FSx to access it."
    )
    _settle(ctx, document["AssociationId"], Lifecycle="MISCONFIGURED", FailureDetails={"Message": text})


def _finish_deletion(ctx: Context, document: dict[str, Any]) -> None:
    link = link_of(ctx, document)
    if document.get("delete_data"):
        # A directory that is gone, or that a job has put a link in the place of, holds nothing to delete.
        with suppress(FileNotFoundError, NotADirectoryError, Outside), Tree(link.root) as tree:
            tree.empty(link.path)
    _forget(ctx, document["AssociationId"])


def _forget(ctx: Context, id: str) -> None:
    with ctx.store.transaction():
        ctx.store.delete(ASSOCIATION, id)
        ctx.store.delete(INDEX, id)
        ctx.scheduler.cancel(ASSOCIATION, id)


@service.failure(ASSOCIATION)
def fail(ctx: Context, id: str, error: Exception) -> None:
    """An association that could not be made or deleted is FAILED; one that cannot follow its bucket, MISCONFIGURED."""
    with ctx.store.transaction():
        document = ctx.store.get(ASSOCIATION, id)
        if document is not None:
            unmade = document["Lifecycle"] in ("CREATING", "DELETING")
            lifecycle = "FAILED" if unmade else "MISCONFIGURED"
            ctx.store.update(ASSOCIATION, id, Lifecycle=lifecycle, FailureDetails=internal_failure(error))
