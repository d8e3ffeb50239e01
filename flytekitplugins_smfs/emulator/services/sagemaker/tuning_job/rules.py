"""What CreateHyperParameterTuningJob refuses beyond the constraints of the service model."""

from collections.abc import Iterator
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....registry import Context
from ..documents import identity
from ..settings import settings
from ..training_job import rules as training_rules
from . import search
from .record import TUNING_JOB
from .stopping import resources
from .trial import Definition, algorithm_tuned, definitions, training_request

_MOST_RANGES = 30
_MOST_EPOCHS = 20000
_KINDS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


def check(ctx: Context, request: dict[str, Any]) -> None:
    """Raise the error AWS would answer this request with, if any."""
    config = request["HyperParameterTuningJobConfig"]
    _refuse_unimplemented(request, config)
    if ("TrainingJobDefinition" in request) == ("TrainingJobDefinitions" in request):
        _refuse("Specify exactly one of TrainingJobDefinition and TrainingJobDefinitions.")
    _check_quotas(ctx, config["ResourceLimits"])
    for problem in (*_limits(config), *_hyperband(request, config), *_parents(ctx, request)):
        _refuse(problem)
    for definition in definitions(request):
        for problem in (*_ranges(definition, config["Strategy"]), *_objective(definition), *_tunables(definition)):
            _refuse(problem)
        training_rules.check(ctx, training_request(definition, "validation", {}))


def _refuse(problem: str) -> None:
    raise AwsError("ValidationException", problem)


def _refuse_unimplemented(request: dict[str, Any], config: dict[str, Any]) -> None:
    if request.get("Autotune"):
        raise NotImplementedByEmulator("Autotune")
    criteria = config.get("TuningJobCompletionCriteria", {})
    if criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled":
        raise NotImplementedByEmulator("the completion criterion ConvergenceDetected")


def _check_quotas(ctx: Context, limits: dict[str, Any]) -> None:
    """The account's quotas; see "Resource limits" of automatic model tuning in the developer guide."""
    asked = (
        ("training jobs", limits.get("MaxNumberOfTrainingJobs", 0), settings(ctx).tuning_quota_jobs),
        ("parallel training jobs", limits["MaxParallelTrainingJobs"], settings(ctx).tuning_quota_parallel_jobs),
    )
    for what, number, quota in asked:
        if number > quota:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit 'Number of {what} per hyperparameter tuning job' is {quota}, with "
                f"current utilization of 0 and a request delta of {number}. Please use AWS Service Quotas to request "
                "an increase for this quota.",
            )


def _limits(config: dict[str, Any]) -> Iterator[str]:
    limits = config["ResourceLimits"]
    most = limits.get("MaxNumberOfTrainingJobs")
    if most is None and config["Strategy"] != "Grid" and "MaxRuntimeInSeconds" not in limits:
        yield "MaxNumberOfTrainingJobs or MaxRuntimeInSeconds must be specified in ResourceLimits."
    if most is not None and limits["MaxParallelTrainingJobs"] > most:
        yield "MaxParallelTrainingJobs must be less than or equal to MaxNumberOfTrainingJobs."


def _hyperband(request: dict[str, Any], config: dict[str, Any]) -> Iterator[str]:
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    if config["Strategy"] != "Hyperband":
        if given:
            yield "HyperbandStrategyConfig can be specified only for the Hyperband strategy."
        return
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield "TrainingJobEarlyStoppingType must be Off for the Hyperband strategy, which stops jobs by itself."
    for definition in definitions(request):
        least, most = resources(config, definition.training.get("StaticHyperParameters", {}))
        if most is None:
            yield "MaxResource must be specified in HyperbandStrategyConfig, or epochs in StaticHyperParameters."
        elif not least <= most <= _MOST_EPOCHS:
            yield f"MaxResource must be from MinResource to {_MOST_EPOCHS} in HyperbandStrategyConfig."


def _parents(ctx: Context, request: dict[str, Any]) -> Iterator[str]:
    """Source: the API reference of HyperParameterTuningJobWarmStartConfig."""
    for parent in request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", []):
        name = parent.get("HyperParameterTuningJobName")
        doc = ctx.store.get(TUNING_JOB, identity(ctx, name or ""))
        if doc is None:
            yield f"Amazon SageMaker can't find the parent tuning job {name} of WarmStartConfig."
        elif doc["ended"] is None:
            yield f"The parent tuning job {name} of WarmStartConfig is in status {doc['status']}; it must have ended."
        else:
            yield from _unlike(name, definitions(doc["request"]), definitions(request))


