"""The buckets."""

import time
from collections.abc import Mapping

from . import names, settings
from .database import Database
from .errors import S3Error, no_such_bucket
from .records import Bucket


class Buckets:
    """Makes, finds and removes buckets. What a name leads to is looked up each time: other processes write too."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str) -> Bucket:
        """The bucket of a name. Raises S3Error NoSuchBucket."""
        found = self.find(name)
        if found is None:
            raise no_such_bucket(name)
        return found

    def find(self, name: str) -> Bucket | None:
        row = self._db.one("SELECT id, name, region, created FROM buckets WHERE name = ?", name)
        return Bucket(*row) if row else None

    def encryption(self, bucket: Bucket) -> Mapping[str, str]:
        """How what comes without a word about it is encrypted there, as `About.encryption`; empty for S3's own keys."""
        sql = "SELECT body FROM documents WHERE bucket = ? AND kind = ? AND id = ''"
        row = self._db.one(sql, bucket.id, settings.ENCRYPTION)
        return settings.encryption(bytes(row[0])) if row else {}

    def all(self, prefix: str = "", after: str = "", limit: int = -1) -> list[Bucket]:
        """Buckets by name."""
        sql = (
            "SELECT id, name, region, created FROM buckets WHERE name > ? AND name >= ? AND name < ? "
            "ORDER BY name LIMIT ?"
        )
        return [Bucket(*row) for row in self._db.all(sql, after, prefix, prefix + "\x7f", limit)]

    def create(self, name: str, region: str) -> Bucket:
        """Make a bucket. One's own again is fine in us-east-1, and BucketAlreadyOwnedByYou elsewhere."""
        names.check_bucket(name)
        with self._db.transaction():
            there = self.find(name)
            if there is not None:
                if there.region == region == "us-east-1":
                    return there
                text = "Your previous request to create the named bucket succeeded and you already own it."
                raise S3Error("BucketAlreadyOwnedByYou", text, BucketName=name)
            now = int(time.time())
            self._db.all("INSERT INTO buckets (name, region, created) VALUES (?, ?, ?)", name, region, now)
            return self.get(name)

    def ensure(self, name: str, region: str) -> Bucket:
        """The bucket of a name, made if there is none."""
        with self._db.transaction():
            return self.find(name) or self.create(name, region)

    def delete(self, name: str) -> None:
        """Remove an empty bucket, with what was said of it and the uploads that never ended."""
        with self._db.transaction():
            bucket = self.get(name)
            if self._db.one("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", bucket.id):
                text = "The bucket you tried to delete is not empty"
                raise S3Error("BucketNotEmpty", text, BucketName=name)
            of_uploads = "upload IN (SELECT id FROM uploads WHERE bucket = ?)"
            for (file,) in self._db.all(f"DELETE FROM parts WHERE {of_uploads} RETURNING file", bucket.id):
                self._db.discard(file)
            for table in ("uploads", "documents", "deletions", "completed"):
                self._db.all(f"DELETE FROM {table} WHERE bucket = ?", bucket.id)
            self._db.all("DELETE FROM buckets WHERE id = ?", bucket.id)
            # What was deleted in it is forgotten: who follows changes has to compare.
            self._db.all("UPDATE counters SET value = ? WHERE name = 'forgotten'", self._db.next_change())
