"""CloudWatch's data points. The cloudwatch service answers from it; jobs write into it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metric_points (
    region TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,
    timestamp REAL NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS metric_points_by_time ON metric_points (region, namespace, name, dimensions, timestamp);
"""


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


class Metrics:
    """The series of one region, each of (epoch seconds, value)."""

    def __init__(self, store: Store, region: str) -> None:
        self._store = store
        self._region = region
        store.create_tables(_SCHEMA)

    def at(self, region: str) -> "Metrics":
        """The metrics of another region."""
        return Metrics(self._store, region)

    def put(self, metric: Metric, points: Iterable[tuple[float, float]], unit: str = "None") -> None:
        """Add (epoch seconds, value) pairs."""
        key = (self._region, metric.namespace, metric.name, json.dumps(metric.dimensions))
        self._store.run_many(
            "INSERT INTO metric_points VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*key, when, value, unit) for when, value in points],
        )

    def points(self, metric: Metric, start: float, end: float) -> list[tuple[float, float]]:
        """The points from ``start`` to before ``end``, oldest first."""
        sql = """
            SELECT timestamp, value FROM metric_points
            WHERE region = ? AND namespace = ? AND name = ? AND dimensions = ? AND timestamp >= ? AND timestamp < ?
            ORDER BY timestamp
        """
        key = (self._region, metric.namespace, metric.name, json.dumps(metric.dimensions))
        return [(when, value) for when, value in self._store.run(sql, *key, start, end)]

    def all(self) -> list[Metric]:
        """Every series there is, in the order of names."""
        sql = """
            SELECT DISTINCT namespace, name, dimensions FROM metric_points WHERE region = ?
            ORDER BY namespace, name, dimensions
        """
        return [
            Metric(namespace, name, tuple((key, value) for key, value in json.loads(dimensions)))
            for namespace, name, dimensions in self._store.run(sql, self._region)
        ]
