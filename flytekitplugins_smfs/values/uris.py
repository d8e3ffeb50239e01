"""S3 URIs and POSIX paths, as text."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flytekitplugins_smfs.values.errors import InvalidSpec, Problem

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
S3Uri = Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$", max_length=1024)]


def s3_bucket_and_key(uri: str) -> tuple[str, str]:
    """Split `s3://bucket/key` into bucket and key (no leading slash; may be empty)."""
    if not uri.startswith("s3://") or len(uri) <= len("s3://"):
        raise InvalidSpec("The S3 URI", [Problem("uri", f"{uri!r} must begin with 's3://' and a bucket.")])
    bucket, _, key = uri[len("s3://") :].partition("/")
    return bucket, key


def s3_join(uri: str, *parts: str) -> str:
    """Join key parts onto an S3 URI with single slashes."""
    return "/".join([uri.rstrip("/"), *(part.strip("/") for part in parts if part.strip("/"))])


def normal_path(path: str) -> str:
    """An absolute path with single slashes and no trailing one."""
    return "/" + "/".join(part for part in path.split("/") if part)


def join(*parts: str) -> str:
    """Join absolute path parts into one normal absolute path."""
    return normal_path("/".join(parts))
