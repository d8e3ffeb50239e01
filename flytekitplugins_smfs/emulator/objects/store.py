"""The object store: an S3 without the wire. Several processes may open one store at once."""

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .buckets import Buckets
from .checksums import CRC64NVME
from .contents import Changes, Contents, unreadable
from .database import Database
from .documents import Documents
from .files import Files, remove_in_background
from .intake import take_in, take_in_path, write_bytes
from .listing import Listing
from .records import About, Content, Stored
from .uploads import Uploads

_CONTENT_TYPE = {"content-type": "binary/octet-stream"}


class ObjectStore:
    """Buckets and objects below one directory: an index (SQLite) and immutable files.

    Raises StoreDamaged when the index cannot be read; refuses in S3's words (S3Error) what S3 refuses.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.files = Files(directory / "files")
        self.database = Database(directory / "index.db", self.files)
        self.buckets = Buckets(self.database)
        self.contents = Contents(self.database, self.buckets)
        self.listing = Listing(self.database, self.buckets)
        self.documents = Documents(self.database, self.buckets)
        self.uploads = Uploads(self.database, self.files, self.buckets, self.contents)

    def put_file(self, bucket: str, key: str, source: Path, modified: float | None = None) -> Stored:
        """Make a copy of a regular file the object of a key. Raises OSError; a link is not followed."""
        return self._put(bucket, key, take_in_path(self.files, source, [CRC64NVME]), modified)

    def put_open(self, bucket: str, key: str, source: int, metadata: dict[str, str] | None = None) -> Stored:
        """``put_file`` of a regular file that is open. ``metadata`` is the user's, names in lower case."""
        return self._put(bucket, key, take_in(self.files, source, [CRC64NVME]), None, metadata)

    def put_bytes(self, bucket: str, key: str, data: bytes) -> Stored:
        """Make these bytes the object of a key."""
        return self._put(bucket, key, write_bytes(self.files, data, [CRC64NVME]), None)

    def read(self, bucket: str, key: str) -> bytes:
        """The whole content of an object. Raises S3Error NoSuchKey."""
        descriptor = self.open(bucket, key)[1]
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read()

    def open(self, bucket: str, key: str) -> tuple[Stored, int]:
        """An object and a descriptor to read it by, which the caller closes. Raises S3Error NoSuchKey."""
        while True:
            found = self.contents.get(bucket, key)
            try:
                return found, self.files.open(found.file)
            except FileNotFoundError:
                if self.contents.find(bucket, key) == found:  # otherwise it was replaced or deleted between the two
                    raise unreadable(key) from None

    def fetch(self, bucket: str, stored: Stored, target: Path, linked: bool = False) -> None:
        """Give an object's content to somebody as a new file; see ``Files.fetch``.

        What was replaced since it was listed is fetched as it is now. Raises S3Error NoSuchKey if it is gone.
        """
        while True:
            try:
                return self.files.fetch(stored.file, target, linked)
            except FileNotFoundError:
                if not target.parent.is_dir():
                    raise
            current = self.contents.get(bucket, stored.key)
            if current == stored:
                raise unreadable(stored.key)
            stored = current

    def changes(self, bucket: str, prefix: str, since: int) -> Changes:
        """What was written and deleted below a prefix after a change number; see ``Contents.changes``."""
        return self.contents.changes(bucket, prefix, since)

    def sweep(self) -> threading.Thread:
        """Remove, in the background, the files that no row names: writes that never ended.

        Only while nobody else has the store open: what comes later is left alone.
        """
        there = set(self.files.names())
        for table in ("objects", "parts"):
            there -= {str(row[0]) for row in self.database.all(f"SELECT file FROM {table}")}
        return remove_in_background(self.files, list(there))

    def clear(self) -> None:
        """Forget all buckets and objects at once; their files go in the background."""
        remove_in_background(self.files, self.database.clear())

    def close(self) -> None:
        self.database.close()

    def _put(
        self,
        bucket: str,
        key: str,
        content: Content,
        modified: float | None,
        metadata: dict[str, str] | None = None,
    ) -> Stored:
        about = About(_CONTENT_TYPE, metadata or {}, checksums=content.checksums)
        with self.keeping([content.file]):
            return self.contents.put(bucket, key, content, about, modified=modified)

    def keeping(self, files: Iterable[str]) -> "_Keeping":
        """A context that removes files when what should have named them fails."""
        return _Keeping(self.files, list(files))


class _Keeping:
    def __init__(self, files: Files, names: list[str]) -> None:
        self._files = files
        self._names = names

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            with suppress(OSError):
                self._files.discard(self._names)
