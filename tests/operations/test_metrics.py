"""Metrics read from a training job's log."""

import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from flytekitplugins_smfs.operations.sagemaker import metrics
from flytekitplugins_smfs.operations.sagemaker.metrics import curve, definitions, searched
from flytekitplugins_smfs.values.sagemaker.training import MetricDefinition

START = datetime(2026, 1, 1, tzinfo=UTC)
XGBOOST = definitions("xgboost")
LOG = [
    "INFO:root:Train matrix has 1077 rows and 64 columns",
    "[0]#011train-mlogloss:1.91012#011validation-mlogloss:1.98765",
    "[12:00:01] WARNING: something else",
    "[1]#011train-mlogloss:1.2e-01#011validation-mlogloss:-0.5",
]


def timed(lines: list[str]) -> list[tuple[datetime, str]]:
    return [(START + timedelta(seconds=second), line) for second, line in enumerate(lines)]


def test_the_curve_of_an_xgboost_log() -> None:
    # C35
    points = curve(timed(LOG), XGBOOST)
    assert [(point.name, point.step, point.value) for point in points] == [
        ("train:mlogloss", 0, 1.91012),
        ("validation:mlogloss", 0, 1.98765),
        ("train:mlogloss", 1, 0.12),
        ("validation:mlogloss", 1, -0.5),
    ]
    assert points[2].at == START + timedelta(seconds=3)


def test_tabs_are_as_good_as_their_escape() -> None:
    assert curve(timed([line.replace("#011", "\t") for line in LOG]), XGBOOST) == curve(timed(LOG), XGBOOST)


def test_what_is_no_number_is_no_point() -> None:
    assert curve(timed(["[0]#011validation-mlogloss:nan", "validation-mlogloss:1.0", ""]), XGBOOST) == ()
    loose = MetricDefinition(name="loss", regex=r"loss=(\S+)")
    assert [point.value for point in curve(timed(["loss=much", "loss=1e-3"]), [loose])] == [0.001]


def test_the_documented_regular_expression() -> None:
    by_name = {definition.name: definition.regex for definition in XGBOOST}
    assert by_name["validation:mlogloss"] == (
        r".*\[[0-9]+\].*#011validation-mlogloss:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"
    )


def test_the_emulator_publishes_metrics_that_are_known_here() -> None:
    from flytekitplugins_smfs.emulator.images import XGBOOST as EMULATED

    known = {definition.name: definition.regex for definition in XGBOOST}
    assert {found["Name"]: found["Regex"] for found in EMULATED.metric_definitions} == known


def test_only_documented_algorithms_have_definitions() -> None:
    assert definitions("") == ()
    assert definitions("kmeans") == ()


def test_a_long_log_is_read_quickly() -> None:
    lines = timed(["x" * 2000] * 200 + LOG[1:2] * 2000)
    begun = time.process_time()
    assert len(curve(lines, XGBOOST)) == 4000
    assert time.process_time() - begun < 5


def test_a_users_expressions_find_the_same_in_a_process_of_their_own() -> None:
    loose = [MetricDefinition(name="loss", regex=r"loss=(\S+)"), MetricDefinition(name="lr", regex=r"lr:([0-9.e-]+)")]
    lines = timed(["loss=2.5 lr:1e-3", "loss=much", "nothing", "step\tloss=0.5"])
    assert searched(lines, loose) == curve(lines, loose)
    assert [point.value for point in searched(lines, loose)] == [2.5, 0.001, 0.5]
    assert searched([], loose) == ()


def test_an_expression_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:  # N3
    """In a connector it would stop every thread: the interpreter's lock is held while an expression is matched."""
    monkeypatch.setattr(metrics, "SEARCH_TIME", 0.5)
    endless = MetricDefinition(name="loss", regex=r"(a+)+b")
    with pytest.raises(subprocess.TimeoutExpired):
        searched(timed(["a" * 40]), [endless])
