"""CloudWatch's data points. The cloudwatch service answers from it; jobs write into it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS metric_points (
    namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL, timestamp REAL NOT NULL, value REAL NOT NULL,
    unit TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS metric_points_by_time ON metric_points (namespace, name, dimensions, timestamp);
"""


@dataclass(frozen=True)
class Metric:
    """The identity of a series."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "Metric":
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class Metrics:
    """Series of (epoch seconds, value)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.create_tables(_SCHEMA)

    def put(self, metric: Metric, points: Iterable[tuple[float, float]], unit: str = "None") -> None:
        """Add (epoch seconds, value) pairs."""
        dimensions = json.dumps(metric.dimensions)
        self._store.run_many(
            "INSERT INTO metric_points VALUES (?, ?, ?, ?, ?, ?)",
            [(metric.namespace, metric.name, dimensions, when, value, unit) for when, value in points],
        )
