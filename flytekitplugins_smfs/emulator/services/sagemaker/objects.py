"""S3 as jobs see it: the bucket directories, by S3 URL."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ...registry import Context


class NoSuchBucket(Exception):
    """The bucket of an S3 URL does not exist."""


def split(url: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an ``s3://`` or ``https://`` URL."""
    rest = url.split("://", 1)[1]
    bucket, _, key = rest.partition("/")
    if url.startswith("https://"):
        bucket = bucket.split(".s3", 1)[0]
    return bucket, key


def bucket_directory(ctx: Context, url: str) -> Path:
    """Where a URL's bucket lies. Raises NoSuchBucket."""
    directory = ctx.paths.buckets / split(url)[0]
    if not directory.is_dir():
        raise NoSuchBucket(split(url)[0])
    return directory


def keys(ctx: Context, url: str) -> list[str]:
    """The keys that begin with the URL's prefix, in S3's order."""
    bucket = bucket_directory(ctx, url)
    prefix = split(url)[1]
    start = bucket / prefix.rpartition("/")[0]
    found = (path.relative_to(bucket).as_posix() for path in _files(start))
    return sorted(key for key in found if key.startswith(prefix))


def file(ctx: Context, bucket: str, key: str) -> Path:
    """The file that holds an object."""
    return ctx.paths.buckets / bucket / key


def publish(ctx: Context, source: Path, url: str) -> None:
    """Make a file the object of a URL, in one step. Raises NoSuchBucket."""
    target = bucket_directory(ctx, url) / split(url)[1]
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming = ctx.paths.jobs / f".incoming-{os.getpid()}-{abs(hash(url))}"
    shutil.copyfile(source, incoming)
    incoming.replace(target)


def missing_objects(ctx: Context, url: str, role: str) -> str | None:
    """AWS's text when nothing lies under an S3 URL, else None."""
    bucket = split(url)[0]
    detail = ""
    try:
        if keys(ctx, url):
            return None
    except NoSuchBucket:
        detail = " Error message from S3: The specified bucket does not exist"
    return (
        f'No S3 objects found under S3 URL "{url}" given in input data source. Please ensure that the bucket exists in '
        f'the selected region ({ctx.region}), that objects exist under that S3 prefix, and that the role "{role}" has '
        f'"s3:ListBucket" permissions on bucket "{bucket}".{detail}'
    )


def _files(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        for name in names:
            yield Path(folder, name)
