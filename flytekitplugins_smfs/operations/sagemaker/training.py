"""Run a SageMaker training job."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

from flytekitplugins_smfs.aws import console
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, fingerprint, job_name, owner_tags, tag_list, tag_map
from flytekitplugins_smfs.operations.base import Operation, is_new, now, timing
from flytekitplugins_smfs.operations.sagemaker import logs as job_logs
from flytekitplugins_smfs.operations.sagemaker.metrics import curve, definitions
from flytekitplugins_smfs.operations.sagemaker.training_request import job_definition
from flytekitplugins_smfs.values.errors import AwsFault, Conflict, FingerprintMismatch, Missing, Transient
from flytekitplugins_smfs.values.operation import Handle, Link, LogPage, Owner, Phase, Progress
from flytekitplugins_smfs.values.sagemaker.training import (
    Algorithm,
    MetricDefinition,
    MetricPoint,
    TrainingResult,
    TrainingSpec,
)

NAME_LIMIT = 63
MOST_POINTS = 200
"""Points kept of each metric's curve."""
FINISHED = frozenset({"Completed", "Failed", "Stopped"})
BEFORE_TRAINING = frozenset({"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack", "Downloading"})
PASSING_REASONS = ("CapacityError", "InternalServerError", "SpotInterruption", "Spot interruption")
"""How the FailureReason begins where another attempt may go well."""
LIMITS = {
    "MaxRuntimeExceeded": ("ran", "MaxRuntimeInSeconds", "max_runtime_in_seconds"),
    "MaxWaitTimeExceeded": ("waited and ran", "MaxWaitTimeInSeconds", "max_wait_time_in_seconds"),
}
"""Secondary status -> what the job did too long, and the limit's name at SageMaker and here."""


class TrainingHandle(Handle):
    """A training job under way."""

    job_name: str
    algorithm: Algorithm


class Train(Operation[TrainingSpec, TrainingHandle, TrainingResult]):
    """SageMaker CreateTrainingJob, until it is Completed."""

    name = "training"
    spec_type = TrainingSpec
    handle_type = TrainingHandle
    result_type = TrainingResult

    def start(self, aws: Aws, spec: TrainingSpec, owner: Owner) -> TrainingHandle:
        name = job_name(spec.name, owner, NAME_LIMIT)
        mark = fingerprint(spec.model_dump(mode="json", exclude={"tags"}))
        if not _adopt(aws, name, mark):
            request = {
                "TrainingJobName": name,
                "HyperParameters": spec.hyperparameters.encoded(),
                "Tags": tag_list(owner_tags(owner, mark, aws.settings.tags, spec.tags)),
                **job_definition(aws, spec),
            }
            try:
                with contextlib.suppress(Transient):  # made or not, its name is known: looking will tell
                    aws.call("sagemaker", "CreateTrainingJob", request, doing=f"starting training job {name}")
            except Conflict:  # another start of it was quicker: the job is there
                _adopt(aws, name, mark)
        return TrainingHandle(region=aws.region, owner=owner, started_at=now(), job_name=name, algorithm=spec.algorithm)

    def look(self, aws: Aws, handle: TrainingHandle) -> Progress[TrainingResult]:
        links = job_links(aws, "jobs", handle.job_name)
        try:
            job = describe(aws, handle.job_name)
        except Missing:
            phase = Phase.QUEUED if is_new(handle) else Phase.RETRYABLE_FAILED  # the request for it never arrived
            return Progress(phase=phase, message=f"Training job {handle.job_name} does not exist", links=links)
        status, secondary = job["TrainingJobStatus"], job["SecondaryStatus"]
        if status == "Completed":
            return Progress(phase=Phase.SUCCEEDED, result=_result(aws, handle, job), links=links)
        if status in FINISHED:
            return _failed(aws, job, links)
        phase = Phase.INITIALIZING if secondary in BEFORE_TRAINING else Phase.RUNNING
        return Progress(phase=phase, message=f"{handle.job_name}: {_message(job)}", links=links)

    def cancel(self, aws: Aws, handle: TrainingHandle) -> bool:
        there = aws.at(handle.region)
        try:
            status = describe(there, handle.job_name)["TrainingJobStatus"]
            if status == "InProgress":
                request = {"TrainingJobName": handle.job_name}
                there.call("sagemaker", "StopTrainingJob", request, doing=f"stopping training job {handle.job_name}")
        except Missing:
            return not is_new(handle)
        except AwsFault:
            if describe(there, handle.job_name)["TrainingJobStatus"] not in FINISHED:
                raise  # it did not just finish by itself
            return True
        return status in FINISHED

    def logs(self, aws: Aws, handle: TrainingHandle, cursor: str | None = None) -> LogPage:
        return job_logs.after(aws.at(handle.region), handle.job_name, cursor)

    def what(self, handle: TrainingHandle) -> str:
        return f"training job {handle.job_name}"


