"""A training job: what to run, on what, from where, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import AfterValidator, Field, RootModel, model_validator

from flytekitplugins_smfs.values.base import MISSING, Result, Timing, Value, given
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.sagemaker.channels import Channel, FileSystemInput
from flytekitplugins_smfs.values.shapes import NetworkId, RoleArn, Tags, VariableName, VariableValue
from flytekitplugins_smfs.values.uris import S3Uri

Scalar = bool | int | float | str
ChannelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.\-_]{1,64}$")]
DAY = 86400


def held(value: int) -> int:
    """Refuse what SageMaker's Integer (32 bits) cannot hold. No bound of the schema, which is part of the
    type of an interface."""
    if value > 2**31 - 1:
        raise ValueError("must be at most 2147483647, which is what SageMaker's Integer holds")
    return value


class Hyperparameters(RootModel[dict[Annotated[str, Field(max_length=256)], Scalar]]):
    """Hyperparameters by name: `Hyperparameters(max_depth=5, eta=0.2)`. At most 100, each at most 2,500 characters."""

    model_config = {"frozen": True}

    @model_validator(mode="after")
    def _limits(self) -> Hyperparameters:
        if len(self.root) > 100:
            raise ValueError(f"a job takes at most 100 hyperparameters, not {len(self.root)}")
        long = [name for name, text in self.encoded().items() if len(text) > 2500]
        if long:
            raise ValueError(f"a hyperparameter takes at most 2,500 characters; longer: {', '.join(long)}")
        return self

    def encoded(self) -> dict[str, str]:
        """Values as SageMaker takes them: strings; booleans in lower case."""
        return {name: str(v).lower() if isinstance(v, bool) else str(v) for name, v in self.root.items()}


class BuiltinAlgorithm(Value):
    """An algorithm that SageMaker ships, by name and version; its image is found per region."""

    kind: Literal["builtin"] = "builtin"
    name: str
    version: str

    def __init__(self, name: str = MISSING, version: str = MISSING, **fields: Any) -> None:
        super().__init__(**given(name=name, version=version), **fields)


class ImageAlgorithm(Value):
    """An algorithm in a container image of one's own, in ECR."""

    kind: Literal["image"] = "image"
    image_uri: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S+$")]
    entrypoint: Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=100)] = ()
    arguments: Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(max_length=100)] = ()

    def __init__(self, image_uri: str = MISSING, **fields: Any) -> None:
        super().__init__(**given(image_uri=image_uri), **fields)


Algorithm = Annotated[BuiltinAlgorithm | ImageAlgorithm, Field(discriminator="kind")]


class MetricDefinition(Value):
    """A metric and the regular expression that finds it in the log; its first group is the number."""

    name: Annotated[str, Field(min_length=1, max_length=255)]
    regex: Annotated[str, Field(min_length=1, max_length=500)]

    def problems(self) -> Iterator[Problem]:
        fix = "put one number in parentheses: 'loss: ([0-9.]+)'."
        try:
            groups = re.compile(self.regex).groups
        except re.error as error:
            yield Problem("regex", f"{self.regex!r} is not a regular expression: {error}.", fix)
        else:
            if groups < 1:
                yield Problem("regex", f"{self.regex!r} has no group to take the number from.", fix)


class Resources(Value):
    """The machines of a job. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html"""

    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")] = "ml.m5.xlarge"
    instance_count: Annotated[int, Field(ge=1), AfterValidator(held)] = 1
    volume_size_in_gb: Annotated[int, Field(ge=1), AfterValidator(held)] = 30
    keep_alive_period_in_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    """Warm pool, in seconds; 0 for none."""


