"""The record of a training job: its document in the store, its statuses and how they are described."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....store import Doc
from ..documents import identity, later
from ..metric_definitions import metric_definitions
from ..settings import settings

TRAINING_JOB = "sagemaker.training-job"
"""The kind of the documents and of the scheduler's turns; the id is the job's name."""

ENDED = ("Completed", "Failed", "Stopped")
_FAILURE_LENGTH = 1024
_MOST_METRICS = 40


def load(ctx: Context, name: str) -> Doc:
    """The job's document. Raises AWS's error for an unknown one."""
    doc = ctx.store.get(TRAINING_JOB, identity(ctx, name))
    if doc is None:
        raise AwsError("ValidationException", "Requested resource not found.")
    return doc


@contextmanager
def edit(ctx: Context, name: str) -> Iterator[Doc]:
    """Change a job's document in one transaction, whatever others do to it meanwhile."""
    with ctx.store.transaction():
        doc = load(ctx, name)
        yield doc
        ctx.store.put(TRAINING_JOB, identity(ctx, name), doc)


def enter(ctx: Context, doc: Doc, secondary: str, message: str, phase: str | None = None) -> None:
    """Begin a secondary status, and a phase of the lifecycle with it."""
    now = ctx.now()
    transitions = doc["transitions"]
    if transitions and transitions[-1]["EndTime"] is None:
        transitions[-1]["EndTime"] = now
    if transitions:
        doc["modified"] = later(ctx, doc)
    transitions.append({"Status": secondary, "StartTime": now, "EndTime": None, "StatusMessage": message})
    doc["secondary"] = secondary
    if phase is not None:
        doc["phase"] = phase
        doc["phase_since"] = now


def end(ctx: Context, doc: Doc, status: str, secondary: str, message: str, failure: str | None = None) -> None:
    """Bring a job to its last status."""
    enter(ctx, doc, secondary, message, phase="ended")
    doc["transitions"][-1]["EndTime"] = doc["ended"] = ctx.now()
    doc["status"] = status
    doc["failure"] = failure[:_FAILURE_LENGTH] if failure else None


def elapsed_seconds(doc: Doc) -> int | None:
    """Seconds of training time so far, rounded up as billing does; None before it began."""
    if doc["started"] is None or doc["ended"] is None:
        return None
    return max(1, math.ceil(float(doc["ended"]) - float(doc["started"])))


def summary(doc: Doc) -> dict[str, Any]:
    """A member of ListTrainingJobs' answer."""
    return {
        "TrainingJobName": doc["name"],
        "TrainingJobArn": doc["arn"],
        "CreationTime": doc["created"],
        "TrainingEndTime": doc["ended"],
        "LastModifiedTime": doc["modified"],
        "TrainingJobStatus": doc["status"],
        "SecondaryStatus": doc["secondary"],
    }


def description(ctx: Context, doc: Doc) -> dict[str, Any]:
    """DescribeTrainingJob's answer."""
    request = doc["request"]
    seconds = elapsed_seconds(doc)
    billable = seconds
    if seconds is not None and request.get("EnableManagedSpotTraining"):
        billable = max(1, math.ceil(seconds * settings(ctx).training_spot_price))
    answer: dict[str, Any] = {
        **{name: value for name, value in request.items() if name != "Tags"},
        "AlgorithmSpecification": specification(request),
        **summary(doc),
        "TuningJobArn": doc["tuning"],
        "ModelArtifacts": {"S3ModelArtifacts": doc["artifacts"]} if doc["artifacts"] else None,
        "FailureReason": doc["failure"],
        "TrainingStartTime": doc["started"],
        "SecondaryStatusTransitions": doc["transitions"],
        "FinalMetricDataList": final_metrics(doc) or None,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": billable,
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
        "EnableManagedSpotTraining": request.get("EnableManagedSpotTraining", False),
        "ProfilingStatus": "Enabled" if request.get("ProfilerConfig", {}).get("S3OutputPath") else "Disabled",
    }
    kept: dict[str, Any] = _without_none(answer)
    return kept


def specification(request: dict[str, Any]) -> dict[str, Any]:
    """The AlgorithmSpecification as AWS shows it: a built-in algorithm's metrics are part of it."""
    definitions = metric_definitions(request)
    shown: dict[str, Any] = request["AlgorithmSpecification"]
    return {**shown, "MetricDefinitions": definitions} if definitions else shown


def final_metrics(doc: Doc) -> list[dict[str, Any]]:
    """The last value of every metric the job printed, of at most 40."""
    return [
        {"MetricName": name, "Value": value, "Timestamp": when}
        for name, (value, when) in sorted(doc["metrics"].items())
    ][:_MOST_METRICS]


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_none(member) for member in value]
    return value


def with_defaults(request: dict[str, Any]) -> dict[str, Any]:
    """A request with the values that AWS fills in and shows in DescribeTrainingJob."""
    filled = {
        **request,
        "OutputDataConfig": {"KmsKeyId": "", **request["OutputDataConfig"]},
        "StoppingCondition": {"MaxRuntimeInSeconds": 24 * 3600, **request.get("StoppingCondition", {})},
    }
    if "InputDataConfig" in request:
        filled["InputDataConfig"] = [_channel_with_defaults(channel) for channel in request["InputDataConfig"]]
    if "CheckpointConfig" in request:
        filled["CheckpointConfig"] = {"LocalPath": "/opt/ml/checkpoints", **request["CheckpointConfig"]}
    return filled


def _channel_with_defaults(channel: dict[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"]
    if "S3DataSource" in source:
        source = {"S3DataSource": {"S3DataDistributionType": "FullyReplicated", **source["S3DataSource"]}}
    return {"CompressionType": "None", "RecordWrapperType": "None", **channel, "DataSource": source}
