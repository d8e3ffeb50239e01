"""The table of keys: who may sign. One SQLite file, mode 0600, open in several processes at once."""

import os
import sqlite3
import threading
import time
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, token TEXT, arn TEXT NOT NULL, account TEXT NOT NULL,
    unique_id TEXT NOT NULL, expires REAL, active INTEGER NOT NULL, origin TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_expiry ON keys (expires);
"""
_KEPT_SECONDS = 24 * 3600.0
"""How long a session that has ended is still answered with ExpiredToken rather than as unknown."""
_CACHED = 1000


@dataclass(frozen=True)
class Key:
    """An access key and whose it is.

    ``arn`` is the IAM user's or the assumed role's, ``unique_id`` its ``aws:userid`` (``AIDA...``, or
    ``AROA...:session``). Session keys have a ``token`` and ``expires`` (epoch seconds). An inactive key is refused.
    ``origin`` says who put it here: "emulator", "iam", "sts" or "job".
    """

    id: str
    secret: str = field(repr=False)
    token: str | None = field(repr=False)
    arn: str
    account: str
    unique_id: str = ""
    expires: float | None = None
    active: bool = True
    origin: str = "iam"


_COLUMNS = ", ".join(f.name for f in fields(Key))


class Keys:
    """Keys by id. Safe from any thread; what one process writes the next look-up of another sees."""

    def __init__(self, path: Path) -> None:
        """Open the table, making it if need be. Raises sqlite3.DatabaseError if the file is no such table."""
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)  # SQLite gives its -wal and -shm files the same mode
        self._lock = threading.Lock()
        self._cache: dict[str, Key | None] = {}
        self._version = -1
        self._db = sqlite3.connect(path, timeout=10.0, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def find(self, id: str) -> Key | None:
        """The key of this id; None if there is none."""
        with self._lock:
            version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
            if version != self._version or len(self._cache) > _CACHED:
                self._cache.clear()
                self._version = version
            if id not in self._cache:
                row = self._db.execute(f"SELECT {_COLUMNS} FROM keys WHERE id = ?", (id,)).fetchone()
                self._cache[id] = _key(row) if row else None
            return self._cache[id]

    def own(self) -> Key | None:
        """The emulator's own key."""
        with self._lock:
            row = self._db.execute(f"SELECT {_COLUMNS} FROM keys WHERE origin = 'emulator' AND active").fetchone()
        return _key(row) if row else None

    def add(self, key: Key) -> None:
        """Put a key in, in place of one of the same id; what ended over a day ago goes."""
        with self._lock:
            self._cache.clear()
            marks = ", ".join("?" * len(fields(Key)))
            self._db.execute(f"INSERT OR REPLACE INTO keys ({_COLUMNS}) VALUES ({marks})", astuple(key))
            self._db.execute("DELETE FROM keys WHERE expires < ?", (time.time() - _KEPT_SECONDS,))

    def remove(self, id: str) -> None:
        """Take a key out; nothing happens if it is not there."""
        self._change("DELETE FROM keys WHERE id = ?", id)

    def forget_others(self) -> None:
        """Take out all keys but the emulator's own."""
        self._change("DELETE FROM keys WHERE origin != 'emulator'")

    def set_active(self, id: str, active: bool) -> None:
        """Let a key sign, or not."""
        self._change("UPDATE keys SET active = ? WHERE id = ?", active, id)

    def of(self, arn: str, origin: str | None = None) -> list[Key]:
        """The keys of a user or session, by id."""
        with self._lock:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM keys WHERE arn = ? ORDER BY id", (arn,)).fetchall()
        return [key for key in map(_key, rows) if origin in (None, key.origin)]

    def close(self) -> None:
        """Close this process's connection."""
        with self._lock:
            self._db.close()

    def _change(self, sql: str, *values: object) -> None:
        with self._lock:
            self._cache.clear()
            self._db.execute(sql, values)


def _key(row: tuple[Any, ...]) -> Key:
    values = dict(zip((f.name for f in fields(Key)), row, strict=True))
    return Key(**{**values, "active": bool(values["active"])})
