"""A tuning job's document, and how it is described."""

from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....store import Doc
from ..documents import identity
from ..training_job.record import specification
from .trial import Trial, best, definitions, training_request, trial_summary, trials

TUNING_JOB = "sagemaker.tuning-job"
"""The kind of the documents and of the scheduler's turns; the id is the tuning job's name."""


def load_tuning(ctx: Context, name: str) -> Doc:
    """The tuning job's document. Raises AWS's error for an unknown one."""
    doc = ctx.store.get(TUNING_JOB, identity(ctx, name))
    if doc is None:
        raise AwsError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {name}.")
    return doc


def tuning_summary(doc: Doc, some: list[Trial]) -> dict[str, Any]:
    """A member of ListHyperParameterTuningJobs' answer, which DescribeHyperParameterTuningJob has too."""
    config = doc["request"]["HyperParameterTuningJobConfig"]
    statuses = [trial.job["status"] for trial in some]
    return {
        "HyperParameterTuningJobName": doc["name"],
        "HyperParameterTuningJobArn": doc["arn"],
        "HyperParameterTuningJobStatus": doc["status"],
        "Strategy": config["Strategy"],
        "CreationTime": doc["created"],
        "HyperParameterTuningEndTime": doc["ended"],
        "LastModifiedTime": doc["modified"],
        "TrainingJobStatusCounters": {
            "Completed": statuses.count("Completed"),
            "InProgress": statuses.count("InProgress") + statuses.count("Stopping"),
            "RetryableError": 0,
            "NonRetryableError": statuses.count("Failed"),
            "Stopped": statuses.count("Stopped"),
        },
        "ObjectiveStatusCounters": {
            "Succeeded": sum(trial.ended and trial.succeeded for trial in some),
            "Pending": sum(not trial.ended for trial in some),
            "Failed": sum(trial.ended and not trial.succeeded for trial in some),
        },
        "ResourceLimits": config["ResourceLimits"],
    }


def tuning_description(ctx: Context, doc: Doc) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob's answer."""
    some = trials(ctx, doc)
    asked = doc["request"]
    answer = {
        **{name: asked.get(name) for name in ("HyperParameterTuningJobConfig", "WarmStartConfig")},
        **_shown_definitions(asked),
        **tuning_summary(doc, some),
        "FailureReason": doc["failure"],
        "TuningJobCompletionDetails": {"NumberOfTrainingJobsObjectiveNotImproving": _not_improving(doc, some)},
        "ConsumedResources": {"RuntimeInSeconds": int((doc["ended"] or ctx.now()) - doc["created"])},
    }
    answer["HyperParameterTuningJobConfig"] = {"TrainingJobEarlyStoppingType": "Off", **_config(asked)}
    for member, leader in (("BestTrainingJob", best(some)), ("OverallBestTrainingJob", _overall_best(ctx, doc, some))):
        if leader is not None:
            answer[member] = trial_summary(doc, leader)
    return {name: value for name, value in answer.items() if value is not None}


def _config(request: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = request["HyperParameterTuningJobConfig"]
    return config


def _overall_best(ctx: Context, doc: Doc, some: list[Trial]) -> Trial | None:
    """The best of this tuning job and its parents; AWS says so only of a warm start with identical data."""
    warm = doc["request"].get("WarmStartConfig", {})
    if warm.get("WarmStartType") != "IdenticalDataAndAlgorithm":
        return None
    names = [parent["HyperParameterTuningJobName"] for parent in warm["ParentHyperParameterTuningJobs"]]
    parents = [ctx.store.get(TUNING_JOB, identity(ctx, name)) for name in names]
    return best([*some, *(trial for parent in parents if parent is not None for trial in trials(ctx, parent))])


def _shown_definitions(request: dict[str, Any]) -> dict[str, Any]:
    """The training job definitions as AWS shows them: with metrics, objective and the resources that trials get."""
    shown = []
    for definition in definitions(request):
        complete = training_request(definition, "", {})
        parts = {
            "AlgorithmSpecification": specification(complete),
            "StaticHyperParameters": complete["HyperParameters"],
            "ResourceConfig": complete["ResourceConfig"],
        }
        shown.append({**definition.training, **parts})
    return (
        {"TrainingJobDefinitions": shown}
        if "TrainingJobDefinitions" in request
        else {"TrainingJobDefinition": shown[0]}
    )


def _not_improving(doc: Doc, some: list[Trial]) -> int:
    leader = best(some)
    if leader is None:
        return 0
    position = some.index(leader)
    return sum(trial.ended for trial in some[position + 1 :])
