"""CloudWatch's log groups, streams and events. The logs service answers from it; jobs write into it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_groups (name TEXT PRIMARY KEY, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS log_streams (
    log_group TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (log_group, name)
);
CREATE TABLE IF NOT EXISTS log_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, log_group TEXT NOT NULL, stream TEXT NOT NULL,
    timestamp INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_events_by_time ON log_events (log_group, stream, timestamp, id);
"""


@dataclass(frozen=True)
class Event:
    """One line. Times are epoch milliseconds; ``id`` grows with ingestion."""

    id: int
    stream: str
    timestamp: int
    ingested: int
    message: str


class LogBook:
    """Groups hold streams, streams hold events in the order of their timestamps."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.create_tables(_SCHEMA)

    def create_group(self, group: str) -> bool:
        """False if it exists already."""
        sql = "INSERT OR IGNORE INTO log_groups VALUES (?, ?) RETURNING name"
        return bool(self._store.run(sql, group, _milliseconds()))

    def create_stream(self, group: str, stream: str) -> bool:
        """False if it exists already. Makes the group too."""
        self.create_group(group)
        sql = "INSERT OR IGNORE INTO log_streams VALUES (?, ?, ?) RETURNING name"
        return bool(self._store.run(sql, group, stream, _milliseconds()))

    def append(self, group: str, stream: str, events: Iterable[tuple[int, str]]) -> None:
        """Add (timestamp in epoch milliseconds, message) pairs; makes group and stream if they are not there."""
        self.create_stream(group, stream)
        ingested = _milliseconds()
        self._store.run_many(
            "INSERT INTO log_events (log_group, stream, timestamp, ingested, message) VALUES (?, ?, ?, ?, ?)",
            [(group, stream, timestamp, ingested, message) for timestamp, message in events],
        )


def _milliseconds() -> int:
    return int(time.time() * 1000)
