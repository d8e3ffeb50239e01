"""The record of every AWS API call that was received. Durable, so that a test can ask after a kill.

It has a file of its own: what is written with every request does not wait for the state's lock, nor hold it.
"""

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .clock import Clock

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL,
    request TEXT NOT NULL, error TEXT, caller TEXT
);
"""
_COLUMNS = ("seq", "time", "service", "operation", "request", "error", "caller")
_SHORTEST = 100
"""Old calls are dropped so many at a time, at least."""


class Calls:
    """Numbered from 1, in the order of their completion. The latest ``most()`` of them are kept."""

    def __init__(self, path: Path, clock: Clock, most: Callable[[], int]) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")  # a killed process loses nothing by it, a power cut may
        self._db.executescript(_SCHEMA)
        self._add_what_is_new()
        self._dropped = self._oldest() - 1

    def add(
        self, service: str, operation: str, request: dict[str, Any], error: str | None, caller: str | None = None
    ) -> None:
        """Record a call that is over, with its parameters, the code it was refused with, and the id of the access key
        that signed it."""
        values = (self._clock.now(), service, operation, json.dumps(request, default=repr), error, caller)
        with self._lock:
            added = self._db.execute(
                "INSERT INTO calls (time, service, operation, request, error, caller) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
            self._drop_before(int(added.lastrowid or 0) - self._most())

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The calls with a greater number."""
        with self._lock:
            rows = self._db.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM calls WHERE seq > ? ORDER BY seq", (seq,)
            ).fetchall()
        return [{**dict(zip(_COLUMNS, row, strict=True)), "request": json.loads(row[4])} for row in rows]

    def clear(self) -> None:
        """Forget all; the next one has the number 1."""
        with self._lock:
            self._db.execute("DELETE FROM calls")
            self._db.execute("DELETE FROM sqlite_sequence")
            self._dropped = 0

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _drop_before(self, last: int) -> None:
        if last - self._dropped >= max(_SHORTEST, self._most() // 100):
            self._db.execute("DELETE FROM calls WHERE seq <= ?", (last,))
            self._dropped = last

    def _add_what_is_new(self) -> None:
        """A record that an earlier release began has no callers."""
        there = {row[1] for row in self._db.execute("PRAGMA table_info(calls)")}
        if "caller" not in there:
            self._db.execute("ALTER TABLE calls ADD COLUMN caller TEXT")

    def _oldest(self) -> int:
        return int(self._db.execute("SELECT coalesce(min(seq), 1) FROM calls").fetchone()[0])
