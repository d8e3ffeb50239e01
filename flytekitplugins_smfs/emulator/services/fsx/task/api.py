"""Operations of data repository tasks: a one-time import or export over the associations of a file system."""

from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....paging import page
from ....registry import Context
from ..documents import TASK, asked_for, new_id, shown
from ..service import service, tokens
from ..settings import settings
from .lifecycle import WORK
from .record import UNFINISHED, matches, reached, task
from .rules import check

_PAGE = 50
"""The most that an answer has, by the service model."""


@service.operation("CreateDataRepositoryTask")
def create_task(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Accept an import or export; one at a time per file system."""
    if request["Type"] not in WORK:
        raise NotImplementedByEmulator(f"data repository tasks of type {request['Type']}")
    with ctx.store.transaction():
        made = tokens.earlier(ctx, "CreateDataRepositoryTask", request)
        if made is not None:
            return {"DataRepositoryTask": shown(task(ctx, made))}
        check(ctx, request)
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
            "associations": [found["AssociationId"] for found, _ in reached(ctx, request["FileSystemId"], paths)],
            "Report": request["Report"],
            "region": ctx.region,
        }
        ctx.store.put(TASK, id, document)
        tokens.remember(ctx, "CreateDataRepositoryTask", request, id)
        ctx.scheduler.after(settings(ctx).repository_task_seconds, TASK, id)
    return {"DataRepositoryTask": shown(document)}


@service.operation("DescribeDataRepositoryTasks")
def describe_tasks(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through tasks, by ids or filters."""
    found = asked_for(ctx, TASK, request.get("TaskIds"), task)
    for filter in request.get("Filters", []):
        if "Name" not in filter:
            raise AwsError("BadRequest", "A filter needs a Name.")
        found = [document for document in found if matches(document, filter)]
    items, token = page(found, min(request.get("MaxResults", _PAGE), _PAGE), request.get("NextToken"))
    return {"DataRepositoryTasks": [shown(document) for document in items], "NextToken": token}


@service.operation("CancelDataRepositoryTask")
def cancel_task(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Cancel a task that has not ended."""
    with ctx.store.transaction():
        document = task(ctx, request["TaskId"])
        if document["Lifecycle"] not in UNFINISHED:
            text = "The data repository task could not be canceled because the task has already ended"
            raise AwsError("DataRepositoryTaskEnded", f"{text}: {document['TaskId']}")
        ctx.store.update(TASK, document["TaskId"], Lifecycle="CANCELING")
        ctx.scheduler.after(0, TASK, document["TaskId"])
    return {"Lifecycle": "CANCELING", "TaskId": document["TaskId"]}
