"""A hyperparameter tuning job: what to search, how, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import AfterValidator, Field, RootModel, model_validator

from flytekitplugins_smfs.values.base import MISSING, Result, Timing, Value, given
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm, TrainingSpec, held
from flytekitplugins_smfs.values.shapes import MAX_TAGS, Tags

Scaling = Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"]


class Continuous(Value):
    """A range of real numbers, both ends included."""

    kind: Literal["continuous"] = "continuous"
    minimum: float
    maximum: float
    scaling: Scaling = "Auto"

    def __init__(
        self, minimum: float = MISSING, maximum: float = MISSING, scaling: Scaling = "Auto", **fields: Any
    ) -> None:
        super().__init__(**given(minimum=minimum, maximum=maximum, scaling=scaling), **fields)

    def problems(self) -> Iterator[Problem]:
        yield from _range_problems(self.minimum, self.maximum, self.scaling)
        if self.scaling == "ReverseLogarithmic" and not (self.minimum >= 0 and self.maximum < 1):
            yield Problem("scaling", "ReverseLogarithmic needs 0 <= minimum and maximum < 1.", "use Linear.")


class Integer(Value):
    """A range of whole numbers, both ends included."""

    kind: Literal["integer"] = "integer"
    minimum: int
    maximum: int
    scaling: Literal["Auto", "Linear", "Logarithmic"] = "Auto"

    def __init__(self, minimum: int = MISSING, maximum: int = MISSING, scaling: str = "Auto", **fields: Any) -> None:
        super().__init__(**given(minimum=minimum, maximum=maximum, scaling=scaling), **fields)

    def problems(self) -> Iterator[Problem]:
        yield from _range_problems(self.minimum, self.maximum, self.scaling)


class Categorical(Value):
    """A choice among 1 to 30 values."""

    kind: Literal["categorical"] = "categorical"
    values: Annotated[tuple[Annotated[str, Field(max_length=256)], ...], Field(min_length=1, max_length=30)]

    def __init__(self, values: Any = MISSING, **fields: Any) -> None:
        if isinstance(values, Iterable) and not isinstance(values, str):
            values = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
        super().__init__(**given(values=values), **fields)

    def problems(self) -> Iterator[Problem]:
        if len(set(self.values)) < len(self.values):
            yield Problem("values", "each value may stand only once.", "remove the repeated ones.")


def _range_problems(minimum: float, maximum: float, scaling: str) -> Iterator[Problem]:
    if not minimum < maximum:
        yield Problem("minimum", f"{minimum} must be less than maximum ({maximum}).", "swap or widen the range.")
    if scaling == "Logarithmic" and minimum <= 0:
        yield Problem("scaling", "Logarithmic needs minimum > 0.", "use Linear, or raise minimum.")


Range = Annotated[Continuous | Integer | Categorical, Field(discriminator="kind")]


class Ranges(RootModel[dict[Annotated[str, Field(min_length=1, max_length=255)], Range]]):
    """What to search, by hyperparameter: `Ranges(eta=Continuous(0.05, 0.5), max_depth=Integer(3, 8))`."""

    model_config = {"frozen": True}

    @model_validator(mode="after")
    def _limits(self) -> Ranges:
        if not self.root:
            raise ValueError("give at least one range to search")
        if len(self.root) > 30:
            raise ValueError(f"a tuning job searches at most 30 hyperparameters, not {len(self.root)}")
        return self


class Objective(Result):
    """The metric to optimise and the direction; made by `Minimize(...)` or `Maximize(...)`."""

    type: Literal["Minimize", "Maximize"]
    metric_name: Annotated[str, Field(min_length=1, max_length=255)]


def Minimize(metric_name: str) -> Objective:
    """Search for the smallest final value of a metric."""
    return Objective(type="Minimize", metric_name=metric_name)


def Maximize(metric_name: str) -> Objective:
    """Search for the largest final value of a metric."""
    return Objective(type="Maximize", metric_name=metric_name)


class TuningFields(TypedDict, total=False):
    """What a declaration of a tuning may say, beside its name, training, objective and ranges."""

    strategy: Literal["Bayesian", "Random"]
    max_jobs: int
    max_parallel: int
    early_stopping: Literal["Off", "Auto"]
    random_seed: int | None
    tags: Mapping[str, str] | None


class TuningSpec(Value):
    """One tuning job over a training spec.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
    """

    incidental: ClassVar[frozenset[str]] = frozenset({"tags"})

    name: Annotated[str, Field(min_length=1, max_length=255)]
    training: TrainingSpec
    objective: Objective
    ranges: Ranges
    strategy: Literal["Bayesian", "Random"] = "Bayesian"
    max_jobs: Annotated[int, Field(ge=1, le=750)] = 10
    max_parallel: Annotated[int, Field(ge=1, le=100)] = 1
    early_stopping: Literal["Off", "Auto"] = "Off"
    random_seed: Annotated[int, Field(ge=0), AfterValidator(held)] | None = None
    tags: Tags = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        if self.max_parallel > self.max_jobs:
            rule = f"{self.max_parallel} is more than max_jobs ({self.max_jobs})."
            yield Problem("max_parallel", rule, f"use at most {self.max_jobs}.")
        algorithm = self.training.algorithm
        if isinstance(algorithm, ImageAlgorithm):
            yield from self._image_problems(algorithm)
        if len(self.training.environment) > 48:
            rule = f"a tuning job takes at most 48 environment variables, not {len(self.training.environment)}."
            yield Problem("training.environment", rule, "pass them as hyperparameters.")

        both = len({**self.training.tags, **self.tags})
        if both > MAX_TAGS:
            yield Problem("tags", f"with those of the training at most {MAX_TAGS} are allowed, not {both}.")

    def _image_problems(self, algorithm: ImageAlgorithm) -> Iterator[Problem]:
        if algorithm.entrypoint or algorithm.arguments:
            rule = "a tuning job's image runs its own entrypoint; SageMaker takes none here."
            yield Problem("training.algorithm", rule, "put the entrypoint into the image.")
        names = [metric.name for metric in self.training.metrics]
        if self.objective.metric_name not in names:
            rule = f"{self.objective.metric_name!r} is not among the training's metrics ({', '.join(names) or 'none'})."
            yield Problem("objective", rule, "add a MetricDefinition of this name to the training.")


class Trial(Result):
    """One training job of a tuning job."""

    job_name: str
    status: str
    parameters: dict[str, str]
    """The values searched, as SageMaker gave them to the job."""
    objective: float | None = None
    timing: Timing | None = None


class TuningResult(Result):
    """A completed tuning job, its trials and its best one."""

    tuning_job_name: str
    tuning_job_arn: str
    region: str
    objective: Objective
    best: Trial
    best_model_uri: str
    best_hyperparameters: dict[str, str]
    """All hyperparameters of the best job, searched and fixed."""
    trials: tuple[Trial, ...]
    timing: Timing
