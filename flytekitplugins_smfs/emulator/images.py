"""Which training image runs what.

AWS's built-in algorithms are known by the registry account of their region ("Docker Registry Paths and Example Code" in
the SageMaker documentation); ``algorithms/registries.json`` holds those accounts per repository.
"""

import json
import re
import sys
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Program:
    """What an image runs, and what it is made of.

    ``requirements`` are Python packages (None: those of this installation); ``readable`` are paths of this machine that
    belong to the image.
    """

    command: list[str]
    requirements: tuple[str, ...] | None = None
    readable: tuple[str, ...] = ()


class ImageTableError(Exception):
    """The table of images cannot be read; the text names the file and what is wrong."""


def program(request: dict[str, Any], table: Path) -> Program | None:
    """The program of a training request: its own entry point, a script, a built-in algorithm, or one from a table.

    ``table`` is a JSON file of image patterns (``*`` and ``?``) and their commands, for images of one's own; instead of
    a command it may have ``{"command": [...], "requirements": [...], "readable": [...]}``. Its packages are also those
    of a request that brings its own entry point or script. None if nothing is known of the image. Raises
    ImageTableError.
    """
    specification = request["AlgorithmSpecification"]
    listed = _listed(specification.get("TrainingImage"), table)
    if "ContainerEntrypoint" in specification:
        command = [*specification["ContainerEntrypoint"], *specification.get("ContainerArguments", [])]
    elif is_script_mode(request):
        command = SCRIPT_MODE
    elif (algorithm := algorithm_of(request)) is not None:
        return Program(algorithm.command)
    elif listed is None:
        return None
    else:
        command = [*listed.command, *specification.get("ContainerArguments", ["train"])]
    return Program(command) if listed is None else replace(listed, command=command)


def _listed(image: str | None, path: Path) -> Program | None:
    """What the table says of an image."""
    try:
        known = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise ImageTableError(f"{path} cannot be read: {problem}") from None
    if not isinstance(known, dict):
        raise ImageTableError(f"{path} is no JSON object of image patterns and commands")
    for pattern, entry in known.items():
        if fnmatch(image or "", pattern):
            return _entry(entry, f"{path}: the entry of {pattern!r}")
    return None


def _entry(entry: Any, where: str) -> Program:
    values = {"command": entry} if isinstance(entry, list) else entry
    if not isinstance(values, dict) or (set(values) - {"command", "requirements", "readable"}):
        raise ImageTableError(f"{where} is neither a command nor an object of command, requirements and readable")
    for name, value in values.items():
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ImageTableError(f"{where}: {name} is no list of texts")
    if not values.get("command"):
        raise ImageTableError(f"{where} has no command")
    requirements = values.get("requirements")
    return Program(
        values["command"],
        None if requirements is None else tuple(requirements),
        (*values.get("readable", []), *(word for word in values["command"] if word.startswith("/"))),
    )


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
