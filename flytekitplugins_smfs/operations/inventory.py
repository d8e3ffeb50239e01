"""What this package made in an AWS account and region and that is still there, found by its tags."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import EXECUTION_TAG, execution_label, tag_map
from flytekitplugins_smfs.values.base import Value

UNFINISHED = ("InProgress", "Stopping")


class Holding(Value):
    """One resource that costs money by being there: a file system, a link of one, or a job that has not ended."""

    kind: str
    id: str
    state: str
    execution: str
    """The execution that made it, as its tag says."""
    made_at: datetime


def holdings(aws: Aws, execution: str | None = None) -> tuple[Holding, ...]:
    """Everything there is, or what one execution made, oldest first."""
    wanted = execution_label(execution) if execution else None
    found = [*_file_systems(aws), *_links(aws), *_training_jobs(aws), *_tuning_jobs(aws)]
    return tuple(sorted((one for one in found if wanted in (None, one.execution)), key=lambda one: one.made_at))


def _file_systems(aws: Aws) -> Iterator[Holding]:
    for one in aws.pages("fsx", "DescribeFileSystems", "FileSystems", doing="listing file systems"):
        yield from _holding("file system", one["FileSystemId"], one["Lifecycle"], one.get("Tags"), one["CreationTime"])


def _links(aws: Aws) -> Iterator[Holding]:
    doing = "listing data repository associations"
    for one in aws.pages("fsx", "DescribeDataRepositoryAssociations", "Associations", doing=doing):
        yield from _holding("link", one["AssociationId"], one["Lifecycle"], one.get("Tags"), one["CreationTime"])


def _training_jobs(aws: Aws) -> Iterator[Holding]:
    for one in _jobs(aws, "ListTrainingJobs", "TrainingJobSummaries"):
        tags = _job_tags(aws, one["TrainingJobArn"])
        yield from _holding("training job", one["TrainingJobName"], one["TrainingJobStatus"], tags, one["CreationTime"])


def _tuning_jobs(aws: Aws) -> Iterator[Holding]:
    for one in _jobs(aws, "ListHyperParameterTuningJobs", "HyperParameterTuningJobSummaries"):
        name, state = one["HyperParameterTuningJobName"], one["HyperParameterTuningJobStatus"]
        tags = _job_tags(aws, one["HyperParameterTuningJobArn"])
        yield from _holding("tuning job", name, state, tags, one["CreationTime"])


def _jobs(aws: Aws, operation: str, key: str) -> Iterator[dict[str, Any]]:
    """Only jobs that have not ended: the ended ones cost nothing, and an account has thousands of them."""
    for state in UNFINISHED:
        yield from aws.pages("sagemaker", operation, key, {"StatusEquals": state}, doing="listing unfinished jobs")


def _job_tags(aws: Aws, arn: str) -> list[dict[str, str]]:
    return list(aws.pages("sagemaker", "ListTags", "Tags", {"ResourceArn": arn}, doing=f"reading the tags of {arn}"))


def _holding(kind: str, name: str, state: str, tags: object, made_at: datetime) -> Iterator[Holding]:
    execution = tag_map(tags).get(EXECUTION_TAG)
    if execution is not None:
        yield Holding(kind=kind, id=name, state=state, execution=execution, made_at=made_at)
