"""Run a SageMaker training job."""

from __future__ import annotations

import itertools
from typing import Any

from pydantic import field_validator

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import owner_tags, tag_list
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import is_new, now, seen, timing, unknown
from flytekitplugins_smfs.operations.sagemaker import logs, records
from flytekitplugins_smfs.operations.sagemaker.job import Job
from flytekitplugins_smfs.operations.sagemaker.metrics import curve, definitions, searched
from flytekitplugins_smfs.operations.sagemaker.training_request import checkpoint_config, job_definition
from flytekitplugins_smfs.values.identity import mark
from flytekitplugins_smfs.values.operation import Handle, Link, LogPage, Order, Owner, Phase, State
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    MetricDefinition,
    MetricPoint,
    TrainingResult,
    TrainingSpec,
)

MOST_POINTS = 200
"""Points kept of each metric's curve."""
BEFORE_WORK = frozenset({"Starting", "Pending", "LaunchingMLInstances", "PreparingTrainingStack"})
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
    algorithm: str = ""
    """The built-in algorithm's name; empty for an image of one's own."""

    @field_validator("algorithm", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        """0.1.0 wrote the whole algorithm."""
        return value.get("name") or "" if isinstance(value, dict) else value


class Train(Job[TrainingSpec, TrainingHandle, TrainingResult]):
    """SageMaker CreateTrainingJob, until it is Completed."""

    name = "training"
    spec_type = TrainingSpec
    handle_type = TrainingHandle
    result_type = TrainingResult
    turn = ("sagemaker", "CreateTrainingJob")
    kind = records.TRAINING
    name_limit = 63
    arn = "TrainingJobArn"
    status = "TrainingJobStatus"

    def handle(self, aws: Aws, spec: TrainingSpec, owner: Owner, name: str) -> TrainingHandle:
        algorithm = spec.algorithm.name if isinstance(spec.algorithm, BuiltinAlgorithm) else ""
        return TrainingHandle(region=aws.region, owner=owner, started_at=now(), job_name=name, algorithm=algorithm)

    def task_of(self, spec: TrainingSpec) -> str:
        return spec.name

    def job_of(self, handle: TrainingHandle) -> str:
        return handle.job_name

    def create(self, aws: Aws, spec: TrainingSpec, owner: Owner, name: str, order: Order) -> None:
        request = {
            "TrainingJobName": name,
            "HyperParameters": spec.hyperparameters.encoded(),
            "Tags": tag_list(owner_tags(owner, mark(spec), aws.settings.tags, spec.tags)),
            **job_definition(aws, spec),
            **checkpoint_config(spec),
        }
        aws.call("sagemaker", "CreateTrainingJob", request, doing=f"starting training job {name}")

    def stop(self, aws: Aws, name: str) -> None:
        aws.call("sagemaker", "StopTrainingJob", {"TrainingJobName": name}, doing=f"stopping training job {name}")

    def state(self, aws: Aws, handle: TrainingHandle) -> State:
        name, links = handle.job_name, self.links(aws, handle)
        found = seen(aws, self.kind, name, handle)
        if found.gone:  # the request for it never arrived
            phase = Phase.QUEUED if is_new(handle) else Phase.RETRYABLE_FAILED
            return State(phase, f"Training job {name} does not exist", links)
        if found.record is None:
            return unknown(aws, handle, links, f"training job {name}")
        job, age = found.record, view(aws).age(found)
        status, secondary = job["TrainingJobStatus"], job.get("SecondaryStatus", "")
        if found.whole and status == "Completed":
            return State(Phase.SUCCEEDED, links=links, record=job, age=age)
        if found.whole and status in records.FINISHED:
            return _failed(job, links, age)
        phase = Phase.INITIALIZING if secondary in BEFORE_WORK else Phase.RUNNING
        return State(phase, f"{name}: {_message(job)}", links, age=age)

    def result(self, aws: Aws, handle: TrainingHandle, state: State) -> TrainingResult:
        job = state.record
        return TrainingResult(
            job_name=handle.job_name,
            job_arn=job["TrainingJobArn"],
            region=aws.region,
            model_uri=job.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
            metrics={metric["MetricName"]: float(metric["Value"]) for metric in job.get("FinalMetricDataList", [])},
            hyperparameters=dict(job.get("HyperParameters", {})),
            training_seconds=job.get("TrainingTimeInSeconds", 0),
            billable_seconds=job.get("BillableTimeInSeconds", 0),
            timing=timing(handle, job.get("CreationTime"), job.get("TrainingEndTime")),
        )

    def extras(self, aws: Aws, handle: TrainingHandle, state: State, result: TrainingResult) -> TrainingResult:
        points = _curve(aws, handle, state.record, set(result.metrics))
        return result.model_copy(update={"curve": points})

    def farewell(self, aws: Aws, handle: TrainingHandle, state: State) -> str:
        lines = logs.last_lines(aws, handle.job_name)
        return "\nLast lines of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""

    def logs(self, aws: Aws, handle: TrainingHandle, cursor: str | None = None) -> LogPage:
        return logs.after(aws.at(handle.region), handle.job_name, cursor)

    def links(self, aws: Aws, handle: TrainingHandle) -> tuple[Link, ...]:
        return records.links(aws, "jobs", handle.job_name)


def _message(job: Any) -> str:
    last = (job.get("SecondaryStatusTransitions") or [{}])[-1]
    secondary, text = job.get("SecondaryStatus") or job["TrainingJobStatus"], last.get("StatusMessage")
    return f"{secondary}: {text}" if text else str(secondary)


def _failed(job: Any, links: tuple[Link, ...], age: float) -> State:
    name, secondary = job["TrainingJobName"], job["SecondaryStatus"]
    reason = job.get("FailureReason") or _message(job)
    if secondary in LIMITS:
        did, member, field = LIMITS[secondary]
        reason = f"it {did} longer than {field} ({job['StoppingCondition'].get(member)}). {reason}"
    passing = job["TrainingJobStatus"] == "Failed" and reason.startswith(PASSING_REASONS)
    message = f"Training job {name} {job['TrainingJobStatus'].lower()}: {reason}"
    return State(Phase.RETRYABLE_FAILED if passing else Phase.FAILED, message, links, record=job, age=age)


def _curve(aws: Aws, handle: TrainingHandle, job: Any, names: set[str]) -> tuple[MetricPoint, ...]:
    """How each metric went. Patterns of our own are searched for here, others in a process of their own."""
    ours = [one for one in definitions(handle.algorithm) if one.name in names]
    declared = job["AlgorithmSpecification"].get("MetricDefinitions") or []
    theirs = [MetricDefinition(name=one["Name"], regex=one["Regex"]) for one in declared if one["Name"] in names]
    if not ours and not theirs:
        return ()
    lines = logs.events(aws, handle.job_name)
    points = curve(lines, ours) if ours else searched(list(lines), theirs)
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
