"""Where in S3 something goes."""

from __future__ import annotations

import re

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.files import CONTROL, MAX_KEY_BYTES
from flytekitplugins_smfs.values.errors import AwsFault, InvalidSpec, Problem
from flytekitplugins_smfs.values.uris import s3_bucket_and_key, s3_join

BUCKET = re.compile(r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")


def destination_uri(aws: Aws, destination: str) -> str:
    """`s3://bucket/prefix` of a destination: a full URI, or a prefix under the default output location."""
    given = destination.strip()
    if "://" not in given:
        _check_prefix(given, given.removeprefix("/").removesuffix("/"))
        return s3_join(aws.default_output_uri(), given)
    bucket, key = s3_bucket_and_key(given)
    if not BUCKET.match(bucket):
        rule = f"{bucket!r} is not a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens."
        raise InvalidSpec("The destination", [Problem("destination", rule)])
    if key:
        _check_prefix(key, key.removesuffix("/"))
    return s3_join(f"s3://{bucket}", key)


def _check_prefix(given: str, prefix: str) -> None:
    parts = prefix.split("/")
    rule = ""
    if not all(parts) or any(part in (".", "..") for part in parts) or CONTROL.search(prefix):
        rule = "parts between single slashes, none of them empty, '.' or '..', and no control characters"
    elif parts[0].lower().startswith("s3:"):
        rule = "an S3 URI has two slashes after 's3:'"
    if rule:
        fix = "use 's3://bucket/prefix', or a prefix such as 'digits'."
        raise InvalidSpec("The destination", [Problem("destination", f"{given!r} is not a prefix: {rule}.", fix)])
    if len(prefix.encode("utf-8", "surrogateescape")) > MAX_KEY_BYTES:
        rule = f"a prefix of more than {MAX_KEY_BYTES} bytes."
        raise InvalidSpec("The destination", [Problem("destination", rule, "shorten it.")])


def create_default_bucket(aws: Aws, uri: str) -> bool:
    """Create SageMaker's default bucket if `uri` is in it, as SageMaker's own SDK does. False for any other bucket:
    a bucket that somebody named is theirs to create."""
    bucket, _ = s3_bucket_and_key(uri)
    if aws.settings.output_uri or not bucket.startswith(f"sagemaker-{aws.region}-"):
        return False
    if bucket != s3_bucket_and_key(aws.default_output_uri())[0]:
        return False
    request: dict[str, object] = {"Bucket": bucket}
    if aws.region != "us-east-1":
        request["CreateBucketConfiguration"] = {"LocationConstraint": aws.region}
    try:
        aws.call("s3", "CreateBucket", request, doing=f"creating the bucket {bucket}")
    except AwsFault as fault:
        if fault.code != "BucketAlreadyOwnedByYou":  # another run was quicker
            raise
    return True
