"""CloudWatch's data points. The cloudwatch service answers from it; jobs write into it."""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metric_series (
    id INTEGER PRIMARY KEY, region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
    latest REAL NOT NULL, UNIQUE (region, namespace, name, dimensions)
);
CREATE TABLE IF NOT EXISTS metric_data (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, timestamp REAL NOT NULL, unit TEXT NOT NULL,
    resolution INTEGER NOT NULL, low REAL NOT NULL, high REAL NOT NULL, total REAL NOT NULL, count REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS metric_data_by_time ON metric_data (series, timestamp);
"""

_TAKE_IN = """
BEGIN;
INSERT OR IGNORE INTO metric_series (region, namespace, name, dimensions, latest)
    SELECT region, namespace, name, dimensions, max(timestamp) FROM metric_points GROUP BY 1, 2, 3, 4;
INSERT INTO metric_data (series, timestamp, unit, resolution, low, high, total, count)
    SELECT s.id, p.timestamp, p.unit, 60, p.value, p.value, p.value, 1 FROM metric_points p
    JOIN metric_series s USING (region, namespace, name, dimensions) ORDER BY p.rowid;
DROP TABLE metric_points;
COMMIT;
"""
"""Earlier versions kept one value per row in a table of its own."""


@dataclass(frozen=True)
class Metric:
    """The identity of a series."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "Metric":
        """A metric whose dimensions come in any order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Datum:
    """What was observed at one moment (epoch seconds): ``count`` values between ``low`` and ``high``, of a known sum.

    ``resolution`` is the storage resolution in seconds: 60, or 1 for a high-resolution metric.
    """

    timestamp: float
    low: float
    high: float
    total: float
    count: float
    unit: str = "None"
    resolution: int = 60

    @classmethod
    def of(cls, timestamp: float, value: float, count: float = 1, unit: str = "None", resolution: int = 60) -> "Datum":
        """The same value observed so many times."""
        return cls(timestamp, value, value, value * count, count, unit, resolution)


class Metrics:
    """The series of one region. Of all regions together about the latest ``most()`` data points are kept."""

    def __init__(self, store: Store, region: str, most: Callable[[], int]) -> None:
        self._store = store
        self._region = region
        self._most = most

    @classmethod
    def open(cls, store: Store, region: str, most: Callable[[], int]) -> "Metrics":
        """The series of a state directory; call it once, when the account starts."""
        store.create_tables(_SCHEMA)
        if store.run("SELECT 1 FROM sqlite_master WHERE name = 'metric_points'"):
            store.create_tables(_TAKE_IN)
        return cls(store, region, most)

    def at(self, region: str) -> "Metrics":
        """The metrics of another region."""
        return Metrics(self._store, region, self._most)

    def put(self, metric: Metric, points: Iterable[tuple[float, float]], unit: str = "None") -> None:
        """Add (epoch seconds, value) pairs. Values that CloudWatch does not take (nan, infinities) are left out."""
        self.put_all((metric, Datum.of(when, value, unit=unit)) for when, value in points if math.isfinite(value))

    def put_all(self, data: Iterable[tuple[Metric, Datum]]) -> None:
        """Add data points of many series in one transaction."""
        data = list(data)
        latest: dict[Metric, float] = {}
        for metric, datum in data:
            latest[metric] = max(datum.timestamp, latest.get(metric, datum.timestamp))
        with self._store.transaction():
            ids = {metric: self._series(metric, when) for metric, when in latest.items()}
            self._store.run_many(
                """
                INSERT INTO metric_data (series, timestamp, unit, resolution, low, high, total, count)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [(ids[m], d.timestamp, d.unit, d.resolution, d.low, d.high, d.total, d.count) for m, d in data],
            )
            if self._store.keep_latest("metric_data", self._most()):
                empty = "NOT EXISTS (SELECT 1 FROM metric_data WHERE series = metric_series.id)"
                self._store.run(f"DELETE FROM metric_series WHERE {empty}")

    def points(self, metric: Metric, start: float, end: float) -> list[tuple[float, float]]:
        """(epoch seconds, mean) of the data from ``start`` to before ``end``, oldest first, as they came in."""
        return [(datum.timestamp, datum.total / datum.count) for datum in self.data(metric, start, end)]

    def data(self, metric: Metric, start: float, end: float) -> Iterator[Datum]:
        """The data points from ``start`` to before ``end``, oldest first, as they came in."""
        sql = """
            SELECT timestamp, low, high, total, count, unit, resolution FROM metric_data
            WHERE series = (SELECT id FROM metric_series
                            WHERE region = ? AND namespace = ? AND name = ? AND dimensions = ?)
                AND timestamp >= ? AND timestamp < ?
            ORDER BY timestamp, id
        """
        return (Datum(*row) for row in self._store.run(sql, *self._key(metric), start, end))

    def all(self, since: float = -math.inf) -> list[Metric]:
        """Every series with data after an epoch time, in the order of names."""
        sql = """
            SELECT namespace, name, dimensions FROM metric_series WHERE region = ? AND latest >= ?
            ORDER BY namespace, name, dimensions
        """
        return [
            Metric(namespace, name, tuple((key, value) for key, value in json.loads(dimensions)))
            for namespace, name, dimensions in self._store.run(sql, self._region, since)
        ]

    def _key(self, metric: Metric) -> tuple[Any, ...]:
        return self._region, metric.namespace, metric.name, json.dumps(metric.dimensions)

    def _series(self, metric: Metric, latest: float) -> int:
        sql = """
            INSERT INTO metric_series (region, namespace, name, dimensions, latest) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET latest = max(latest, excluded.latest) RETURNING id
        """
        return int(self._store.run(sql, *self._key(metric), latest)[0][0])
