"""S3 as jobs see it: the bucket directories, by S3 URL."""

import shutil
from pathlib import Path

from ...guard import Outside, Tree, is_bucket_name, names
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
    bucket = split(url)[0]
    directory = ctx.paths.buckets / bucket
    if not is_bucket_name(bucket) or not directory.is_dir():
        raise NoSuchBucket(bucket)
    return directory


def keys(ctx: Context, url: str) -> list[str]:
    """The keys that begin with the URL's prefix, in S3's order."""
    prefix = split(url)[1]
    folder = prefix.rpartition("/")[0]
    with Tree(bucket_directory(ctx, url)) as bucket:
        try:
            found = [f"{folder}/{name}" if folder else name for name, _ in bucket.files(folder)]
        except Outside:
            return []
    return sorted(key for key in found if key.startswith(prefix))


def file(ctx: Context, bucket: str, key: str) -> Path:
    """The file that holds an object. Raises FileNotFoundError for a bucket or a key that cannot be."""
    try:
        if is_bucket_name(bucket) and names(key):
            return ctx.paths.buckets / bucket / key
    except Outside:
        pass
    raise FileNotFoundError(f"s3://{bucket}/{key}")


def publish(ctx: Context, source: Path, url: str) -> None:
    """Make a file the object of a URL, in one step. Raises NoSuchBucket; Outside for a key that no file can have.

    The source is a regular file that a job may have put a link or a pipe in the place of: then it is Outside, too.
    """
    with (
        Tree(source.parent) as folder,
        folder.read(source.name) as content,
        Tree(bucket_directory(ctx, url)) as bucket,
        bucket.replacing(split(url)[1]) as copy,
    ):
        shutil.copyfileobj(content, copy)


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