class Stopping(Value):
    """When a job is ended at the latest, in seconds, and whether it runs on spot capacity."""

    max_runtime_in_seconds: Annotated[int, Field(ge=1, le=28 * DAY)] = DAY
    max_wait_time_in_seconds: Annotated[int, Field(ge=1), AfterValidator(held)] | None = None
    use_spot: bool = False

    def problems(self) -> Iterator[Problem]:
        wait = self.max_wait_time_in_seconds
        if wait is not None and not self.use_spot:
            yield Problem("max_wait_time_in_seconds", "only spot jobs wait.", "set use_spot or leave it out.")
        if wait is not None and wait < self.max_runtime_in_seconds:
            rule = f"{wait} is less than max_runtime_in_seconds ({self.max_runtime_in_seconds}), which it includes."
            yield Problem("max_wait_time_in_seconds", rule, f"use at least {self.max_runtime_in_seconds}.")


class Network(Value):
    """The VPC of a job. Without one it is derived from the job's file systems."""

    subnet_ids: Annotated[tuple[NetworkId, ...], Field(min_length=1, max_length=16)]
    security_group_ids: Annotated[tuple[NetworkId, ...], Field(min_length=1, max_length=5)]


class Checkpoints(Value):
    """Where a job keeps its checkpoints in S3, and where the container sees them.

    A job begins with what lies there. Trials of a tuning job keep none: they would have to share the place.
    """

    s3_uri: S3Uri
    local_path: Annotated[str, Field(pattern=r"^/", max_length=4096)] = "/opt/ml/checkpoints"


class TrainingFields(TypedDict, total=False):
    """What a declaration of a training may say, beside its name, algorithm and channels: the fields of TrainingSpec as
    they are written in Python."""

    hyperparameters: Hyperparameters | Mapping[str, Scalar] | None
    resources: Resources | None
    stopping: Stopping | None
    metrics: Sequence[MetricDefinition]
    environment: Mapping[str, str] | None
    network: Network | None
    checkpoints: Checkpoints | None
    role: str | None
    output_uri: str | None
    tags: Mapping[str, str] | None


class TrainingSpec(Value):
    """One training job. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html"""

    incidental: ClassVar[frozenset[str]] = frozenset({"tags"})

    name: Annotated[str, Field(min_length=1, max_length=255)]
    """The task's name; the job's name is made from it and the owner."""
    algorithm: Algorithm
    channels: Annotated[dict[ChannelName, Channel], Field(max_length=20)] = Field(default_factory=dict)
    hyperparameters: Hyperparameters = Hyperparameters(root={})
    resources: Resources = Resources()
    stopping: Stopping = Stopping()
    metrics: Annotated[tuple[MetricDefinition, ...], Field(max_length=40)] = ()
    environment: dict[VariableName, VariableValue] = Field(default_factory=dict, max_length=100)
    network: Network | None = None
    checkpoints: Checkpoints | None = None
    role: RoleArn | None = None
    """Execution role ARN; without one the settings'."""
    output_uri: S3Uri | None = None
    """Prefix for model and output; without one `s3://sagemaker-<region>-<account>/<name>`."""
    tags: Tags = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        if self.metrics and isinstance(self.algorithm, BuiltinAlgorithm):
            rule = f"{self.algorithm.name} publishes its own metrics; SageMaker refuses others."
            yield Problem("metrics", rule, "leave metrics out.")
        names = [metric.name for metric in self.metrics]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Problem("metrics", f"{name!r} is defined more than once.", "define it once.")
        if self.stopping.use_spot and self.checkpoints is None:
            rule = "a spot job without checkpoints starts again from nothing after each interruption."
            yield Problem("checkpoints", rule, "set checkpoints, or use_spot=False.")

    def file_system_inputs(self) -> tuple[FileSystemInput, ...]:
        """The channels that are file systems."""
        return tuple(channel for channel in self.channels.values() if isinstance(channel, FileSystemInput))


class MetricPoint(Result):
    """One value of a metric as read from the log; `step` counts its occurrences from 0."""

    name: str
    step: int
    value: float
    at: datetime


class TrainingResult(Result):
    """A completed training job."""

    job_name: str
    job_arn: str
    region: str
    model_uri: str
    """`s3://.../model.tar.gz`; empty when the job wrote no model."""
    metrics: dict[str, float]
    """Final value of each metric."""
    curve: tuple[MetricPoint, ...] = ()
    hyperparameters: dict[str, str]
    training_seconds: int
    billable_seconds: int
    timing: Timing
