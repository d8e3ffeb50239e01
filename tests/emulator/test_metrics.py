"""The store of CloudWatch's data points: its bound, what older state holds, and what is no number."""

import math
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.metrics import Datum, Metric, Metrics
from flytekitplugins_smfs.emulator.store import Store

LOSS = Metric.of("n", "loss", {"Host": "algo-1"})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state.db")


def test_the_oldest_points_go_when_there_are_too_many(store: Store) -> None:
    metrics = Metrics.open(store, "eu-west-1", lambda: 100)
    metrics.put(Metric.of("n", "first", {}), [(0.0, 1.0)])
    for batch in range(30):
        metrics.put(LOSS, [(float(batch * 10 + n), 0.5) for n in range(10)])
    kept = metrics.points(LOSS, 0, math.inf)
    assert 100 <= len(kept) <= 111
    assert kept[-1][0] == 299
    assert metrics.all() == [LOSS], "a series without data is none"


def test_what_is_no_number_is_no_point(store: Store) -> None:
    metrics = Metrics.open(store, "eu-west-1", lambda: 1000)
    metrics.put(LOSS, [(1.0, 0.5), (2.0, math.nan), (3.0, math.inf), (4.0, -math.inf), (5.0, 0.25)])
    assert metrics.points(LOSS, 0, math.inf) == [(1.0, 0.5), (5.0, 0.25)]
    metrics.put(Metric.of("n", "only-nan", {}), [(1.0, math.nan)])
    assert metrics.all() == [LOSS]


def test_data_of_a_batch_are_kept_together_or_not_at_all(store: Store) -> None:
    metrics = Metrics.open(store, "eu-west-1", lambda: 1000)
    broken = Datum(2.0, None, 1, 1, 1)  # type: ignore[arg-type] - what SQLite refuses
    with pytest.raises(Exception, match="NOT NULL"):
        metrics.put_all([(LOSS, Datum.of(1.0, 1.0)), (LOSS, broken)])
    assert metrics.all() == []


def test_points_of_an_older_state_are_taken_in(store: Store) -> None:
    store.create_tables("""
        CREATE TABLE metric_points (
            region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
            timestamp REAL NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL
        );
    """)
    row = ("eu-west-1", "n", "loss", '[["Host", "algo-1"]]')
    store.run_many(
        "INSERT INTO metric_points VALUES (?, ?, ?, ?, ?, ?, ?)", [(*row, 1.0, 0.5, "None"), (*row, 2.0, 0.25, "Bytes")]
    )
    for _ in range(2):
        metrics = Metrics.open(store, "eu-west-1", lambda: 1000)
        assert metrics.points(LOSS, 0, math.inf) == [(1.0, 0.5), (2.0, 0.25)]
    assert [datum.unit for datum in metrics.data(LOSS, 0, math.inf)] == ["None", "Bytes"]