def _unlike(name: str, parents: list[Definition], children: list[Definition]) -> Iterator[str]:
    for parent, child in zip(parents, children, strict=False):
        if parent.objective != child.objective:
            yield f"The objective metric must be the same as that of the parent tuning job {name} of WarmStartConfig."
        if _hyperparameter_count(parent) != _hyperparameter_count(child):
            yield (
                "The total number of static plus tunable hyperparameters must be the same as in the parent tuning job "
                f"{name} of WarmStartConfig."
            )


def _hyperparameter_count(definition: Definition) -> int:
    return len({*definition.training.get("StaticHyperParameters", {}), *_names(definition)})


def _names(definition: Definition) -> list[str]:
    return [item["Name"] for kind in _KINDS for item in definition.ranges.get(kind, [])]


def _ranges(definition: Definition, strategy: str) -> Iterator[str]:
    ranges = definition.ranges
    if ranges.get("AutoParameters"):
        raise NotImplementedByEmulator("AutoParameters")
    names = _names(definition)
    if len(names) > _MOST_RANGES:
        yield f"At most {_MOST_RANGES} hyperparameters can be searched in all of ParameterRanges, not {len(names)}."
    if not names:
        yield "At least one hyperparameter range must be specified in ParameterRanges."
    if len(set(names)) < len(names):
        yield f"Hyperparameter names must be unique in ParameterRanges: {names}."
    for kind in _KINDS[:2]:
        for item in ranges.get(kind, []):
            yield from _numeric_range(item, int if kind == "IntegerParameterRanges" else float)
    if strategy == "Grid" and (ranges.get(_KINDS[0]) or ranges.get(_KINDS[1])):
        yield "The Grid strategy supports only categorical hyperparameters."


def _numeric_range(item: dict[str, Any], kind: type[int] | type[float]) -> Iterator[str]:
    name = item["Name"]
    scaling = item.get("ScalingType", "Auto")
    try:
        low, high = kind(item["MinValue"]), kind(item["MaxValue"])
    except ValueError:
        yield f"MinValue and MaxValue of the hyperparameter {name} must be of type {kind.__name__}."
        return
    if low > high or (kind is float and low == high):
        yield f"MinValue {item['MinValue']} of the hyperparameter {name} must be less than MaxValue {item['MaxValue']}."
    if scaling == "Logarithmic" and low <= 0:
        yield f"Logarithmic scaling of the hyperparameter {name} requires values greater than 0."
    if scaling == "ReverseLogarithmic" and (kind is int or low < 0 or high >= 1):
        yield f"ReverseLogarithmic scaling of the hyperparameter {name} requires a continuous range in 0 <= x < 1."


def _objective(definition: Definition) -> Iterator[str]:
    image = definition.training["AlgorithmSpecification"].get("TrainingImage")
    algorithm = algorithm_tuned(definition)
    metric = definition.objective.get("MetricName")
    if metric is None:
        yield "An objective metric must be specified for the hyperparameter tuning job."
    elif algorithm is not None and metric not in algorithm.objectives:
        yield (
            f"The objective metric for the hyperparameter tuning job, [{metric}], isn't valid for the [{image}] "
            "algorithm. Choose a valid objective metric."
        )
    elif algorithm is not None and definition.objective["Type"] != algorithm.objectives[metric]:
        yield (
            f"The objective type for the hyperparameter tuning job, [{definition.objective['Type']}], isn't valid for "
            f"the [{image}] algorithm. Choose a valid objective metric type."
        )
    elif algorithm is None:
        given = definition.training["AlgorithmSpecification"].get("MetricDefinitions", [])
        if metric not in {item["Name"] for item in given}:
            yield f"The objective metric [{metric}] must be one of the MetricDefinitions of the training job."


def _tunables(definition: Definition) -> Iterator[str]:
    image = definition.training["AlgorithmSpecification"].get("TrainingImage")
    algorithm = algorithm_tuned(definition)
    names = {item["Name"] for kind in _KINDS for item in definition.ranges.get(kind, [])}
    if algorithm is not None and names - algorithm.tunable:
        yield (
            f"The hyperparameter tuning job you requested has the following untunable hyperparameters: "
            f"{sorted(names - algorithm.tunable)}. For the algorithm, {image}, you can tune only "
            f"{sorted(algorithm.tunable)}. Delete untunable hyperparameters."
        )


def grid_size(definition: Definition) -> int:
    """How many trials a grid has."""
    return len(search.grid(definition.ranges))