def describe(aws: Aws, name: str) -> dict[str, Any]:
    """DescribeTrainingJob; raises Missing when there is none of this name."""
    request = {"TrainingJobName": name}
    return aws.call("sagemaker", "DescribeTrainingJob", request, doing=f"reading training job {name}")


def tags_of(aws: Aws, arn: str) -> dict[str, str]:
    """All tags of a SageMaker resource."""
    return tag_map(
        list(aws.pages("sagemaker", "ListTags", "Tags", {"ResourceArn": arn}, doing=f"reading tags of {arn}"))
    )


def job_links(aws: Aws, kind: str, name: str) -> tuple[Link, ...]:
    """Console pages of a job (`kind` is the console's: `jobs` or `hyper-tuning-jobs`); none but on real AWS."""
    group = job_logs.TRAINING_LOGS.replace("/", "$252F")
    log = f"#logsV2:log-groups/log-group/{group}$3FlogStreamNameFilter$3D{name}"
    return (
        *console.link(aws, "SageMaker console", f"sagemaker/home?region={aws.region}#/{kind}/{name}"),
        *console.link(aws, "CloudWatch log", f"cloudwatch/home?region={aws.region}{log}"),
    )


def _adopt(aws: Aws, name: str, mark: str) -> bool:
    """Whether the job is there already. Raises FingerprintMismatch when it was made from another spec."""
    try:
        job = describe(aws, name)
    except Missing:
        return False
    if tags_of(aws, job["TrainingJobArn"]).get(FINGERPRINT_TAG) != mark:
        raise FingerprintMismatch(f"Training job {name}", [])
    return True


def _message(job: dict[str, Any]) -> str:
    last = (job.get("SecondaryStatusTransitions") or [{}])[-1]
    text = last.get("StatusMessage")
    return f"{job['SecondaryStatus']}: {text}" if text else str(job["SecondaryStatus"])


def _failed(aws: Aws, job: dict[str, Any], links: tuple[Link, ...]) -> Progress[TrainingResult]:
    name, secondary = job["TrainingJobName"], job["SecondaryStatus"]
    reason = job.get("FailureReason") or _message(job)
    if secondary in LIMITS:
        did, member, field = LIMITS[secondary]
        reason = f"it {did} longer than {field} ({job['StoppingCondition'].get(member)}). {reason}"
    passing = job["TrainingJobStatus"] == "Failed" and reason.startswith(PASSING_REASONS)
    lines = job_logs.last_lines(aws, name)
    tail = "\nLast lines of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
    message = f"Training job {name} {job['TrainingJobStatus'].lower()}: {reason}{tail}"
    return Progress(phase=Phase.RETRYABLE_FAILED if passing else Phase.FAILED, message=message, links=links)


def _result(aws: Aws, handle: TrainingHandle, job: dict[str, Any]) -> TrainingResult:
    finals = {metric["MetricName"]: float(metric["Value"]) for metric in job.get("FinalMetricDataList", [])}
    return TrainingResult(
        job_name=handle.job_name,
        job_arn=job["TrainingJobArn"],
        region=aws.region,
        model_uri=job.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
        metrics=finals,
        curve=_curve(aws, handle, job, set(finals)),
        hyperparameters=dict(job.get("HyperParameters", {})),
        training_seconds=job.get("TrainingTimeInSeconds", 0),
        billable_seconds=job.get("BillableTimeInSeconds", 0),
        timing=timing(handle),
    )


def _curve(aws: Aws, handle: TrainingHandle, job: dict[str, Any], names: set[str]) -> tuple[MetricPoint, ...]:
    declared = job["AlgorithmSpecification"].get("MetricDefinitions") or []
    given = [MetricDefinition(name=entry["Name"], regex=entry["Regex"]) for entry in declared]
    wanted = [definition for definition in given or definitions(handle.algorithm) if definition.name in names]
    points = curve(job_logs.events(aws, handle.job_name), wanted) if wanted else ()
    by_name = itertools.groupby(
        sorted(points, key=lambda point: (point.name, point.step)), key=lambda point: point.name
    )
    return tuple(point for _, group in by_name for point in _thinned(list(group)))


def _thinned(points: list[MetricPoint]) -> list[MetricPoint]:
    """At most MOST_POINTS of them, evenly spread, the last one included."""
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(index * step)] for index in range(MOST_POINTS)]
