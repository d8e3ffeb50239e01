"""A data repository task's turns: from PENDING through EXECUTING to its end."""

from collections.abc import Callable
from typing import Any

from ....guard import Outside, names
from ....registry import Context
from ..association.record import link_of
from ..documents import TASK, internal_failure
from ..repository import Count, Link, export_paths, import_paths
from ..service import service
from ..settings import settings
from .record import UNFINISHED, reached

WORK: dict[str, Callable[[Link, list[str]], Count]] = {
    "EXPORT_TO_REPOSITORY": export_paths,
    "IMPORT_METADATA_FROM_REPOSITORY": import_paths,
    "RELEASE_DATA_FROM_FILESYSTEM": lambda link, paths: Count(0, []),
}


@service.lifecycle(TASK)
def move_on(ctx: Context, id: str) -> float | None:
    """Take a task from PENDING through EXECUTING to its end."""
    document = ctx.store.get(TASK, id)
    if document is None or document["Lifecycle"] not in UNFINISHED:
        return None
    if document["Lifecycle"] == "CANCELING":
        ctx.store.update(TASK, id, Lifecycle="CANCELED", EndTime=ctx.now())
        return None
    if document["Lifecycle"] == "PENDING":
        _settle(ctx, id, "PENDING", Lifecycle="EXECUTING", StartTime=ctx.now())
        return settings(ctx).repository_task_seconds
    try:
        count = _execute(ctx, document)
    except Outside as problem:  # "If a path that you provide isn't valid, the task fails." (API reference)
        details = {"Message": f"Invalid path: {problem}."}
        ctx.store.update(TASK, id, Lifecycle="FAILED", EndTime=ctx.now(), FailureDetails=details)
        return None
    status = {
        "TotalCount": count.done + len(count.failed),
        "SucceededCount": count.done,
        "FailedCount": len(count.failed),
        "LastUpdatedTime": ctx.now(),
    }
    if count.failed:  # "There may be files that it failed to process": FAILED, says the API reference of Lifecycle
        details = {"Message": f"{len(count.failed)} files could not be processed, such as {count.failed[0]!r}."}
        _settle(ctx, id, "EXECUTING", Lifecycle="FAILED", EndTime=ctx.now(), Status=status, FailureDetails=details)
    else:
        _settle(ctx, id, "EXECUTING", Lifecycle="SUCCEEDED", EndTime=ctx.now(), Status=status)
    return None


def _settle(ctx: Context, id: str, lifecycle: str, **changes: Any) -> None:
    """Change a task that is still in this lifecycle: it may have been cancelled meanwhile."""
    with ctx.store.transaction():
        current = ctx.store.get(TASK, id)
        if current is not None and current["Lifecycle"] == lifecycle:
            ctx.store.update(TASK, id, **changes)


@service.failure(TASK)
def fail(ctx: Context, id: str, error: Exception) -> None:
    """The task is FAILED."""
    ctx.store.update(TASK, id, Lifecycle="FAILED", EndTime=ctx.now(), FailureDetails=internal_failure(error))


def _execute(ctx: Context, document: dict[str, Any]) -> Count:
    for path in document["Paths"]:
        names(path)
    work = WORK[document["Type"]]
    found = reached(ctx, document["FileSystemId"], document["Paths"])
    counts = [work(link_of(ctx, association), inside) for association, inside in found]
    return Count(sum(count.done for count in counts), [name for count in counts for name in count.failed])
