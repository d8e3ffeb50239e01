"""Which training jobs of a tuning job are not worth going on with."""

import statistics
from typing import Any

from ....registry import Context
from ....store import Doc
from .. import telemetry
from .trial import Trial

_JUDGES = 3
"""Trials needed before another is compared with them."""
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_KEPT = 3
"""Hyperband goes on with one trial in so many at each rung, and the rungs are so many times apart."""


def hopeless(ctx: Context, doc: Doc, some: list[Trial]) -> list[Trial]:
    """The running trials that should be stopped now."""
    config = doc["request"]["HyperParameterTuningJobConfig"]
    hyperband = config["Strategy"] == "Hyperband"
    if not hyperband and config.get("TrainingJobEarlyStoppingType", "Off") != "Auto":
        return []
    series = {trial.job["name"]: telemetry.series(ctx, trial.job["name"], trial.definition.metric) for trial in some}
    running = [trial for trial in some if not trial.ended and not trial.job["stop"]]
    if hyperband:
        return [trial for trial in running if _out_of_hyperband(trial, some, series, *_resources_of(config, trial))]
    judges = [
        series[trial.job["name"]]
        for trial in some
        if trial.job["status"] == "Completed" and trial.objective is not None
    ]
    return [trial for trial in running if _below_median(trial, series[trial.job["name"]], judges)]


def _resources_of(config: dict[str, Any], trial: Trial) -> tuple[int, int]:
    least, most = resources(config, trial.definition.training.get("StaticHyperParameters", {}))
    return least, most or least  # a request without any was refused


def resources(config: dict[str, Any], static: dict[str, str]) -> tuple[int, int | None]:
    """Hyperband's least and most epochs, as configured or as static hyperparameters say; None if neither says.

    Source: the API reference of HyperbandStrategyConfig.
    """
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    told = [static[name] for name in _EPOCHS if static.get(name, "").strip('"').isdecimal()]
    most = given.get("MaxResource", int(told[0].strip('"')) if told else None)
    return int(given.get("MinResource", 1)), most


def _below_median(trial: Trial, values: list[float], judges: list[list[float]]) -> bool:
    """Early stopping "Auto", from "Stop Training Jobs Early" in the developer guide.

    A job is stopped when its best value so far is worse than the median of the running averages of the completed jobs
    up to the same epoch.
    """
    epoch = len(values)
    if len(judges) < _JUDGES or epoch < 2:
        return False
    median = statistics.median(statistics.fmean(judge[:epoch]) for judge in judges)
    return trial.definition.better(median, _best(trial, values))


def _out_of_hyperband(trial: Trial, some: list[Trial], series: dict[str, list[float]], least: int, most: int) -> bool:
    """Hyperband as successive halving: at every rung only the best third goes on; at the last one the job is done."""
    values = series[trial.job["name"]]
    if len(values) >= most:
        return True
    rung = least
    while rung <= len(values):
        mine = _best(trial, values[:rung])
        reached = [_best(trial, other[:rung]) for other in series.values() if len(other) >= rung]
        ahead = sum(trial.definition.better(value, mine) for value in reached)
        if len(reached) >= _JUDGES and ahead >= len(reached) / _KEPT:
            return True
        rung *= _KEPT
    return False


def _best(trial: Trial, values: list[float]) -> float:
    return max(values) if trial.definition.maximize else min(values)
