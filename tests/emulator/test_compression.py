"""Compressed request bodies: inflated within bounds, or refused as AWS refuses what it cannot read."""

import gzip

import pytest

from flytekitplugins_smfs.emulator.compression import inflated
from flytekitplugins_smfs.emulator.faults import AwsError


def test_bodies_are_inflated() -> None:
    assert inflated(b"plain", "") == b"plain"
    assert inflated(b"plain", "identity") == b"plain"
    assert inflated(gzip.compress(b"x" * 10_000), "gzip") == b"x" * 10_000
    assert inflated(gzip.compress(b"x" * 100), "gzip", 100) == b"x" * 100


@pytest.mark.parametrize(
    ("body", "encoding", "code"),
    [
        (b"plain", "gzip", "SerializationException"),
        (b"", "gzip", "SerializationException"),
        (gzip.compress(b"x" * 100)[:-4], "gzip", "SerializationException"),
        (gzip.compress(b"x") + b"more", "gzip", "SerializationException"),
        (gzip.compress(b"x" * 101), "gzip", "RequestEntityTooLarge"),
        (b"x", "br", "SerializationException"),
    ],
    ids=["plain", "empty", "cut short", "followed by more", "a byte too large", "other"],
)
def test_what_cannot_be_inflated_is_refused(body: bytes, encoding: str, code: str) -> None:
    with pytest.raises(AwsError) as raised:
        inflated(body, encoding, 100)
    assert raised.value.code == code
