"""Tuning jobs: create, describe, list, stop, delete, and their training jobs."""

from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....store import Doc
from ..documents import begun, identity, later, of_region
from ..paging import narrow, page, select
from ..service import service
from ..tags import record as tags
from . import rules
from .record import TUNING_JOB, load_tuning, tuning_description, tuning_summary
from .trial import trial_summary, trials

_ENDED = ("Completed", "Failed", "Stopped")


@service.operation("CreateHyperParameterTuningJob")
def create_tuning_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """CreateHyperParameterTuningJob: the search begins with the scheduler's next turn."""
    rules.check(ctx, request)
    name = request["HyperParameterTuningJobName"]
    doc: Doc = {**begun(ctx, "hyper-parameter-tuning-job", name, request), "trials": []}
    arn = doc["arn"]
    with ctx.store.transaction():
        for other in of_region(ctx, TUNING_JOB):
            if other["name"].lower() == name.lower():  # the API reference: the name is not case sensitive
                raise AwsError(
                    "ResourceInUse",
                    "Hyper parameter tuning job names must be unique within an AWS account and region, and a tuning "
                    f"job with this name already exists ({other['arn']})",
                )
        ctx.store.put(TUNING_JOB, identity(ctx, name), doc)
        tags.begin(ctx, arn, request.get("Tags", []))
        ctx.scheduler.after(0, TUNING_JOB, identity(ctx, name))
    return {"HyperParameterTuningJobArn": arn}


@service.operation("DescribeHyperParameterTuningJob")
def describe_tuning_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob, with the best training job so far."""
    return tuning_description(ctx, load_tuning(ctx, request["HyperParameterTuningJobName"]))


@service.operation("ListHyperParameterTuningJobs")
def list_tuning_jobs(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListHyperParameterTuningJobs: filtered, by name unless asked otherwise, in pages."""
    found, token = page(narrow(select(of_region(ctx, TUNING_JOB), request, sort_by="Name"), request), request)
    return {
        "HyperParameterTuningJobSummaries": [tuning_summary(doc, trials(ctx, doc)) for doc in found],
        "NextToken": token,
    }


@service.operation("ListTrainingJobsForHyperParameterTuningJob")
def list_training_jobs_for_tuning_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobsForHyperParameterTuningJob: by name ascending unless asked otherwise."""
    doc = load_tuning(ctx, request["HyperParameterTuningJobName"])
    some = trials(ctx, doc)
    if request.get("StatusEquals"):
        some = [trial for trial in some if trial.job["status"] == request["StatusEquals"]]
    field = request.get("SortBy", "Name")
    if field == "FinalObjectiveMetricValue":
        some = sorted((t for t in some if t.objective is not None), key=lambda trial: trial.objective or 0.0)
    else:
        by = {"Name": "name", "CreationTime": "created", "Status": "status"}[field]
        some = sorted(some, key=lambda trial: trial.job[by])
    if request.get("SortOrder") == "Descending":
        some.reverse()
    summaries, token = page([trial_summary(doc, trial) for trial in some], request)
    return {"TrainingJobSummaries": summaries, "NextToken": token}


@service.operation("StopHyperParameterTuningJob")
def stop_tuning_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """StopHyperParameterTuningJob: stops the training jobs that run; refused when the tuning job has ended."""
    with ctx.store.transaction():
        doc = load_tuning(ctx, request["HyperParameterTuningJobName"])
        _refuse_status(doc, wanted_ended=False)
        if not doc["stop"]:
            ctx.store.update(TUNING_JOB, doc["id"], stop=True, status="Stopping", modified=later(ctx, doc))
            ctx.scheduler.after(0, TUNING_JOB, doc["id"])
    return {}


@service.operation("DeleteHyperParameterTuningJob")
def delete_tuning_job(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteHyperParameterTuningJob: only after its end; its training jobs stay."""
    doc = load_tuning(ctx, request["HyperParameterTuningJobName"])
    _refuse_status(doc, wanted_ended=True)
    with ctx.store.transaction():
        ctx.store.delete(TUNING_JOB, doc["id"])
        tags.end(ctx, doc["arn"])
    return {}


def _refuse_status(doc: Doc, wanted_ended: bool) -> None:
    if (doc["status"] in _ENDED) != wanted_ended:
        raise AwsError(
            "ValidationException",
            f"The request was rejected because the hyperparameter tuning job is in status {doc['status']}.",
        )
