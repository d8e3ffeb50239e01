"""The tasks that train and tune."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

from pydantic import BaseModel

from flytekitplugins_smfs.flyte.binding import dumped, validated
from flytekitplugins_smfs.flyte.tasks import OperationTask, TaskOptions
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    Checkpoints,
    Hyperparameters,
    ImageAlgorithm,
    MetricDefinition,
    Network,
    Resources,
    Scalar,
    Stopping,
    TrainingResult,
    TrainingSpec,
)
from flytekitplugins_smfs.values.sagemaker.tuning import Objective, Range, Ranges, TuningResult, TuningSpec

OWN_INPUTS = ("hyperparameters", "ranges")


class TrainingTask(OperationTask):
    """One SageMaker training job.

    `channels` names the job's channels and says which kind each is: `{"train": FileSystemInput}`. They are inputs
    of the task, together with `hyperparameters`, which are laid over the declared ones.
    Raises InvalidSpec, with every problem at once, when the declaration is wrong.
    """

    def __init__(
        self,
        name: str,
        algorithm: BuiltinAlgorithm | ImageAlgorithm,
        channels: Mapping[str, type[Any]],
        *,
        hyperparameters: Hyperparameters | Mapping[str, Scalar] | None = None,
        resources: Resources | None = None,
        stopping: Stopping | None = None,
        metrics: Sequence[MetricDefinition] = (),
        environment: Mapping[str, str] | None = None,
        network: Network | None = None,
        checkpoints: Checkpoints | None = None,
        role: str | None = None,
        output_uri: str | None = None,
        tags: Mapping[str, str] | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        given = {
            "name": name,
            "algorithm": algorithm,
            "hyperparameters": hyperparameters,
            "resources": resources,
            "stopping": stopping,
            "metrics": tuple(metrics),
            "environment": environment,
            "network": network,
            "checkpoints": checkpoints,
            "role": role,
            "output_uri": output_uri,
            "tags": tags,
        }
        self.spec: TrainingSpec = _declared(f"TrainingTask {name!r}", TrainingSpec, given)
        self.channels = _channel_inputs(f"TrainingTask {name!r}", channels)
        inputs = {key: kind for key, (_, kind) in self.channels.items()}
        super().__init__(
            name,
            "training",
            {**inputs, "hyperparameters": (Hyperparameters, Hyperparameters(root={}))},
            TrainingResult,
            spec=dumped(self.spec),
            paths={key: f"channels.{channel}" for key, (channel, _) in self.channels.items()},
            **options,
        )


class TuningTask(OperationTask):
    """One hyperparameter tuning job over what a TrainingTask trains.

    Its inputs are the training's channels, `hyperparameters` (laid over the declared, fixed ones) and `ranges` (laid
    over the declared ones). Raises InvalidSpec, with every problem at once, when the declaration is wrong.
    """

    def __init__(
        self,
        name: str,
        training: TrainingTask,
        objective: Objective,
        ranges: Ranges | Mapping[str, Range],
        *,
        strategy: Literal["Bayesian", "Random"] = "Bayesian",
        max_jobs: int = 10,
        max_parallel: int = 1,
        early_stopping: Literal["Off", "Auto"] = "Off",
        random_seed: int | None = None,
        tags: Mapping[str, str] | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        given = {
            "name": name,
            "training": training.spec,
            "objective": objective,
            "ranges": ranges,
            "strategy": strategy,
            "max_jobs": max_jobs,
            "max_parallel": max_parallel,
            "early_stopping": early_stopping,
            "random_seed": random_seed,
            "tags": tags,
        }
        self.spec: TuningSpec = _declared(f"TuningTask {name!r}", TuningSpec, given)
        inputs = {key: kind for key, (_, kind) in training.channels.items()}
        channels = {key: f"training.channels.{channel}" for key, (channel, _) in training.channels.items()}
        super().__init__(
            name,
            "tuning",
            {
                **inputs,
                "hyperparameters": (Hyperparameters, Hyperparameters(root={})),
                "ranges": (Ranges, self.spec.ranges),
            },
            TuningResult,
            spec=dumped(self.spec),
            paths={**channels, "hyperparameters": "training.hyperparameters"},
            **options,
        )


def _declared(what: str, spec_type: type[Any], given: Mapping[str, Any]) -> Any:
    """What was given as a value of `spec_type`; None stands for the default."""
    data = {field: _plain(value) for field, value in given.items() if value is not None}
    return validated(spec_type, data, what)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dumped(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _channel_inputs(what: str, channels: Mapping[str, type[Any]]) -> dict[str, tuple[str, type[Any]]]:
    """Task input -> channel and its type. A hyphen of a channel's name is an underscore in the input's."""
    problems, inputs = [], dict[str, tuple[str, type[Any]]]()
    for channel, kind in channels.items():
        key = channel.replace("-", "_")
        field = f"channels.{channel}"
        if not key.isidentifier() or not re.fullmatch(r"[A-Za-z0-9\-_]{1,64}", channel):
            rule = "a channel's name has 1 to 64 letters, digits, '-' and '_', and begins with a letter."
            problems.append(Problem(field, rule))
        elif key in OWN_INPUTS or key in inputs:
            problems.append(Problem(field, f"the task has an input {key!r} already.", "give it another name."))
        if kind not in (FileSystemInput, TrainingInput):
            problems.append(
                Problem(field, f"{kind!r} is not a kind of channel; allowed are FileSystemInput, TrainingInput.")
            )
        inputs[key] = (channel, kind)
    if problems:
        raise InvalidSpec(what, problems)
    return inputs
