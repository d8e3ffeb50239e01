"""Run a SageMaker hyperparameter tuning job."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, fingerprint, job_name, owner_tags, tag_list
from flytekitplugins_smfs.operations.base import Operation, is_new, now, timing
from flytekitplugins_smfs.operations.sagemaker.training import describe as describe_training
from flytekitplugins_smfs.operations.sagemaker.training import job_links, tags_of
from flytekitplugins_smfs.operations.sagemaker.training_request import job_definition
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.errors import AwsFault, Conflict, FingerprintMismatch, Missing, Transient
from flytekitplugins_smfs.values.operation import Handle, Link, Owner, Phase, Progress
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

NAME_LIMIT = 32
FINISHED = frozenset({"Completed", "Failed", "Stopped"})
TRIAL_RUNNING = frozenset({"InProgress", "Stopping"})


class TuningHandle(Handle):
    """A tuning job under way."""

    tuning_job_name: str
    objective: Objective
    max_jobs: int


class Tune(Operation[TuningSpec, TuningHandle, TuningResult]):
    """SageMaker CreateHyperParameterTuningJob, until it is Completed."""

    name = "tuning"
    spec_type = TuningSpec
    handle_type = TuningHandle
    result_type = TuningResult

    def start(self, aws: Aws, spec: TuningSpec, owner: Owner) -> TuningHandle:
        name = job_name(spec.name, owner, NAME_LIMIT)
        mark = fingerprint(spec.model_dump(mode="json", exclude={"tags": True, "training": {"tags"}}))
        if not _adopt(aws, name, mark):
            request = {
                "HyperParameterTuningJobName": name,
                "HyperParameterTuningJobConfig": _config(spec),
                "TrainingJobDefinition": _definition(aws, spec),
                "Tags": tag_list(owner_tags(owner, mark, aws.settings.tags, spec.training.tags, spec.tags)),
            }
            try:
                with contextlib.suppress(Transient):  # made or not, its name is known: looking will tell
                    aws.call("sagemaker", "CreateHyperParameterTuningJob", request, doing=f"starting tuning job {name}")
            except Conflict:  # another start of it was quicker: the job is there
                _adopt(aws, name, mark)
        return TuningHandle(
            region=aws.region,
            owner=owner,
            started_at=now(),
            tuning_job_name=name,
            objective=spec.objective,
            max_jobs=spec.max_jobs,
        )

    def look(self, aws: Aws, handle: TuningHandle) -> Progress[TuningResult]:
        links = job_links(aws, "hyper-tuning-jobs", handle.tuning_job_name)
        try:
            job = describe(aws, handle.tuning_job_name)
        except Missing:
            phase = Phase.QUEUED if is_new(handle) else Phase.RETRYABLE_FAILED  # the request for it never arrived
            return Progress(phase=phase, message=f"Tuning job {handle.tuning_job_name} does not exist", links=links)
        if job["HyperParameterTuningJobStatus"] not in FINISHED:
            return _under_way(job, handle, links)
        best = job.get("BestTrainingJob")
        if job["HyperParameterTuningJobStatus"] == "Completed" and best:
            return Progress(phase=Phase.SUCCEEDED, result=_result(aws, handle, job, best), links=links)
        reason = job.get("FailureReason") or "no trial ended with a value of the objective metric"
        status = job["HyperParameterTuningJobStatus"].lower()
        message = f"Tuning job {handle.tuning_job_name} {status}: {reason}{_failed_trials(aws, handle)}"
        return Progress(phase=Phase.FAILED, message=message, links=links)

    def cancel(self, aws: Aws, handle: TuningHandle) -> bool:
        there, name = aws.at(handle.region), handle.tuning_job_name
        request = {"HyperParameterTuningJobName": name}
        try:
            status = describe(there, name)["HyperParameterTuningJobStatus"]
            if status == "InProgress":
                there.call("sagemaker", "StopHyperParameterTuningJob", request, doing=f"stopping tuning job {name}")
        except Missing:
            return not is_new(handle)
        except AwsFault:
            status = describe(there, name)["HyperParameterTuningJobStatus"]
            if status not in FINISHED:
                raise  # it did not just finish by itself
        return status in FINISHED and all(
            trial["TrainingJobStatus"] not in TRIAL_RUNNING for trial in _jobs(there, name)
        )

    def what(self, handle: TuningHandle) -> str:
        return f"tuning job {handle.tuning_job_name}"


def describe(aws: Aws, name: str) -> dict[str, Any]:
    """DescribeHyperParameterTuningJob; raises Missing when there is none of this name."""
    request = {"HyperParameterTuningJobName": name}
    return aws.call("sagemaker", "DescribeHyperParameterTuningJob", request, doing=f"reading tuning job {name}")


def ranges_request(ranges: dict[str, Range]) -> dict[str, Any]:
    """ParameterRanges: by kind, every number a string."""
    request: dict[str, list[dict[str, Any]]] = {}
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


def _config(spec: TuningSpec) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Strategy": spec.strategy,
        "HyperParameterTuningJobObjective": {"Type": spec.objective.type, "MetricName": spec.objective.metric_name},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": spec.max_jobs, "MaxParallelTrainingJobs": spec.max_parallel},
        "ParameterRanges": ranges_request(spec.ranges.root),
        "TrainingJobEarlyStoppingType": spec.early_stopping,
    }
    if spec.random_seed is not None:
        config["RandomSeed"] = spec.random_seed
    return config


def _definition(aws: Aws, spec: TuningSpec) -> dict[str, Any]:
    definition = job_definition(aws, spec.training)
    resources = definition["ResourceConfig"]
    resources.pop("KeepAlivePeriodInSeconds", None)  # a tuning job keeps no warm pool
    fixed = spec.training.hyperparameters.encoded()
    return {
        **definition,
        # what is searched may not be fixed at the same time: the range wins
        "StaticHyperParameters": {name: value for name, value in fixed.items() if name not in spec.ranges.root},
    }


def _adopt(aws: Aws, name: str, mark: str) -> bool:
    """Whether the job is there already. Raises FingerprintMismatch when it was made from another spec."""
    try:
        job = describe(aws, name)
    except Missing:
        return False
    if tags_of(aws, job["HyperParameterTuningJobArn"]).get(FINGERPRINT_TAG) != mark:
        raise FingerprintMismatch(f"Tuning job {name}", [])
    return True


def _jobs(aws: Aws, name: str) -> Iterator[dict[str, Any]]:
    request = {"HyperParameterTuningJobName": name, "SortBy": "CreationTime", "SortOrder": "Ascending"}
    operation, key = "ListTrainingJobsForHyperParameterTuningJob", "TrainingJobSummaries"
    yield from aws.pages("sagemaker", operation, key, request, doing=f"listing the trials of {name}")


def _under_way(job: dict[str, Any], handle: TuningHandle, links: tuple[Link, ...]) -> Progress[TuningResult]:
    counters = job["TrainingJobStatusCounters"]
    done = sum(counters.get(key, 0) for key in ("Completed", "NonRetryableError", "Stopped"))
    best = (job.get("BestTrainingJob") or {}).get("FinalHyperParameterTuningJobObjectiveMetric")
    found = f", best {handle.objective.metric_name} so far {best['Value']:.4g}" if best else ""
    running = counters.get("InProgress", 0)
    message = f"{handle.tuning_job_name}: {done} of {handle.max_jobs} trials done, {running} running{found}"
    phase = Phase.RUNNING if done or running else Phase.INITIALIZING
    return Progress(phase=phase, message=message, links=links, fraction=min(1.0, done / handle.max_jobs))


def _failed_trials(aws: Aws, handle: TuningHandle) -> str:
    reasons = [
        f"\n  {trial['TrainingJobName']}: {trial['FailureReason']}"
        for trial in _jobs(aws, handle.tuning_job_name)
        if trial.get("FailureReason")
    ]
    return "".join(reasons[:3])


def _result(aws: Aws, handle: TuningHandle, job: dict[str, Any], best: dict[str, Any]) -> TuningResult:
    winner = describe_training(aws, best["TrainingJobName"])  # only this tells the model and all hyperparameters
    return TuningResult(
        tuning_job_name=handle.tuning_job_name,
        tuning_job_arn=job["HyperParameterTuningJobArn"],
        region=aws.region,
        objective=handle.objective,
        best=_trial(best),
        best_model_uri=winner.get("ModelArtifacts", {}).get("S3ModelArtifacts", ""),
        best_hyperparameters=_own(winner.get("HyperParameters", {})),
        trials=tuple(_trial(summary) for summary in _jobs(aws, handle.tuning_job_name)),
        timing=timing(handle),
    )


def _own(hyperparameters: dict[str, str]) -> dict[str, str]:
    """Without those that SageMaker adds for its own use."""
    return {name: value for name, value in hyperparameters.items() if not name.startswith("_tuning")}


def _trial(summary: dict[str, Any]) -> Trial:
    metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric")
    begun, ended = summary.get("TrainingStartTime") or summary.get("CreationTime"), summary.get("TrainingEndTime")
    return Trial(
        job_name=summary["TrainingJobName"],
        status=summary["TrainingJobStatus"],
        parameters=dict(summary.get("TunedHyperParameters", {})),
        objective=float(metric["Value"]) if metric else None,
        timing=Timing(started_at=begun, ended_at=ended) if begun and ended else None,
    )
