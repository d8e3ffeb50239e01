"""What may be called what: buckets and keys."""

import ipaddress
import re

from .errors import S3Error

MAX_KEY_BYTES = 1024
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_STARTS = ("xn--", "sthree-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_bucket(name: str) -> None:
    """Refuse a name that no bucket can have.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    good = (
        _BUCKET.fullmatch(name)
        and ".." not in name
        and not name.startswith(_RESERVED_STARTS)
        and not name.endswith(_RESERVED_ENDS)
        and not _is_address(name)
    )
    if not good:
        raise S3Error("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)


def check_key(key: str) -> bytes:
    """The key as it is kept, in UTF-8. Any string up to 1,024 bytes is a key."""
    try:
        encoded = key.encode()
    except UnicodeEncodeError:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI.", Key=ascii(key)) from None
    if len(encoded) > MAX_KEY_BYTES:
        text = "Your key is too long"
        raise S3Error("KeyTooLongError", text, Size=len(encoded), MaxSizeAllowed=MAX_KEY_BYTES)
    return encoded


def after_prefix(prefix: bytes) -> bytes | None:
    """The least string above all that begin with the prefix; None when there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True
