"""Run a SageMaker hyperparameter tuning job."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from pydantic import model_validator

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import owner_tags, tag_list
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import is_new, now, seen, timing, unknown
from flytekitplugins_smfs.operations.sagemaker import records
from flytekitplugins_smfs.operations.sagemaker.job import Job
from flytekitplugins_smfs.operations.sagemaker.training_request import job_definition
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.errors import Missing
from flytekitplugins_smfs.values.identity import mark
from flytekitplugins_smfs.values.operation import Handle, Link, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Json, Record
from flytekitplugins_smfs.values.sagemaker.tuning import (
    Categorical,
    Continuous,
    Integer,
    Objective,
    Range,
    Trial,
    TuningResult,
    TuningSpec,
)

DONE = ("Completed", "NonRetryableError", "Stopped")
UNDER_WAY = ("InProgress", "RetryableError")
"""Counters of trials that have ended, and of those that have not."""


class TuningHandle(Handle):
    """A tuning job under way."""

    tuning_job_name: str
    objective_type: str
    objective_metric: str
    max_jobs: int

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, data: Any) -> Any:
        """0.1.0 wrote the objective as a value of its own."""
        if isinstance(data, dict) and isinstance(data.get("objective"), dict):
            objective = data["objective"]
            return {"objective_type": objective["type"], "objective_metric": objective["metric_name"], **data}
        return data


class Tune(Job[TuningSpec, TuningHandle, TuningResult]):
    """SageMaker CreateHyperParameterTuningJob, until it is Completed."""

    name = "tuning"
    spec_type = TuningSpec
    handle_type = TuningHandle
    result_type = TuningResult
    kind = records.TUNING
    name_limit = 32
    arn = "HyperParameterTuningJobArn"
    status = "HyperParameterTuningJobStatus"

    def handle(self, aws: Aws, spec: TuningSpec, owner: Owner, name: str) -> TuningHandle:
        return TuningHandle(
            region=aws.region,
            owner=owner,
            started_at=now(),
            tuning_job_name=name,
            objective_type=spec.objective.type,
            objective_metric=spec.objective.metric_name,
            max_jobs=spec.max_jobs,
        )

    def task_of(self, spec: TuningSpec) -> str:
        return spec.name

    def job_of(self, handle: TuningHandle) -> str:
        return handle.tuning_job_name

    def create(self, aws: Aws, spec: TuningSpec, owner: Owner, name: str, order: Order) -> None:
        request = {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": _config(spec),
            "TrainingJobDefinition": _definition(aws, spec),
            "Tags": tag_list(owner_tags(owner, mark(spec), aws.settings.tags, spec.training.tags, spec.tags)),
        }
        aws.call("sagemaker", "CreateHyperParameterTuningJob", request, doing=f"starting tuning job {name}")

    def stop(self, aws: Aws, name: str) -> None:
        request = {"HyperParameterTuningJobName": name}
        aws.call("sagemaker", "StopHyperParameterTuningJob", request, doing=f"stopping tuning job {name}")

    def state(self, aws: Aws, handle: TuningHandle) -> State:
        name, links = handle.tuning_job_name, self.links(aws, handle)
        found = seen(aws, self.kind, name, handle)
        if found.gone:  # the request for it never arrived
            phase = Phase.QUEUED if is_new(handle) else Phase.RETRYABLE_FAILED
            return State(phase, f"Tuning job {name} does not exist", links)
        if found.record is None:
            return unknown(aws, handle, links, f"tuning job {name}")
        job, age = found.record, view(aws).age(found)
        status = job["HyperParameterTuningJobStatus"]
        if not found.whole or status not in records.FINISHED:
            return _under_way(job, handle, links, age)
        if status == "Completed" and job.get("BestTrainingJob"):
            return State(Phase.SUCCEEDED, links=links, record=job, age=age)
        reason = job.get("FailureReason") or "no trial ended with a value of the objective metric"
        return State(Phase.FAILED, f"Tuning job {name} {status.lower()}: {reason}", links, record=job, age=age)

    def result(self, aws: Aws, handle: TuningHandle, state: State) -> TuningResult:
        job = state.record
        best = job["BestTrainingJob"]
        winner = records.training_job(aws, best["TrainingJobName"])  # only this tells the model and all hyperparameters
        return TuningResult(
            tuning_job_name=handle.tuning_job_name,
            tuning_job_arn=job["HyperParameterTuningJobArn"],
            region=aws.region,
            objective=Objective.model_validate({"type": handle.objective_type, "metric_name": handle.objective_metric}),
            best=_trial(best),
            best_model_uri=winner.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
            best_hyperparameters=_own(winner.get("HyperParameters", {})),
            trials=tuple(_trial(summary) for summary in _trials(aws, handle.tuning_job_name)),
            timing=timing(handle, job.get("CreationTime"), job.get("HyperParameterTuningEndTime")),
        )

    def farewell(self, aws: Aws, handle: TuningHandle, state: State) -> str:
        failed = (one for one in _trials(aws, handle.tuning_job_name, "Failed") if one.get("FailureReason"))
        first = itertools.islice(failed, 3)
        return "".join(f"\n  {one['TrainingJobName']}: {one['FailureReason']}" for one in first)

    def cancel(self, aws: Aws, handle: TuningHandle) -> bool:
        """It has ended when its trials have: the counters of its own description tell."""
        if not super().cancel(aws, handle):
            return False
        try:
            job = records.tuning_job(aws.at(handle.region), handle.tuning_job_name)
        except Missing:
            return True
        counters = job.get("TrainingJobStatusCounters", {})
        return not any(counters.get(one, 0) for one in UNDER_WAY)

    def links(self, aws: Aws, handle: TuningHandle) -> tuple[Link, ...]:
        return records.links(aws, "hyper-tuning-jobs", handle.tuning_job_name)


def ranges_request(ranges: dict[str, Range]) -> Json:
    """ParameterRanges: by kind, every number a string."""
    request: dict[str, list[Json]] = {}
    for name, entry in ranges.items():
        if isinstance(entry, Categorical):
            request.setdefault("CategoricalParameterRanges", []).append({"Name": name, "Values": list(entry.values)})
            continue
        key = "IntegerParameterRanges" if isinstance(entry, Integer) else "ContinuousParameterRanges"
        request.setdefault(key, []).append(_numbers(name, entry))
    return request


def _numbers(name: str, entry: Integer | Continuous) -> dict[str, str]:
    return {
        "Name": name,
        "MinValue": str(entry.minimum),
        "MaxValue": str(entry.maximum),
        "ScalingType": entry.scaling,
    }


def _config(spec: TuningSpec) -> Json:
    config: Json = {
        "Strategy": spec.strategy,
        "HyperParameterTuningJobObjective": {"Type": spec.objective.type, "MetricName": spec.objective.metric_name},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": spec.max_jobs, "MaxParallelTrainingJobs": spec.max_parallel},
        "ParameterRanges": ranges_request(spec.ranges.root),
        "TrainingJobEarlyStoppingType": spec.early_stopping,
    }
    if spec.random_seed is not None:
        config["RandomSeed"] = spec.random_seed
    return config


def _definition(aws: Aws, spec: TuningSpec) -> Json:
    definition = job_definition(aws, spec.training)
    resources = definition["ResourceConfig"]
    resources.pop("KeepAlivePeriodInSeconds", None)  # a tuning job keeps no warm pool
    fixed = spec.training.hyperparameters.encoded()
    return {
        **definition,
        # what is searched may not be fixed at the same time: the range wins
        "StaticHyperParameters": {name: value for name, value in fixed.items() if name not in spec.ranges.root},
    }


def _trials(aws: Aws, name: str, status: str | None = None) -> Iterator[Json]:
    request = {
        "HyperParameterTuningJobName": name,
        "SortBy": "CreationTime",
        "SortOrder": "Ascending",
        "MaxResults": records.MOST,
        **({"StatusEquals": status} if status else {}),
    }
    operation, key = "ListTrainingJobsForHyperParameterTuningJob", "TrainingJobSummaries"
    yield from aws.pages("sagemaker", operation, key, request, doing=f"listing the trials of {name}")


def _under_way(job: Record, handle: TuningHandle, links: tuple[Link, ...], age: float) -> State:
    counters = job.get("TrainingJobStatusCounters", {})
    done = sum(counters.get(key, 0) for key in DONE)
    best = (job.get("BestTrainingJob") or {}).get("FinalHyperParameterTuningJobObjectiveMetric")
    found = f", best {handle.objective_metric} so far {best['Value']:.4g}" if best else ""
    running = counters.get("InProgress", 0)
    message = f"{handle.tuning_job_name}: {done} of {handle.max_jobs} trials done, {running} running{found}"
    phase = Phase.RUNNING if done or running else Phase.INITIALIZING
    return State(phase, message, links, fraction=min(1.0, done / handle.max_jobs), age=age)


def _own(hyperparameters: dict[str, str]) -> dict[str, str]:
    """Without those that SageMaker adds for its own use."""
    return {name: value for name, value in hyperparameters.items() if not name.startswith("_tuning")}


def _trial(summary: Json) -> Trial:
    metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    begun, ended = summary.get("TrainingStartTime") or summary.get("CreationTime"), summary.get("TrainingEndTime")
    return Trial(
        job_name=summary["TrainingJobName"],
        status=summary["TrainingJobStatus"],
        parameters=dict(summary.get("TunedHyperParameters", {})),
        objective=float(metric["Value"]) if metric else None,
        timing=Timing(started_at=begun, ended_at=ended) if begun and ended else None,
    )
