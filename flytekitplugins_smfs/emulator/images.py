"""Which training image runs what.

AWS's built-in algorithms are known by the registry account of their region ("Docker Registry Paths and Example Code" in
the SageMaker documentation); ``algorithms/registries.json`` holds those accounts per repository.
"""

import json
import re
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

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


SCRIPT_MODE = [sys.executable, "-m", "flytekitplugins_smfs.emulator.algorithms.script", "train"]
"""The entry point of framework images: runs the script that ``sagemaker_program`` names."""


def program(request: dict[str, Any], table: Path) -> list[str] | None:
    """The command of a training request: its own entry point, a script, a built-in algorithm, or one from a table.

    ``table`` is a JSON file of image patterns (``*`` and ``?``) and their commands, for images of one's own. None if
    nothing is known of the image.
    """
    specification = request["AlgorithmSpecification"]
    if "ContainerEntrypoint" in specification:
        return [*specification["ContainerEntrypoint"], *specification.get("ContainerArguments", [])]
    if is_script_mode(request):
        return SCRIPT_MODE
    algorithm = algorithm_of(request)
    if algorithm is not None:
        return algorithm.command
    known = json.loads(table.read_text()) if table.exists() else {}
    for pattern, command in known.items():
        if fnmatch(specification["TrainingImage"], pattern):
            return [*command, *specification.get("ContainerArguments", ["train"])]
    return None


def is_simulated(request: dict[str, Any]) -> bool:
    """Whether a training request names the image ``simulated``, in whatever registry and with whatever tag."""
    image = request["AlgorithmSpecification"].get("TrainingImage") or ""
    return image.rpartition("/")[2].partition(":")[0] == "simulated"


def is_script_mode(request: dict[str, Any]) -> bool:
    """Whether a request brings its own script for a framework image."""
    return "sagemaker_program" in request.get("HyperParameters", {}) or "SAGEMAKER_PROGRAM" in request.get(
        "Environment", {}
    )


def algorithm_of(request: dict[str, Any]) -> Algorithm | None:
    """The built-in algorithm that a training request runs, if it runs one."""
    specification = request["AlgorithmSpecification"]
    if "ContainerEntrypoint" in specification or is_script_mode(request):
        return None
    return builtin_algorithm(specification.get("TrainingImage"))


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
