"""Data repository tasks: a one-time import or export over the associations of a file system."""

from collections.abc import Callable, Iterator
from typing import Any

from ...faults import AwsError, NotImplementedByEmulator
from ...paging import page
from ...registry import Context
from .associations import associations_of, link_of
from .repository import Link, export_paths, import_paths
from .rules import check_tags
from .service import TASK, earlier_answer, file_system, new_id, remember, service, shown

_UNFINISHED = ("PENDING", "EXECUTING", "CANCELING")
_WORK: dict[str, Callable[[Link, list[str]], int]] = {
    "EXPORT_TO_REPOSITORY": export_paths,
    "IMPORT_METADATA_FROM_REPOSITORY": import_paths,
    "RELEASE_DATA_FROM_FILESYSTEM": lambda link, paths: 0,
}


@service.operation("CreateDataRepositoryTask")
def create_task(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Accept an import or export; one at a time per file system."""
    if request["Type"] not in _WORK:
        raise NotImplementedByEmulator(f"data repository tasks of type {request['Type']}")
    with ctx.store.transaction():
        made = earlier_answer(ctx, "CreateDataRepositoryTask", request)
        if made is not None:
            return {"DataRepositoryTask": shown(_task(ctx, made))}
        _check(ctx, request)
        id = new_id("task")
        paths = request.get("Paths", [])
        document = {
            "TaskId": id,
            "Lifecycle": "PENDING",
            "Type": request["Type"],
            "CreationTime": ctx.now(),
            "ResourceARN": ctx.arn("fsx", f"task/{id}"),
            "Tags": request.get("Tags", []),
            "FileSystemId": request["FileSystemId"],
            "Paths": paths,
            "associations": [reached["AssociationId"] for reached, _ in _reached(ctx, request["FileSystemId"], paths)],
            "Report": request["Report"],
            "region": ctx.region,
        }
        ctx.store.put(TASK, id, document)
        remember(ctx, "CreateDataRepositoryTask", request, id)
        ctx.scheduler.after(ctx.settings.repository_task_seconds, TASK, id)
    return {"DataRepositoryTask": shown(document)}


@service.operation("DescribeDataRepositoryTasks")
def describe_tasks(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through tasks, by ids or filters."""
    if ids := request.get("TaskIds"):
        found = [_task(ctx, id) for id in ids]
    else:
        found = [document for document in ctx.store.all(TASK) if document["region"] == ctx.region]
    for filter in request.get("Filters", []):
        if "Name" not in filter:
            raise AwsError("BadRequest", "A filter needs a Name.")
        found = [document for document in found if _matches(document, filter)]
    items, token = page(found, request.get("MaxResults"), request.get("NextToken"))
    return {"DataRepositoryTasks": [shown(document) for document in items], "NextToken": token}


@service.operation("CancelDataRepositoryTask")
def cancel_task(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Cancel a task that has not ended."""
    with ctx.store.transaction():
        document = _task(ctx, request["TaskId"])
        if document["Lifecycle"] not in _UNFINISHED:
            text = "The data repository task could not be canceled because the task has already ended"
            raise AwsError("DataRepositoryTaskEnded", f"{text}: {document['TaskId']}")
        ctx.store.update(TASK, document["TaskId"], Lifecycle="CANCELING")
        ctx.scheduler.after(0, TASK, document["TaskId"])
    return {"Lifecycle": "CANCELING", "TaskId": document["TaskId"]}


@service.lifecycle(TASK)
def move_on(ctx: Context, id: str) -> float | None:
    """Take a task from PENDING through EXECUTING to its end."""
    document = ctx.store.get(TASK, id)
    if document is None or document["Lifecycle"] not in _UNFINISHED:
        return None
    if document["Lifecycle"] == "CANCELING":
        ctx.store.update(TASK, id, Lifecycle="CANCELED", EndTime=ctx.now())
        return None
    if document["Lifecycle"] == "PENDING":
        ctx.store.update(TASK, id, Lifecycle="EXECUTING", StartTime=ctx.now())
        return ctx.settings.repository_task_seconds
    count = _execute(ctx, document)
    status = {"TotalCount": count, "SucceededCount": count, "FailedCount": 0, "LastUpdatedTime": ctx.now()}
    ctx.store.update(TASK, id, Lifecycle="SUCCEEDED", EndTime=ctx.now(), Status=status)
    return None


def _execute(ctx: Context, document: dict[str, Any]) -> int:
    work = _WORK[document["Type"]]
    reached = _reached(ctx, document["FileSystemId"], document["Paths"])
    return sum(work(link_of(ctx, association), inside) for association, inside in reached)


def _reached(ctx: Context, file_system_id: str, paths: list[str]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The associations that paths of a task lie in, with the paths below their directories; without paths all."""
    paths = [path.strip("/") for path in paths]
    for association in associations_of(ctx, file_system_id):
        root = association["FileSystemPath"].strip("/")
        inside = [path.removeprefix(root).strip("/") for path in paths if _within(path, root)]
        if inside or not paths:
            yield association, inside


def _within(path: str, root: str) -> bool:
    return root == "" or path == root or path.startswith(f"{root}/")


def _matches(document: dict[str, Any], filter: dict[str, Any]) -> bool:
    values = {
        "file-system-id": [document["FileSystemId"]],
        "task-lifecycle": [document["Lifecycle"]],
        "data-repository-association-id": document.get("associations", []),
        "file-cache-id": [],
    }
    return any(value in filter.get("Values", []) for value in values[filter["Name"]])


def _task(ctx: Context, id: str) -> dict[str, Any]:
    found = ctx.store.get(TASK, id)
    if found is None or found["region"] != ctx.region:
        raise AwsError("DataRepositoryTaskNotFound", f"Data repository task '{id}' does not exist.")
    return found


def _check(ctx: Context, request: dict[str, Any]) -> None:
    id = request["FileSystemId"]
    file_system(ctx, id)
    check_tags(request.get("Tags", []))
    if not associations_of(ctx, id):
        text = f"File system {id} is not linked to a data repository."
        raise AwsError("BadRequest", text)
    report = request["Report"]
    if report["Enabled"] and not (report.get("Path") and report.get("Format") and report.get("Scope")):
        raise AwsError("BadRequest", "An enabled report needs Path, Format and Scope.")
    if any(t["FileSystemId"] == id and t["Lifecycle"] in _UNFINISHED for t in ctx.store.all(TASK)):
        text = f"An existing data repository task is currently executing on the file system: {id}"
        raise AwsError("DataRepositoryTaskExecuting", text)
