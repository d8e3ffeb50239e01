"""The store's index: one SQLite database that several processes open at once. Its commit is the write.

WAL without a sync per commit: what was committed survives the end of any process, however it ends.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .. import write_log
from .errors import StoreDamaged
from .files import Files

_FORMAT = 1
_BUSY_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE buckets (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, region TEXT NOT NULL, created INTEGER NOT NULL
);
CREATE TABLE objects (
    bucket INTEGER NOT NULL, key BLOB NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, change INTEGER NOT NULL, about TEXT NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX objects_by_change ON objects (bucket, change);
CREATE TABLE deletions (
    bucket INTEGER NOT NULL, key BLOB NOT NULL, change INTEGER NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
CREATE INDEX deletions_by_change ON deletions (bucket, change);
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, bucket INTEGER NOT NULL, key BLOB NOT NULL, started REAL NOT NULL, algorithm TEXT NOT NULL,
    checksum_type TEXT NOT NULL, asked INTEGER NOT NULL, about TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX uploads_by_key ON uploads (bucket, key, id);
CREATE TABLE parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified REAL NOT NULL, checksum TEXT NOT NULL, PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE TABLE completed (
    number INTEGER PRIMARY KEY, upload TEXT NOT NULL UNIQUE, bucket INTEGER NOT NULL, key BLOB NOT NULL,
    etag TEXT NOT NULL, about TEXT NOT NULL
);
CREATE TABLE documents (
    bucket INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (bucket, kind, id)
) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('change', 0), ('forgotten', 0);
"""

Work = Callable[[], Any]


class Busy(Exception):
    """Another process is writing; ask again in a moment."""


class Database:
    """One connection, for all threads of a process. Files that a transaction discards go after its commit."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self._lock = threading.RLock()
        self._depth = 0
        self._discarded: list[str] = []
        self._opened: sqlite3.Connection | None = None

    @property
    def _db(self) -> sqlite3.Connection:
        """The connection, opened when it is first needed: a damaged index is told to who asks, not to who starts."""
        if self._opened is None:
            with self._lock:
                self._opened = self._opened or self._open()
        return self._opened

    def _open(self) -> sqlite3.Connection:
        opened = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        try:
            opened.execute("PRAGMA journal_mode=WAL")
            opened.execute("PRAGMA synchronous=NORMAL")
            opened.execute("PRAGMA cache_size=-16000")
            opened.execute("PRAGMA wal_autocheckpoint=4000")  # each waits for the disk
            self._create(opened)
        except BaseException:
            opened.close()
            raise
        return opened

    def all(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement, its rows fetched."""
        try:
            with self._lock:
                return self._db.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a statement, if there is any."""
        rows = self.all(sql, *values)
        return rows[0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else in between. May be nested: the outermost one commits."""
        with self._lock:
            if self._depth:
                yield
                return
            self._execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                self._execute("COMMIT")
            except BaseException:
                self._discarded.clear()
                with suppress(sqlite3.OperationalError):  # SQLite itself has rolled back, after some errors
                    self._db.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0
            gone, self._discarded = self._discarded, []
        self._files.discard(gone)

    def together(self, works: Sequence[Work]) -> list[Any]:
        """Run several works in one transaction, each all or nothing by itself; their results or exceptions.

        Raises Busy at once, with nothing done, while another process writes.
        """
        with self._lock:
            self._execute("PRAGMA busy_timeout=0")
            try:
                with self.transaction():
                    return [self._apart(work) for work in works]
            finally:
                self._execute(f"PRAGMA busy_timeout={int(_BUSY_SECONDS * 1000)}")

    def discard(self, file: str) -> None:
        """Remove a file once the transaction has committed."""
        self._discarded.append(file)

    def next_change(self) -> int:
        """The number of the change that is being made."""
        row = self.one("UPDATE counters SET value = value + 1 WHERE name = 'change' RETURNING value")
        assert row is not None
        return int(row[0])

    def counter(self, name: str) -> int:
        row = self.one("SELECT value FROM counters WHERE name = ?", name)
        return int(row[0]) if row else 0

    def clear(self) -> list[str]:
        """Forget everything but the numbers of changes; the files that are no longer named."""
        with self.transaction():
            files = [str(row[0]) for table in ("objects", "parts") for row in self.all(f"SELECT file FROM {table}")]
            for table in ("objects", "deletions", "parts", "uploads", "completed", "documents", "buckets"):
                self.all(f"DELETE FROM {table}")
            self.all("UPDATE counters SET value = ? WHERE name = 'forgotten'", self.next_change())
        return files

    def checkpoint_aside(self) -> None:
        """From now on let a thread move what is committed from the log into the database, which waits for the disk."""
        try:
            with self._lock:
                write_log.checkpoint_aside(self._db, self._path)
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()

    def _apart(self, work: Work) -> Any:
        before = len(self._discarded)
        self._execute("SAVEPOINT work")
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  the caller of each work gets what it raised
            self._execute("ROLLBACK TO work")
            del self._discarded[before:]
            result = error
        self._execute("RELEASE work")
        return result

    def _execute(self, sql: str) -> None:
        try:
            self._db.execute(sql)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT):
                raise Busy(str(self._path)) from error
            raise self._damaged(error) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _create(self, opened: sqlite3.Connection) -> None:
        """Make the tables, whoever comes first; refuse an index that another version wrote in another form."""
        opened.execute("BEGIN IMMEDIATE")
        try:
            found = opened.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                for statement in _SCHEMA.split(";"):
                    opened.execute(statement)
                opened.execute(f"PRAGMA user_version={_FORMAT}")
        finally:
            opened.execute("COMMIT")
        if found not in (0, _FORMAT):
            raise StoreDamaged(f"{self._path} has format {found}, this emulator writes {_FORMAT}")

    def _damaged(self, error: sqlite3.DatabaseError) -> Exception:
        """A full disk is one's own error; what cannot be read names its file."""
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            return error
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return OSError(28, "No space left on device", str(self._path))
        return StoreDamaged(f"The index of the object store, {self._path}, cannot be read: {error}")
