"""The account's durable state: JSON documents by kind and id, in one SQLite file that survives ``kill -9``."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import write_log

Doc = dict[str, Any]

_FORMAT = 1
"""Grows whenever a table or a document of an older version could not be read any more."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_by_creation ON documents (kind, created);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


class Store:
    """Typed documents over SQLite. All methods may be called from any thread; writes are durable when they return.

    Who only reads waits for nobody: a thread outside a transaction reads, by a connection of its own, what was
    committed last.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._writer: int | None = None
        """The thread whose transaction is open."""
        self._mine = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._depth = 0
        self._after: list[Callable[[], None]] = []
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._check_format(path)
            self._db.executescript(_SCHEMA)
        except sqlite3.DatabaseError as problem:
            raise sqlite3.DatabaseError(f"{path} cannot be read: {problem}") from problem

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and nobody else in between. May be nested: the outermost one commits."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
                self._writer = threading.get_ident()
            self._depth += 1
            try:
                yield
                if self._depth == 1:
                    self._db.execute("COMMIT")
                    self._writer = None
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._writer = None
                    self._after.clear()
                    if self._db.in_transaction:  # a full disk may have ended it already
                        self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                after, self._after = self._after, []
                for function in after:
                    function()

    def on_commit(self, function: Callable[[], None]) -> None:
        """Call a function when the transaction that is open is committed; not if it is rolled back."""
        with self.transaction():
            self._after.append(function)

    def put(self, kind: str, id: str, doc: Doc) -> None:
        """Create or replace; a replaced one keeps its place in the order of creation. Times are epoch floats."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                (kind, id, self._next("documents"), json.dumps(doc)),
            )

    def get(self, kind: str, id: str) -> Doc | None:
        """The document, or None. It is a copy: change it and ``put`` it back, or use ``update``."""
        rows = self.run("SELECT doc FROM documents WHERE kind = ? AND id = ?", kind, id)
        return json.loads(rows[0][0]) if rows else None

    def update(self, kind: str, id: str, **changes: Any) -> Doc | None:
        """Set some top-level members of a document in one step. None if there is no such document."""
        with self.transaction():
            doc = self.get(kind, id)
            if doc is not None:
                doc.update(changes)
                self.put(kind, id, doc)
            return doc

    def all(self, kind: str) -> list[Doc]:
        """Every document of a kind, oldest first."""
        return [
            json.loads(row[0]) for row in self.run("SELECT doc FROM documents WHERE kind = ? ORDER BY created", kind)
        ]

    def delete(self, kind: str, id: str) -> bool:
        """Remove a document; False if there was none."""
        return bool(self.run("DELETE FROM documents WHERE kind = ? AND id = ? RETURNING id", kind, id))

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """One statement, its rows fetched. For the tables of append-only things (logs, metrics, calls)."""
        if sql.startswith("SELECT") and self._writer != threading.get_ident():
            return self._reader().execute(sql, values).fetchall()
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def run_many(self, sql: str, rows: list[tuple[Any, ...]]) -> None:
        """One statement for many rows, in one transaction."""
        with self.transaction():
            self._db.executemany(sql, rows)

    def keep_latest(self, table: str, most: int) -> bool:
        """Hold a table that only grows, numbered by its ``id``, to about its latest rows; True if some went.

        It may grow a tenth over, so that not every call has to clear up.
        """
        [(first, last)] = self.run(f"SELECT min(id), max(id) FROM {table}")
        if last is None or last - first < most * 1.1:
            return False
        self.run(f"DELETE FROM {table} WHERE id <= ?", last - most)
        return True

    def checkpoint_aside(self) -> None:
        """From now on no commit waits for the disk; see ``write_log``."""
        with self._lock:
            write_log.checkpoint_aside(self._db, self._path)

    def create_tables(self, script: str) -> None:
        """Run ``CREATE ... IF NOT EXISTS`` statements. Call it when a service starts, outside any transaction."""
        with self._lock:
            self._db.executescript(script)

    def copy(self) -> sqlite3.Connection:
        """Everything in it now, in memory. Give it to ``restore``."""
        memory = sqlite3.connect(":memory:", check_same_thread=False)
        with self._lock:
            self._db.backup(memory)
        return memory

    def restore(self, copy: sqlite3.Connection) -> None:
        """Be as when the copy was made. Raises RuntimeError inside a transaction."""
        with self._lock:
            if self._depth:
                raise RuntimeError("a transaction is under way")
            copy.backup(self._db)

    def clear(self) -> None:
        """Forget every row; the tables stay."""
        with self.transaction():
            for (table,) in self.run("SELECT name FROM sqlite_master WHERE type = 'table'"):
                self._db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        with self._lock:
            for connection in (*self._readers, self._db):
                connection.close()

    def _reader(self) -> sqlite3.Connection:
        """This thread's connection for reading."""
        mine: sqlite3.Connection | None = getattr(self._mine, "connection", None)
        if mine is None:
            mine = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
            mine.execute("PRAGMA query_only=ON")
            self._mine.connection = mine
            self._readers.append(mine)
        return mine

    def _check_format(self, path: Path) -> None:
        """Refuse state that another version of the emulator wrote in another form; mark new state with ours."""
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        empty = not self._db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if not empty and found != _FORMAT:
            raise RuntimeError(
                f"{path} has format {found}, this emulator writes {_FORMAT}: reset it, or use its version"
            )
        self._db.execute(f"PRAGMA user_version = {_FORMAT}")

    def _next(self, counter: str) -> int:
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (counter,),
        ).fetchone()
        return int(row[0])
