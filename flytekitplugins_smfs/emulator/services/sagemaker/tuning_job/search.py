"""The search of a tuning job: which hyperparameters to try next, given what was tried. Optuna does the thinking.

A study is rebuilt from the trials for every question, so that the search needs no memory of its own and goes on after
a restart as if nothing had happened.
"""

import hashlib
import itertools
import math
from dataclasses import dataclass
from typing import Any

Params = dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """An earlier trial: what the search suggested and what came of it (None while it runs or if it failed)."""

    params: Params
    value: float | None
    running: bool


class Search:
    """Suggestions for one definition of a tuning job."""

    def __init__(self, ranges: dict[str, Any], strategy: str, maximize: bool, seed: int, budget: int) -> None:
        self._ranges = ranges
        self._strategy = strategy
        self._maximize = maximize
        self._seed = seed
        self._budget = budget
        self._distributions = _distributions(ranges)

    def suggest(self, tried: list[Tried], number: int) -> Params:
        """What to try as the trial of this number (from 0)."""
        if self._strategy == "Grid":
            return grid(self._ranges)[number]
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            direction="maximize" if self._maximize else "minimize", sampler=self._sampler(number)
        )
        study.add_trials([frozen for trial in tried if (frozen := self._frozen(trial)) is not None])
        params: Params = study.ask(self._distributions).params
        return params

    def hyperparameters(self, params: Params) -> dict[str, str]:
        """The texts SageMaker passes to the job."""
        reversed_names = {
            item["Name"]
            for item in self._ranges.get("ContinuousParameterRanges", [])
            if item.get("ScalingType") == "ReverseLogarithmic"
        }
        plain = {name: 1 - value if name in reversed_names else value for name, value in params.items()}
        return {name: value if isinstance(value, str) else repr(value) for name, value in plain.items()}

    def _sampler(self, number: int) -> Any:
        import optuna

        seed = (self._seed + number) % 2**32
        if self._strategy == "Random":
            return optuna.samplers.RandomSampler(seed=seed)
        first_random = max(2, min(10, self._budget // 4))
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=first_random, constant_liar=True)

    def _frozen(self, trial: Tried) -> Any:
        """Optuna's form of a trial; None for one that failed, or whose parameters lie outside these ranges."""
        from optuna.trial import TrialState, create_trial

        if trial.value is None and not trial.running:
            return None
        try:
            return create_trial(
                params=trial.params,
                distributions=self._distributions,
                value=trial.value,
                state=TrialState.RUNNING if trial.value is None else TrialState.COMPLETE,
            )
        except ValueError:
            return None


def grid(ranges: dict[str, Any]) -> list[Params]:
    """All combinations of the categorical values, in order. Grid search allows no other ranges."""
    items = ranges.get("CategoricalParameterRanges", [])
    names = [item["Name"] for item in items]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(item["Values"] for item in items))]


def seed_of(text: str) -> int:
    """A seed that is the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def _distributions(ranges: dict[str, Any]) -> dict[str, Any]:
    """Optuna's distributions. A reverse-logarithmic range is searched as the logarithmic range of 1 - x."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for item in ranges.get("ContinuousParameterRanges", []):
        low, high = float(item["MinValue"]), float(item["MaxValue"])
        if item.get("ScalingType") == "ReverseLogarithmic":
            found[item["Name"]] = FloatDistribution(1 - high, 1 - low, log=True)
        else:
            found[item["Name"]] = FloatDistribution(low, high, log=_logarithmic(item, low, high))
    for item in ranges.get("IntegerParameterRanges", []):
        whole_low, whole_high = int(item["MinValue"]), int(item["MaxValue"])
        log = _logarithmic(item, whole_low, whole_high)
        found[item["Name"]] = IntDistribution(whole_low, whole_high, log=log)
    for item in ranges.get("CategoricalParameterRanges", []):
        found[item["Name"]] = CategoricalDistribution(item["Values"])
    return found


def _logarithmic(item: dict[str, Any], low: float, high: float) -> bool:
    """Whether to search by magnitude: when asked to, or when Auto finds a range over two decades or more."""
    scaling = item.get("ScalingType", "Auto")
    return scaling == "Logarithmic" or (scaling == "Auto" and low > 0 and math.log10(high / low) >= 2)
