"""Metrics as a training job's log shows them: which there are, and how they went."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from flytekitplugins_smfs.values.sagemaker.training import MetricDefinition, MetricPoint

NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
"""The group that SageMaker's own definitions capture a value with."""

# https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html, and those that the container also computes:
# https://github.com/aws/sagemaker-xgboost-container/blob/master/src/sagemaker_xgboost_container/constants/xgb_constants.py
XGBOOST_METRICS = (
    *("accuracy", "aft-nloglik", "auc", "aucpr", "balanced_accuracy", "cox-nloglik", "error", "f1", "f1_binary"),
    *("f1_macro", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss", "mae", "map", "mape"),
    *("merror", "mlogloss", "mphe", "mse", "ndcg", "poisson-nloglik", "precision", "precision_macro"),
    *("precision_micro", "r2", "recall", "recall_macro", "recall_micro", "rmse", "rmsle", "tweedie-nloglik"),
)

_ESCAPED_TAB = "#011"
"""SageMaker's log agent writes a tab so."""


SEARCH_TIME = 5.0
"""Seconds in all for the expressions of a user."""


def definitions(algorithm: str) -> tuple[MetricDefinition, ...]:
    """The metrics that a built-in algorithm publishes by itself, as far as its log lines are documented."""
    if algorithm != "xgboost":
        return ()
    return tuple(
        MetricDefinition(
            name=f"{channel}:{metric}", regex=rf".*\[[0-9]+\].*{_ESCAPED_TAB}{channel}-{metric}:{NUMBER}.*"
        )
        for channel in ("train", "validation")
        for metric in XGBOOST_METRICS
    )


def curve(lines: Iterable[tuple[datetime, str]], definitions: Iterable[MetricDefinition]) -> tuple[MetricPoint, ...]:
    """Every value of every metric in the log, in the log's order. `lines` are (time, text)."""
    finders = [(definition.name, _finder(definition)) for definition in definitions]
    seen: Counter[str] = Counter()
    points = []
    for at, line in lines:
        for name, find in finders:
            value = find(line)
            if value is not None:
                points.append(MetricPoint(name=name, step=seen[name], value=value, at=at))
                seen[name] += 1
    return tuple(points)


def searched(lines: Sequence[tuple[datetime, str]], given: Sequence[MetricDefinition]) -> tuple[MetricPoint, ...]:
    """As `curve`, for expressions of a user's, which may take for ever: in a process of its own, which is ended after
    SEARCH_TIME. It is bare Python without this package, so that it starts at once. Raises TimeoutExpired."""
    work = {"patterns": [one.regex for one in given], "lines": [text for _, text in lines]}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _SEARCH],
        input=json.dumps(work),
        capture_output=True,
        text=True,
        timeout=SEARCH_TIME,
        check=True,
    )
    found = [(at, json.loads(values)) for (at, _), values in zip(lines, done.stdout.splitlines(), strict=True)]
    steps: Counter[str] = Counter()
    points = []
    for at, values in found:
        for definition, text in zip(given, values, strict=True):
            value = _number(text)
            if value is not None:
                points.append(MetricPoint(name=definition.name, step=steps[definition.name], value=value, at=at))
                steps[definition.name] += 1
    return tuple(points)


_SEARCH = """
import json, re, sys
work = json.load(sys.stdin)
patterns = [re.compile(text) for text in work["patterns"]]
for line in work["lines"]:
    found = [one.search(line) or ("\\t" in line and one.search(line.replace("\\t", "#011"))) for one in patterns]
    print(json.dumps([match[1] if match else None for match in found]))
"""
"""Reads patterns and lines, and prints what each pattern's group holds in each line, one line of JSON for one line."""


def _finder(definition: MetricDefinition) -> Callable[[str], float | None]:
    regex = re.compile(definition.regex)
    # A pattern that begins with .* finds from the start or not at all; searching on would take quadratic time.
    look = regex.match if definition.regex.startswith(".*") else regex.search

    def find(line: str) -> float | None:
        found = look(line) or ("\t" in line and look(line.replace("\t", _ESCAPED_TAB)))
        return _number(found[1]) if found else None

    return find


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
