"""The sums that S3 knows, computed while bytes pass, and put together from those of parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol

from awscrt import checksums as crt

from .errors import S3Error

CRC32, CRC32C, CRC64NVME, SHA1, SHA256 = "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"
ALGORITHMS = (CRC32, CRC32C, CRC64NVME, SHA1, SHA256)
HEADERS = {f"x-amz-checksum-{name.lower()}": name for name in ALGORITHMS}
WIDTHS = {CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32}
"""Bytes of a sum."""

_Combine = Callable[[int, int, int], int]
_COMBINE: dict[str, _Combine] = {
    CRC32: crt.combine_crc32,
    CRC32C: crt.combine_crc32c,
    CRC64NVME: crt.combine_crc64nvme,
}
LINEAR = tuple(_COMBINE)
"""Those whose sum of a whole follows from the sums of its parts."""


class Sum(Protocol):
    """Something that bytes pass through."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    """A CRC with the interface of hashlib's."""

    def __init__(self, function: Callable[[bytes, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


def new(algorithm: str) -> Sum:
    """A sum of no bytes."""
    if algorithm == CRC32:
        return _Crc(crt.crc32, 4)
    if algorithm == CRC32C:
        return _Crc(crt.crc32c, 4)
    if algorithm == CRC64NVME:
        return _Crc(crt.crc64nvme, 8)
    return hashlib.sha1(usedforsecurity=False) if algorithm == SHA1 else hashlib.sha256()


def encoded(digest: bytes) -> str:
    """A sum as headers and documents write it: base64."""
    return base64.b64encode(digest).decode("ascii")


def decoded(value: str, width: int) -> bytes | None:
    """The bytes of a base64 sum, or None if it is not one of that width."""
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    return digest if len(digest) == width else None


def check_form(algorithm: str, value: str) -> None:
    """Refuse what cannot be a sum of that algorithm."""
    if decoded(value, WIDTHS[algorithm]) is None:
        raise S3Error("InvalidRequest", f"Value for x-amz-checksum-{algorithm.lower()} header is invalid.")


def bad_digest(algorithm: str) -> S3Error:
    """The refusal of content that is not what its sum says."""
    return S3Error("BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")


def of_whole(algorithm: str, parts: Iterable[tuple[str, int]]) -> str:
    """The sum of a whole from those of its parts and their sizes, for the linear ones."""
    combine = _COMBINE[algorithm]
    width = WIDTHS[algorithm]
    value = 0
    for checksum, size in parts:
        value = combine(value, int.from_bytes(base64.b64decode(checksum), "big"), size)
    return encoded(value.to_bytes(width, "big"))


def of_parts(algorithm: str, parts: list[str]) -> str:
    """The composite sum: the sum of the parts' sums, and how many there are."""
    whole = new(algorithm)
    for checksum in parts:
        whole.update(base64.b64decode(checksum))
    return f"{encoded(whole.digest())}-{len(parts)}"
