"""The tasks that train and tune."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Unpack, cast

from pydantic import BaseModel

from flytekitplugins_smfs.flyte.binding import dumped, validated
from flytekitplugins_smfs.flyte.tasks import OperationTask, TaskOptions
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.plain import Json, Record
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    Hyperparameters,
    ImageAlgorithm,
    TrainingFields,
    TrainingResult,
    TrainingSpec,
)
from flytekitplugins_smfs.values.sagemaker.tuning import (
    Objective,
    Range,
    Ranges,
    TuningFields,
    TuningResult,
    TuningSpec,
)

OWN_INPUTS = ("hyperparameters", "ranges")


class TrainingOptions(TrainingFields, TaskOptions, total=False):
    """The spec's fields and every task's options."""


class TuningOptions(TuningFields, TaskOptions, total=False):
    """The spec's fields and every task's options."""


class TrainingTask(OperationTask):
    """One SageMaker training job.

    `channels` names the job's channels and says which kind each is: `{"train": FileSystemInput}`. They are inputs
    of the task, together with `hyperparameters`, which are laid over the declared ones. Everything else that a
    `TrainingSpec` has is given by its name.
    Raises InvalidSpec, with every problem at once, when the declaration is wrong.
    """

    def __init__(
        self,
        name: str,
        algorithm: BuiltinAlgorithm | ImageAlgorithm,
        channels: Mapping[str, type[Any]],
        **options: Unpack[TrainingOptions],
    ) -> None:
        fields, rest = _divided(options)
        what = f"TrainingTask {name!r}"
        self.spec: TrainingSpec = _declared(what, TrainingSpec, {"name": name, "algorithm": algorithm, **fields})
        self.channels = _channel_inputs(what, channels)
        inputs = {key: kind for key, (_, kind) in self.channels.items()}
        super().__init__(
            name,
            "training",
            {**inputs, "hyperparameters": (Hyperparameters, Hyperparameters(root={}))},
            TrainingResult,
            spec=dumped(self.spec),
            paths={key: f"channels.{channel}" for key, (channel, _) in self.channels.items()},
            **rest,
        )


class TuningTask(OperationTask):
    """One hyperparameter tuning job over what a TrainingTask trains.

    Its inputs are the training's channels, `hyperparameters` (laid over the declared, fixed ones) and `ranges` (laid
    over the declared ones). Everything else that a `TuningSpec` has is given by its name.
    Raises InvalidSpec, with every problem at once, when the declaration is wrong.
    """

    def __init__(
        self,
        name: str,
        training: TrainingTask,
        objective: Objective,
        ranges: Ranges | Mapping[str, Range],
        **options: Unpack[TuningOptions],
    ) -> None:
        fields, rest = _divided(options)
        given = {"name": name, "training": training.spec, "objective": objective, "ranges": ranges, **fields}
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
            **rest,
        )


def _divided(options: Record) -> tuple[Json, TaskOptions]:
    """The spec's fields, and the options that every task takes."""
    rest = {name: value for name, value in options.items() if name in TaskOptions.__annotations__}
    return {name: value for name, value in options.items() if name not in rest}, cast(TaskOptions, rest)


def _declared(what: str, spec_type: type[Any], given: Record) -> Any:
    """What was given as a value of `spec_type`; None stands for the default."""
    data = {field: _plain(value) for field, value in given.items() if value is not None}
    return validated(spec_type, data, what)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return dumped(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


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
