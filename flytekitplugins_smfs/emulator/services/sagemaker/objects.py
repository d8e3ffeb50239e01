"""S3 as jobs see it: objects by S3 URL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...guard import Tree, is_bucket_name
from ...objects import S3Error, Stored
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


def listed(ctx: Context, url: str) -> list[Stored]:
    """The objects whose keys begin with the URL's prefix, in S3's order. Raises NoSuchBucket."""
    bucket, prefix = split(url)
    _check(ctx, bucket)
    return list(ctx.objects.listing.every(bucket, prefix))


def find(ctx: Context, bucket: str, key: str) -> Stored | None:
    """The object of a key, if there is one. Raises NoSuchBucket."""
    _check(ctx, bucket)
    return ctx.objects.contents.find(bucket, key)


@contextmanager
def reading(ctx: Context, bucket: str, key: str) -> Iterator[BinaryIO]:
    """An object's content. Raises FileNotFoundError where there is none."""
    try:
        _, descriptor = ctx.objects.open(bucket, key)
    except S3Error as error:
        if error.status != 404:
            raise
        raise FileNotFoundError(f"s3://{bucket}/{key}") from None
    with os.fdopen(descriptor, "rb") as content:
        yield content


def publish(ctx: Context, source: Path, url: str) -> None:
    """Make a file the object of a URL, in one step. Raises NoSuchBucket; S3Error for a key that S3 refuses.

    The source is a regular file that a job may have put a link or a pipe in the place of: then it is Outside.
    """
    bucket, key = split(url)
    _check(ctx, bucket)
    with Tree(source.parent) as folder, folder.read(source.name) as content:
        ctx.objects.put_open(bucket, key, content.fileno())


def missing_objects(ctx: Context, url: str, role: str) -> str | None:
    """AWS's text when nothing lies under an S3 URL, else None."""
    bucket, prefix = split(url)
    detail = ""
    try:
        _check(ctx, bucket)
        if ctx.objects.listing.any(bucket, prefix):
            return None
    except NoSuchBucket:
        detail = " Error message from S3: The specified bucket does not exist"
    return (
        f'No S3 objects found under S3 URL "{url}" given in input data source. Please ensure that the bucket exists in '
        f'the selected region ({ctx.region}), that objects exist under that S3 prefix, and that the role "{role}" has '
        f'"s3:ListBucket" permissions on bucket "{bucket}".{detail}'
    )


def _check(ctx: Context, bucket: str) -> None:
    if not is_bucket_name(bucket) or ctx.objects.buckets.find(bucket) is None:
        raise NoSuchBucket(bucket)
