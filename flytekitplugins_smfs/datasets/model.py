"""A trained model as SageMaker leaves it: model.tar.gz in S3."""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.bucket import open_bucket, translated
from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.uris import s3_bucket_and_key

LARGEST = 20 << 30
"""Bytes that an archive may unpack to, unless the caller allows more."""
MOST = 100_000
"""Members that an archive may have."""
SPOILT = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError)


def download(aws: Aws, uri: str, target: Path) -> Path:
    """Stream the object `uri` into the file `target`. Raises Missing when there is none."""
    import obstore

    bucket, key = s3_bucket_and_key(uri)
    partial = target.with_name(target.name + ".part")
    try:
        with translated(f"downloading {uri}", "GetObject", bucket):
            answer = obstore.get(open_bucket(aws, bucket), key)
            with partial.open("wb") as stream:
                for chunk in answer:
                    stream.write(chunk)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def download_model(aws: Aws, model_uri: str, directory: Path, *, largest: int = LARGEST) -> Path:
    """Download a model.tar.gz and unpack it into `directory`/model; give that directory."""
    archive = download(aws, model_uri, directory / "model.tar.gz")
    return extract(archive, directory / "model", largest=largest)


def extract(archive: Path, directory: Path, *, largest: int = LARGEST) -> Path:
    """Unpack a tar archive into `directory`, all of it. Raises SmfsError for one that is spoilt, holds devices, names
    or links that lead elsewhere, or more than `largest` bytes."""
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            for member in _within(tar, archive, largest):
                tar.extract(member, directory, filter="data")
            # What follows the last member ends with the checksum of the whole, which is compared on reading it.
            while tar.fileobj and tar.fileobj.read(1 << 20):
                continue
    except SPOILT as error:
        raise SmfsError(f"{archive} cannot be unpacked safely: {error}") from error
    return directory


def _within(tar: tarfile.TarFile, archive: Path, largest: int) -> Iterator[tarfile.TarInfo]:
    size = 0
    for count, member in enumerate(tar, 1):
        size += member.size
        if size > largest:
            raise SmfsError(f"{archive} unpacks to more than {largest:,} bytes; nothing more was unpacked.")
        if count > MOST:
            raise SmfsError(f"{archive} holds more than {MOST:,} files; nothing more was unpacked.")
        # Stricter than the filter, whose look through chains of links can be deceived in some versions of Python.
        if ".." in member.name.split("/") or (member.issym() and ".." in member.linkname.split("/")):
            raise SmfsError(f"{archive} cannot be unpacked safely: {member.name!r} leads upwards.")
        yield member
