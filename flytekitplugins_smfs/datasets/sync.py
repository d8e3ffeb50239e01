"""Make an S3 prefix hold what a local directory holds, sending only what is not there yet.

An object counts as unchanged when its size and its content's MD5 agree with the file's. The MD5 is the object's
ETag, or, where the ETag is something else (multipart uploads, KMS encryption), what an earlier sync wrote into the
object's metadata together with its content. Time stamps decide nothing.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.bucket import open_bucket, translated
from flytekitplugins_smfs.datasets.destination import create_default_bucket, destination_uri
from flytekitplugins_smfs.datasets.files import LocalFile, check_fit, scan
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.dataset import Dataset
from flytekitplugins_smfs.values.errors import InvalidSpec, Missing, Problem, SmfsError
from flytekitplugins_smfs.values.uris import s3_bucket_and_key

IN_FLIGHT = 64
"""Files sent at once. Small files wait for the network, not for the machine."""
SMALL = 1 << 20
"""Up to this size a file is read into memory whole: at most IN_FLIGHT times this."""
LARGE_IN_FLIGHT = 8
PART = 8 << 20
PARTS_AT_ONCE = 4
MAX_PARTS = 10_000
MD5_KEY = "smfs-md5"


@dataclass(frozen=True)
class SyncProgress:
    """How far a sync is."""

    files: int
    size_bytes: int
    done_files: int = 0
    done_bytes: int = 0
    uploaded: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class _Object:
    size: int
    etag: str


@dataclass(frozen=True)
class _Sent:
    file: LocalFile
    md5: str
    uploaded: bool


def sync(
    aws: Aws,
    source: str | Path,
    destination: str,
    *,
    delete: bool = False,
    progress: Callable[[SyncProgress], None] | None = None,
    in_flight: int = IN_FLIGHT,
) -> Dataset:
    """Upload the directory `source` to the S3 prefix `destination` and say what was done.

    `destination` is `s3://bucket/prefix`, or a prefix under the default output location. With `delete`, objects
    under it that the directory does not have are removed, after everything was sent. `progress` is called in the
    caller's thread after each file. Raises InvalidSpec for what cannot be sent, and a kind of AwsFault.
    """
    started = datetime.now(UTC)
    files = scan(Path(source))
    uri = destination_uri(aws, destination)
    bucket, prefix = s3_bucket_and_key(uri)
    check_fit(Path(source), files, prefix)
    if delete and not prefix:
        rule = f"with delete, {uri} would lose everything else in the bucket."
        raise InvalidSpec("The destination", [Problem("destination", rule, "give a prefix in the bucket.")])
    target = _Target(open_bucket(aws, bucket, prefix), bucket, uri)
    try:
        there = target.objects()
    except Missing:
        if not create_default_bucket(aws, uri):
            raise
        there = {}
    sent = _send_all(target, files, there, progress, in_flight)
    gone = _superfluous(there, files) if delete else []
    target.remove(gone)
    uploaded = sum(one.uploaded for one in sent)
    return Dataset(
        uri=uri,
        files=len(files),
        size_bytes=sum(file.size for file in files),
        uploaded=uploaded,
        skipped=len(files) - uploaded,
        deleted=len(gone),
        digest=_digest(sent),
        timing=Timing(started_at=started, ended_at=datetime.now(UTC)),
    )


def _superfluous(there: dict[str, _Object], files: list[LocalFile]) -> list[str]:
    """Keys that the directory does not have. Consoles mark folders with empty objects; those of our own may stay."""
    folders = {str(folder) for file in files for folder in PurePosixPath(file.key).parents}
    kept = {file.key for file in files}
    return sorted(key for key, one in there.items() if key not in kept and (one.size or key not in folders))


def _send_all(
    target: _Target,
    files: list[LocalFile],
    there: dict[str, _Object],
    progress: Callable[[SyncProgress], None] | None,
    in_flight: int,
) -> list[_Sent]:
    state = SyncProgress(files=len(files), size_bytes=sum(file.size for file in files))
    sent: list[_Sent] = []
    pool = ThreadPoolExecutor(in_flight, thread_name_prefix="smfs-sync")
    try:
        waiting: list[Future[_Sent]] = [pool.submit(target.send, file, there.get(file.key)) for file in files]
        for future in as_completed(waiting):
            one = future.result()
            sent.append(one)
            state = replace(
                state,
                done_files=state.done_files + 1,
                done_bytes=state.done_bytes + one.file.size,
                uploaded=state.uploaded + one.uploaded,
                skipped=state.skipped + (not one.uploaded),
            )
            if progress:
                progress(state)
    finally:
        # After an error or Ctrl-C nothing new begins, large files stop after a part, small ones are waited for.
        target.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    return sent


class _Target:
    """The prefix that is written to."""

    def __init__(self, store: Any, bucket: str, uri: str) -> None:
        self.store = store
        self.bucket = bucket
        self.uri = uri
        self.stop = threading.Event()
        self._large = threading.BoundedSemaphore(LARGE_IN_FLIGHT)

    def objects(self) -> dict[str, _Object]:
        """What is under the prefix now, by key relative to it."""
        import obstore

        with translated(f"listing {self.uri}", "ListObjectsV2", self.bucket):
            return {
                item["path"]: _Object(int(item["size"]), str(item["e_tag"] or "").strip('"'))
                for batch in obstore.list(self.store)
                for item in batch
                if item["path"]  # the marker of the prefix itself, whose key obstore gives without its last slash
            }

    def send(self, file: LocalFile, known: _Object | None) -> _Sent:
        """Send the file unless its content is there."""
        with translated(f"uploading {file.path} to {self.uri}/{file.key}", "PutObject", self.bucket):
            if file.size <= SMALL:
                content = file.path.read_bytes()
                md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
                if self._same(file.key, len(content), md5, known):
                    return _Sent(file, md5, uploaded=False)
                self._put(file.key, content, md5, use_multipart=False)
                return _Sent(file, md5, uploaded=True)
            with self._large:
                return self._send_large(file, known)

    def _send_large(self, file: LocalFile, known: _Object | None) -> _Sent:
        with file.path.open("rb") as stream:
            md5 = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if self._same(file.key, file.size, md5, known):
            return _Sent(file, md5, uploaded=False)
        part = max(PART, -(-file.size // MAX_PARTS))
        reasons: list[SmfsError] = []
        parts = self._parts(file.path, md5, part, reasons)
        try:
            self._put(file.key, parts, md5, chunk_size=part, max_concurrency=PARTS_AT_ONCE)
        except Exception:
            if reasons:  # obstore may name a part that failed because the upload was aborted
                raise reasons[0] from None
            raise
        return _Sent(file, md5, uploaded=True)

    def _parts(self, path: Path, md5: str, size: int, reasons: list[SmfsError]) -> Iterator[bytes]:
        """The file in parts. An exception, noted in `reasons`, aborts the upload: what was there before stays."""
        seen = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as stream:
            while part := stream.read(size):
                if self.stop.is_set():
                    reasons.append(SmfsError(f"Uploading {path} was stopped."))
                    raise reasons[0]
                seen.update(part)
                yield part
        if seen.hexdigest() != md5:
            told = f"{path} changed while it was uploaded. Upload again once nothing writes to it."
            reasons.append(SmfsError(told))
            raise reasons[0]

    def _put(self, key: str, content: bytes | Iterator[bytes], md5: str, **how: Any) -> None:
        import obstore

        obstore.put(self.store, key, content, attributes={MD5_KEY: md5}, **how)

    def _same(self, key: str, size: int, md5: str, known: _Object | None) -> bool:
        import obstore

        if known is None or known.size != size:
            return False
        if known.etag == md5:
            return True
        attributes = obstore.get(self.store, key, options={"head": True}).attributes
        return bool(attributes.get(MD5_KEY) == md5)

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects, 1,000 in a request."""
        import obstore

        gone = list(keys)
        if gone:
            with translated(f"removing {len(gone)} objects from {self.uri}", "DeleteObjects", self.bucket):
                obstore.delete(self.store, gone)


def _digest(sent: Iterable[_Sent]) -> str:
    lines = sorted(f"{one.md5}  {one.file.key}\n" for one in sent)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:32]
