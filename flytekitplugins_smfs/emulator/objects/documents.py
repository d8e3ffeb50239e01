"""The small documents that a bucket keeps: tags, policy, lifecycle and the like, as they were given."""

from .buckets import Buckets
from .database import Database


class Documents:
    """Documents by bucket, kind and id; the id is empty for those of which a bucket has one."""

    def __init__(self, database: Database, buckets: Buckets) -> None:
        self._db = database
        self._buckets = buckets

    def get(self, bucket: str, kind: str, id: str = "") -> bytes | None:
        """A document, or None if there is none. Raises S3Error NoSuchBucket."""
        sql = "SELECT body FROM documents WHERE bucket = ? AND kind = ? AND id = ?"
        row = self._db.one(sql, self._buckets.get(bucket).id, kind, id)
        return bytes(row[0]) if row else None

    def all(self, bucket: str, kind: str) -> list[bytes]:
        """All documents of a kind, by id."""
        sql = "SELECT body FROM documents WHERE bucket = ? AND kind = ? ORDER BY id"
        return [bytes(row[0]) for row in self._db.all(sql, self._buckets.get(bucket).id, kind)]

    def put(self, bucket: str, kind: str, body: bytes, id: str = "") -> None:
        """Keep a document in place of the one before."""
        with self._db.transaction():
            sql = "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
            self._db.all(sql, self._buckets.get(bucket).id, kind, id, body)

    def delete(self, bucket: str, kind: str, id: str = "") -> bool:
        """Forget a document; False if there was none."""
        with self._db.transaction():
            sql = "DELETE FROM documents WHERE bucket = ? AND kind = ? AND id = ? RETURNING 1"
            return bool(self._db.all(sql, self._buckets.get(bucket).id, kind, id))
