"""Multipart uploads: parts are files, and the object is joined from them in the kernel.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

import hashlib
import itertools
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import checksums, names
from .buckets import Buckets
from .conditions import Conditions
from .contents import Contents
from .database import Database
from .errors import S3Error, no_such_upload
from .files import Files
from .listing import Page, Row, Wanted, folded
from .records import COMPOSITE, About, Content, Part, Stored, Upload

MAX_PARTS = 10_000
MIN_PART_BYTES = 5 << 20
_REMEMBERED = 1000
"""Completed uploads that are still known, so that a repeated completion gets the same answer."""
_COLUMNS = "key, id, bucket, started, algorithm, checksum_type, asked, about"


@dataclass(frozen=True)
class Claim:
    """What a completion says of one part."""

    number: int
    etag: str
    checksums: dict[str, str]


@dataclass(frozen=True)
class Done:
    """A completed upload."""

    etag: str
    about: About


class Uploads:
    """Begins, fills, lists, completes and aborts uploads."""

    def __init__(self, database: Database, files: Files, buckets: Buckets, contents: Contents) -> None:
        self._db = database
        self._files = files
        self._buckets = buckets
        self._contents = contents

    def create(self, bucket: str, key: str, about: About, algorithm: str, checksum_type: str, asked: bool) -> Upload:
        """Begin an upload."""
        with self._db.transaction():
            owner = self._buckets.get(bucket)
            if not about.encryption:  # what the bucket's default is now holds, and not what it is at the end
                about = replace(about, encryption=dict(self._buckets.encryption(owner)) or {"": "AES256"})
            id = f"{time.time_ns():016x}{secrets.token_urlsafe(32)}"  # begins with its age, by which uploads are listed
            new = Upload(id, owner.id, key, time.time(), algorithm, checksum_type, asked, about)
            self._db.all(
                "INSERT INTO uploads (key, id, bucket, started, algorithm, checksum_type, asked, about) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                names.check_key(key), new.id, owner.id, new.started, algorithm, checksum_type, asked, about.text(),
            )  # fmt: skip
            return new

    def get(self, bucket: str, key: str, id: str) -> Upload:
        """An upload under way. Raises S3Error NoSuchUpload."""
        row = self._db.one(f"SELECT {_COLUMNS} FROM uploads WHERE id = ?", id)
        upload = _upload(row) if row else None
        if upload is None or upload.key != key or upload.bucket != self._buckets.get(bucket).id:
            raise no_such_upload(id)
        return upload

    def put_part(self, upload: Upload, bucket: str, number: int, content: Content) -> Part:
        """Add or replace a part. Its checksum is that of the upload's algorithm."""
        part = Part(number, content.file, content.size, content.md5, time.time(), content.checksums[upload.algorithm])
        with self._db.transaction():
            self.get(bucket, upload.key, upload.id)
            for (file,) in self._db.all(
                "DELETE FROM parts WHERE upload = ? AND number = ? RETURNING file", upload.id, number
            ):
                self._db.discard(file)
            self._db.all(
                "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)",
                upload.id, number, part.file, part.size, part.etag, part.modified, part.checksum,
            )  # fmt: skip
        return part

    def parts(self, upload: Upload, after: int = 0, limit: int = MAX_PARTS) -> list[Part]:
        """The parts that are there, by number."""
        sql = (
            "SELECT number, file, size, etag, modified, checksum FROM parts WHERE upload = ? AND number > ? "
            "ORDER BY number LIMIT ?"
        )
        return [Part(*row) for row in self._db.all(sql, upload.id, after, limit)]

    def abort(self, bucket: str, key: str, id: str) -> None:
        """Give an upload up; its parts go."""
        with self._db.transaction():
            upload = self.get(bucket, key, id)
            self._forget(upload)

    def page(self, bucket: str, wanted: Wanted, after_id: str = "") -> Page[Upload]:
        """One page of the uploads under way, by key and age; of the marker's key only those after ``after_id``."""
        page: Page[Upload] = Page()
        prefix, delimiter, after = wanted.prefix.encode(), wanted.delimiter.encode(), wanted.after.encode()
        sql = f"SELECT {_COLUMNS} FROM uploads WHERE bucket = ? AND key >= ? ORDER BY key, id"
        for row in self._db.all(sql, self._buckets.get(bucket).id, prefix):
            upload = _upload(row)
            key = upload.key.encode()
            if not key.startswith(prefix):
                break
            shown = folded(key, prefix, delimiter)
            place = shown or key
            if place < after or (place == after and not (shown is None and "" < after_id < upload.id)):
                continue
            if shown is not None and page.prefixes[-1:] == [shown.decode()]:
                continue
            if len(page.items) + len(page.prefixes) >= wanted.limit:
                page.truncated = wanted.limit > 0
                break
            page.last = (shown or key).decode()
            if shown is None:
                page.items.append(upload)
            else:
                page.prefixes.append(page.last)
        return page

    def completed(self, bucket: str, key: str, id: str) -> Done | None:
        """What a completed upload became, if it is still remembered."""
        owner = self._buckets.get(bucket).id
        sql = "SELECT etag, about FROM completed WHERE upload = ? AND bucket = ? AND key = ?"
        row = self._db.one(sql, id, owner, key.encode())
        return Done(row[0], About.of(row[1])) if row else None

    def chosen(self, upload: Upload, claims: Sequence[Claim]) -> list[Part]:
        """The parts that a completion names, checked. Raises S3Error InvalidPart, InvalidPartOrder, EntityTooSmall."""
        there = {part.number: part for part in self.parts(upload)}
        numbers = [claim.number for claim in claims]
        if any(one >= other for one, other in itertools.pairwise(numbers)):
            text = "The list of parts was not in ascending order. Parts must be ordered by part number."
            raise S3Error("InvalidPartOrder", text, UploadId=upload.id)
        chosen = [_claimed(upload, claim, there.get(claim.number)) for claim in claims]
        for part in chosen[:-1]:
            if part.size < MIN_PART_BYTES:
                text = "Your proposed upload is smaller than the minimum allowed size"
                raise S3Error(
                    "EntityTooSmall", text, ProposedSize=part.size, MinSizeAllowed=MIN_PART_BYTES,
                    PartNumber=part.number, ETag=part.etag,
                )  # fmt: skip
        return chosen

    def join(self, parts: Sequence[Part]) -> str:
        """A file with the parts' content. It takes as long as the disk does: call it outside any transaction."""
        if len(parts) == 1:
            return self._files.same(parts[0].file)
        return self._files.join(part.file for part in parts)

    def summed(self, upload: Upload, parts: Sequence[Part]) -> Done:
        """ETag and checksum of the whole, from those of its parts."""
        digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts), usedforsecurity=False)
        if upload.checksum_type == COMPOSITE:
            whole = checksums.of_parts(upload.algorithm, [part.checksum for part in parts])
        else:
            whole = checksums.of_whole(upload.algorithm, [(part.checksum, part.size) for part in parts])
        shown = upload.asked and upload.checksum_type == COMPOSITE
        about = replace(
            upload.about,
            checksums={upload.algorithm: whole},
            checksum_type=upload.checksum_type,
            parts=[[number, part.size, part.checksum if shown else None] for number, part in enumerate(parts, 1)],
        )
        return Done(f"{digest.hexdigest()}-{len(parts)}", about)

    def finish(
        self, bucket: str, upload: Upload, parts: Sequence[Part], file: str, done: Done, conditions: Conditions
    ) -> Stored:
        """Make the joined file the object. Raises S3Error when the upload or its parts changed meanwhile."""
        with self._db.transaction():
            self.get(bucket, upload.key, upload.id)
            now = {part.number: part.file for part in self.parts(upload)}
            if any(now.get(part.number) != part.file for part in parts):
                raise _invalid_part(upload, next(part.number for part in parts if now.get(part.number) != part.file))
            content = Content(file, sum(part.size for part in parts), "")
            stored = self._contents.put(bucket, upload.key, content, done.about, conditions, etag=done.etag)
            self._forget(upload)
            self._db.all(
                "INSERT INTO completed (upload, bucket, key, etag, about) VALUES (?, ?, ?, ?, ?)",
                upload.id, upload.bucket, upload.key.encode(), done.etag, done.about.text(),
            )  # fmt: skip
            self._db.all("DELETE FROM completed WHERE number <= (SELECT max(number) FROM completed) - ?", _REMEMBERED)
            return stored

    def _forget(self, upload: Upload) -> None:
        for (file,) in self._db.all("DELETE FROM parts WHERE upload = ? RETURNING file", upload.id):
            self._db.discard(file)
        self._db.all("DELETE FROM uploads WHERE id = ?", upload.id)


def _claimed(upload: Upload, claim: Claim, part: Part | None) -> Part:
    if part is None or claim.etag.strip('"') != part.etag:
        raise _invalid_part(upload, claim.number)
    given = claim.checksums.get(upload.algorithm)
    if given is None and upload.asked and upload.checksum_type == COMPOSITE:
        name = upload.algorithm.lower()
        text = (
            f"The upload was created using a {name} checksum. The complete request must include the checksum for "
            f"each part. It was missing for part {claim.number} in the request."
        )
        raise S3Error("InvalidRequest", text)
    if given is not None and given != part.checksum:
        raise _invalid_part(upload, claim.number)
    return part


def _invalid_part(upload: Upload, number: int) -> S3Error:
    text = (
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag."
    )
    return S3Error("InvalidPart", text, UploadId=upload.id, PartNumber=number)


def _upload(row: Row) -> Upload:
    key, id, bucket, started, algorithm, checksum_type, asked, about = row
    return Upload(
        id,
        bucket,
        bytes(key).decode(),
        started,
        algorithm,
        checksum_type,
        bool(asked),
        About.of(about),
    )
