"""Training jobs: create, describe, list, stop, delete."""

from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....store import Doc
from ..documents import begun, identity, of_region
from ..paging import narrow, page, select
from ..service import service
from ..tags import record as tags
from . import rules
from .record import ENDED, TRAINING_JOB, description, edit, enter, load, summary, with_defaults


@service.operation("CreateTrainingJob")
def create_training_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTrainingJob: the job begins with the scheduler's next turn."""
    rules.check(ctx, request)
    return {"TrainingJobArn": create(ctx, request)["arn"]}


def create(ctx: Context, request: dict[str, Any], tuning: str | None = None, **more: Any) -> Doc:
    """Record a job and give it its first turn. ``tuning`` is the ARN of the tuning job it belongs to."""
    name = request["TrainingJobName"]
    doc: Doc = {
        **begun(ctx, "training-job", name, with_defaults(request)),
        "tuning": tuning,
        "secondary": "Starting",
        "transitions": [],
        "started": None,
        "artifacts": None,
        "metrics": {},
        "offsets": {},
        "attempt": 1,
        "ran": 0.0,
        "stop_sent": False,
        "log_epoch": int(ctx.now()),
        **more,
    }
    enter(ctx, doc, "Starting", "Preparing the instances for training", phase="starting")
    with ctx.store.transaction():
        if ctx.store.get(TRAINING_JOB, identity(ctx, name)) is not None:
            raise AwsError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a training job with this name "
                f"already exists ({doc['arn']})",
            )
        ctx.store.put(TRAINING_JOB, identity(ctx, name), doc)
        tags.begin(ctx, doc["arn"], request.get("Tags", []))
        ctx.scheduler.after(0, TRAINING_JOB, identity(ctx, name))
    return doc


@service.operation("DescribeTrainingJob")
def describe_training_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeTrainingJob."""
    return description(ctx, load(ctx, request["TrainingJobName"]))


@service.operation("ListTrainingJobs")
def list_training_jobs(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobs: newest first unless asked otherwise, in pages, of which some may be short or even empty.

    AWS filters by status, as it documents, and by name (https://github.com/boto/boto3/issues/2838) what is on the page.
    """
    asked_for_none = {"WarmPoolStatusEquals", "TrainingPlanArnEquals"} & set(request)
    jobs, token = page(select([] if asked_for_none else of_region(ctx, TRAINING_JOB), request), request)
    return {"TrainingJobSummaries": [summary(job) for job in narrow(jobs, request)], "NextToken": token}


@service.operation("StopTrainingJob")
def stop_training_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """StopTrainingJob: refused for a job that has ended; a second stop of a running one changes nothing."""
    doc = load(ctx, request["TrainingJobName"])
    if doc["status"] in ENDED:
        raise AwsError(
            "ValidationException",
            f"The request was rejected because the training job is in status {doc['status']}.",
        )
    request_stop(ctx, doc["name"])
    return {}


def request_stop(ctx: Context, name: str) -> None:
    """Ask a job to stop; nothing happens to one that was asked already or has ended."""
    with edit(ctx, name) as doc:
        if doc["stop"] or doc["status"] in ENDED:
            return
        doc["stop"] = True
        doc["status"] = "Stopping"
        enter(ctx, doc, "Stopping", "Stopping the training job")
        ctx.scheduler.after(0, TRAINING_JOB, identity(ctx, name))


@service.operation("DeleteTrainingJob")
def delete_training_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTrainingJob: only for a job that has ended; else ResourceInUse, one of its two errors in the reference."""
    doc = load(ctx, request["TrainingJobName"])
    if doc["status"] not in ENDED:
        raise AwsError(
            "ResourceInUse",
            f"The request was rejected because the training job is in status {doc['status']}.",
        )
    with ctx.store.transaction():
        ctx.store.delete(TRAINING_JOB, doc["id"])
        tags.end(ctx, doc["arn"])
    return {}
