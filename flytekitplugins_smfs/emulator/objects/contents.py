"""The objects: what is under a key, put there, changed and taken away."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from . import names
from .buckets import Buckets
from .conditions import Conditions
from .database import Database
from .errors import S3Error, no_such_key
from .records import About, Content, Stored

COLUMNS = "key, file, size, etag, modified, change, about"
_KEPT_DELETIONS = 100_000
_PRUNE_EVERY = 4096
_NO_CONDITIONS = Conditions()


@dataclass(frozen=True)
class Changes:
    """What happened below a prefix after a change number."""

    number: int
    """The latest change there is; ask after it the next time."""
    written: list[Stored]
    deleted: list[str]
    complete: bool
    """False when so much was deleted since that some of it is forgotten: compare everything."""


class Contents:
    """The rows of objects. Each method is one transaction (or one read) and sees all that was committed before."""

    def __init__(self, database: Database, buckets: Buckets) -> None:
        self._db = database
        self._buckets = buckets

    def find(self, bucket: str, key: str) -> Stored | None:
        """The object of a key, if there is one. Raises S3Error NoSuchBucket."""
        row = self._db.one(
            f"SELECT {COLUMNS} FROM objects WHERE bucket = (SELECT id FROM buckets WHERE name = ?) AND key = ?",
            bucket,
            names.check_key(key),
        )
        if row is None:
            self._buckets.get(bucket)
            return None
        return stored(row)

    def get(self, bucket: str, key: str) -> Stored:
        """The object of a key. Raises S3Error NoSuchKey."""
        found = self.find(bucket, key)
        if found is None:
            raise no_such_key(key)
        return found

    def put(
        self,
        bucket: str,
        key: str,
        content: Content,
        about: About,
        conditions: Conditions = _NO_CONDITIONS,
        etag: str | None = None,
        modified: float | None = None,
    ) -> Stored:
        """Make a content the object of a key; what was there before goes. Refused as ``conditions`` say."""
        with self._db.transaction():
            owner = self._buckets.get(bucket)
            before = self.find(bucket, key)
            conditions.to_write(key, before)
            if not about.encryption:
                about = replace(about, encryption=dict(self._buckets.encryption(owner)))
            if before is not None:
                self._db.discard(before.file)
            new = Stored(
                key=key,
                file=content.file,
                size=content.size,
                etag=etag or content.md5,
                modified=time.time() if modified is None else modified,
                change=self._db.next_change(),
                about=about,
            )
            self._write(owner.id, new)
            if before is None:
                self._db.all("DELETE FROM deletions WHERE bucket = ? AND key = ?", owner.id, key.encode())
            return new

    def change(self, bucket: str, key: str, change: Callable[[About], About]) -> Stored:
        """Say something else of an object; content, ETag and time stay as they are."""
        with self._db.transaction():
            now = self.get(bucket, key)
            new = replace(now, about=change(now.about))
            self._write(self._buckets.get(bucket).id, new)
            return new

    def delete(self, bucket: str, key: str, conditions: Conditions = _NO_CONDITIONS) -> bool:
        """Take an object away. False if there was none, which S3 takes for success."""
        with self._db.transaction():
            owner = self._buckets.get(bucket)
            before = self.find(bucket, key)
            conditions.to_change(key, before)
            if before is None:
                return False
            self._db.discard(before.file)
            self._db.all("DELETE FROM objects WHERE bucket = ? AND key = ?", owner.id, key.encode())
            number = self._db.next_change()
            sql = "INSERT INTO deletions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET change = excluded.change"
            self._db.all(sql, owner.id, key.encode(), number)
            if number % _PRUNE_EVERY == 0:
                self._forget(number)
            return True

    def changes(self, bucket: str, prefix: str, since: int) -> Changes:
        """What was written and deleted below a prefix after change ``since``, as one moment saw it."""
        start = prefix.encode()
        with self._db.transaction():
            owner = self._buckets.get(bucket)
            of = "WHERE bucket = ? AND change > ? AND substr(key, 1, ?) = ? ORDER BY change"
            values = (owner.id, since, len(start), start)
            written = self._db.all(f"SELECT {COLUMNS} FROM objects {of}", *values)
            deleted = self._db.all(f"SELECT key FROM deletions {of}", *values)
            return Changes(
                number=self._db.counter("change"),
                written=[stored(row) for row in written],
                deleted=[bytes(row[0]).decode() for row in deleted],
                complete=since >= self._db.counter("forgotten"),
            )

    def _write(self, bucket: int, new: Stored) -> None:
        self._db.all(
            "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET file = excluded.file, "
            "size = excluded.size, etag = excluded.etag, modified = excluded.modified, change = excluded.change, "
            "about = excluded.about",
            bucket,
            new.key.encode(),
            new.file,
            new.size,
            new.etag,
            new.modified,
            new.change,
            new.about.text(),
        )

    def _forget(self, number: int) -> None:
        """Keep the table of deletions bounded."""
        oldest = number - _KEPT_DELETIONS
        if oldest > 0 and self._db.all("DELETE FROM deletions WHERE change <= ? RETURNING 1", oldest):
            self._db.all("UPDATE counters SET value = ? WHERE name = 'forgotten'", oldest)


def stored(row: tuple[Any, ...]) -> Stored:
    """An object from its row."""
    key, file, size, etag, modified, change, about = row
    return Stored(bytes(key).decode(), file, size, etag, modified, change, About.of(about))


def unreadable(key: str) -> S3Error:
    """The refusal of an object whose file is gone, as only a damaged disk makes it."""
    return S3Error("InternalError", "The file of this object is missing on the disk of the embedded S3.", Key=key)
