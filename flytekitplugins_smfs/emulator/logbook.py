"""CloudWatch's log groups, streams and events. The logs service answers from it; jobs write into it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .clock import Clock
from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log_groups (
    region TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY (region, name)
);
CREATE TABLE IF NOT EXISTS log_streams (
    region TEXT NOT NULL, log_group TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL,
    PRIMARY KEY (region, log_group, name)
);
CREATE TABLE IF NOT EXISTS log_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, region TEXT NOT NULL, log_group TEXT NOT NULL, stream TEXT NOT NULL,
    timestamp INTEGER NOT NULL, ingested INTEGER NOT NULL, message TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS log_events_by_time ON log_events (region, log_group, stream, timestamp, id);
CREATE INDEX IF NOT EXISTS log_events_of_group ON log_events (region, log_group, timestamp, id);
"""

Position = tuple[int, int]
"""Timestamp and id of an event: where it stands in its stream."""

Streams = list[str] | str
"""Streams of a group by their names, or by how their names begin."""


@dataclass(frozen=True)
class Group:
    """A log group and when it was made (epoch milliseconds)."""

    name: str
    created: int


@dataclass(frozen=True)
class Stream:
    """A log stream, with the times of its events (epoch milliseconds; None while it is empty)."""

    name: str
    created: int
    first: int | None
    last: int | None
    ingested: int | None


@dataclass(frozen=True)
class Event:
    """One line. Times are epoch milliseconds; ``id`` grows with ingestion."""

    id: int
    stream: str
    timestamp: int
    ingested: int
    message: str

    @property
    def position(self) -> Position:
        """Where it stands in its stream."""
        return self.timestamp, self.id


class LogBook:
    """The logs of one region. Groups hold streams, streams hold events in the order of their timestamps.

    Of all regions together about the latest ``most()`` events are kept.
    """

    def __init__(self, store: Store, region: str, clock: Clock, most: Callable[[], int]) -> None:
        self._store = store
        self._region = region
        self._clock = clock
        self._most = most

    @classmethod
    def open(cls, store: Store, region: str, clock: Clock, most: Callable[[], int]) -> "LogBook":
        """The logs of a state directory; call it once, when the account starts."""
        store.create_tables(_SCHEMA)
        return cls(store, region, clock, most)

    def at(self, region: str) -> "LogBook":
        """The logs of another region."""
        return LogBook(self._store, region, self._clock, self._most)

    def create_group(self, group: str) -> bool:
        """False if it exists already."""
        sql = "INSERT OR IGNORE INTO log_groups VALUES (?, ?, ?) RETURNING name"
        return bool(self._store.run(sql, self._region, group, self._milliseconds()))

    def create_stream(self, group: str, stream: str) -> bool:
        """False if it exists already. Makes the group too."""
        self.create_group(group)
        sql = "INSERT OR IGNORE INTO log_streams VALUES (?, ?, ?, ?) RETURNING name"
        return bool(self._store.run(sql, self._region, group, stream, self._milliseconds()))

    def append(self, group: str, stream: str, events: Iterable[tuple[int, str]]) -> None:
        """Add (timestamp in epoch milliseconds, message) pairs; makes group and stream if they are not there."""
        ingested = self._milliseconds()
        columns = "region, log_group, stream, timestamp, ingested, message"
        with self._store.transaction():
            self.create_stream(group, stream)
            self._store.run_many(
                f"INSERT INTO log_events ({columns}) VALUES (?, ?, ?, ?, ?, ?)",
                [(self._region, group, stream, timestamp, ingested, _storable(text)) for timestamp, text in events],
            )
            self._store.keep_latest("log_events", self._most())

    def groups(self, prefix: str = "") -> list[Group]:
        """The groups whose name begins so, in the order of names."""
        sql = "SELECT name, created FROM log_groups WHERE region = ? AND substr(name, 1, ?) = ? ORDER BY name"
        return [Group(*row) for row in self._store.run(sql, self._region, len(prefix), prefix)]

    def streams(self, group: str, prefix: str = "") -> list[Stream]:
        """The streams of a group whose name begins so, in the order of names."""
        sql = """
            SELECT s.name, s.created, min(e.timestamp), max(e.timestamp), max(e.ingested)
            FROM log_streams s LEFT JOIN log_events e
                ON e.region = s.region AND e.log_group = s.log_group AND e.stream = s.name
            WHERE s.region = ? AND s.log_group = ? AND substr(s.name, 1, ?) = ? GROUP BY s.name ORDER BY s.name
        """
        return [Stream(*row) for row in self._store.run(sql, self._region, group, len(prefix), prefix)]

    def has_group(self, group: str) -> bool:
        """Whether the group exists."""
        sql = "SELECT 1 FROM log_groups WHERE region = ? AND name = ?"
        return bool(self._store.run(sql, self._region, group))

    def has_stream(self, group: str, stream: str) -> bool:
        """Whether the stream exists."""
        sql = "SELECT 1 FROM log_streams WHERE region = ? AND log_group = ? AND name = ?"
        return bool(self._store.run(sql, self._region, group, stream))

    def after(self, group: str, streams: Streams, position: Position, limit: int, start: int, end: int) -> list[Event]:
        """The first events behind a position, oldest first; timestamps from ``start`` to before ``end``."""
        return self._select(group, streams, "(timestamp, id) > (?, ?)", "ASC", position, limit, start, end)

    def before(self, group: str, streams: Streams, position: Position, limit: int, start: int, end: int) -> list[Event]:
        """The last events ahead of a position, oldest first."""
        return self._select(group, streams, "(timestamp, id) < (?, ?)", "DESC", position, limit, start, end)[::-1]

    def delete_group(self, group: str) -> None:
        """Remove a group with all its streams and events."""
        with self._store.transaction():
            for table in ("log_events", "log_streams"):
                self._store.run(f"DELETE FROM {table} WHERE region = ? AND log_group = ?", self._region, group)
            self._store.run("DELETE FROM log_groups WHERE region = ? AND name = ?", self._region, group)

    def delete_stream(self, group: str, stream: str) -> None:
        """Remove a stream with its events."""
        with self._store.transaction():
            key = (self._region, group, stream)
            self._store.run("DELETE FROM log_events WHERE region = ? AND log_group = ? AND stream = ?", *key)
            self._store.run("DELETE FROM log_streams WHERE region = ? AND log_group = ? AND name = ?", *key)

    def _select(
        self, group: str, streams: Streams, side: str, order: str, position: Position, limit: int, start: int, end: int
    ) -> list[Event]:
        chosen, names = self._chosen(group, streams)
        sql = f"""
            SELECT id, stream, timestamp, ingested, message FROM log_events
            WHERE region = ? AND log_group = ? {chosen} AND {side} AND timestamp >= ? AND timestamp < ?
            ORDER BY timestamp {order}, id {order} LIMIT ?
        """
        rows = self._store.run(sql, self._region, group, *names, *position, start, end, limit)
        return [Event(*row) for row in rows]

    def _chosen(self, group: str, streams: Streams) -> tuple[str, tuple[Any, ...]]:
        if isinstance(streams, list):
            return f"AND stream IN ({', '.join('?' * len(streams))})", tuple(streams)
        if not streams:
            return "", ()
        named = "SELECT name FROM log_streams WHERE region = ? AND log_group = ? AND substr(name, 1, ?) = ?"
        return f"AND stream IN ({named})", (self._region, group, len(streams), streams)

    def _milliseconds(self) -> int:
        return int(self._clock.now() * 1000)


def _storable(text: str) -> str:
    """JSON can say half a character, UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()
