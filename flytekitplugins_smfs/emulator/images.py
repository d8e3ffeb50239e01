"""Which training image runs what.

AWS's built-in algorithms are known by the registry account of their region ("Docker Registry Paths and Example Code" in
the SageMaker documentation); ``algorithms/registries.json`` holds those accounts per repository.
"""

import json
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .algorithms.xgboost.hyperparameters import MAXIMIZE, MINIMIZE, TUNABLE

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<repository>[a-z0-9._/-]+?)"
    r"(:(?P<tag>[\w.-]+))?(@sha256:[0-9a-f]{64})?"
)
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class Algorithm:
    """A built-in algorithm: its command, the metrics it prints and what a tuning job may vary."""

    name: str
    command: list[str]
    metric_definitions: list[dict[str, str]]
    objectives: dict[str, str]
    """Objective metric name to Minimize or Maximize."""
    tunable: frozenset[str]


def _xgboost_metrics() -> list[dict[str, str]]:
    return [
        {"Name": f"{channel}:{metric}", "Regex": rf".*\[[0-9]+\].*#011{channel}-{metric}:{_NUMBER}.*"}
        for channel in ("train", "validation")
        for metric in sorted(MAXIMIZE + MINIMIZE)
    ]


XGBOOST = Algorithm(
    name="xgboost",
    command=[sys.executable, "-m", "flytekitplugins_smfs.emulator.algorithms.xgboost", "train"],
    metric_definitions=_xgboost_metrics(),
    objectives={f"validation:{name}": "Maximize" for name in MAXIMIZE}
    | {f"validation:{name}": "Minimize" for name in MINIMIZE},
    tunable=TUNABLE,
)


def builtin_algorithm(image: str | None) -> Algorithm | None:
    """The built-in algorithm an image URI names, or None for any other image (also one of the same name elsewhere)."""
    found = _URI.fullmatch(image or "")
    if found is None:
        return None
    account = _registries().get(found["repository"], {}).get(found["region"])
    return XGBOOST if account == found["account"] else None


@cache
def _registries() -> dict[str, dict[str, str]]:
    text = Path(__file__).with_name("algorithms").joinpath("registries.json").read_text()
    registries: dict[str, dict[str, str]] = json.loads(text)
    return registries
