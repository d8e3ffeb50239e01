"""Pieces of objects: ranges and parts."""

import time
from typing import Any

import pytest

from tests.emulator.objects.conftest import Served, refused

LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture
def letters(s3: Any, bucket: str) -> str:
    s3.put_object(Bucket=bucket, Key="k", Body=LETTERS, ChecksumAlgorithm="CRC32")
    return f"/{bucket}/k"


@pytest.mark.parametrize(
    ("text", "piece", "said"),
    [
        ("bytes=0-4", b"ABCDE", "0-4/26"),
        ("bytes=25-25", b"Z", "25-25/26"),
        ("bytes=-3", b"XYZ", "23-25/26"),
        ("bytes=-100", LETTERS, "0-25/26"),
        ("bytes=20-999", b"UVWXYZ", "20-25/26"),
        ("bytes=20-", b"UVWXYZ", "20-25/26"),
    ],
)
def test_a_range_is_a_206(served: Served, letters: str, text: str, piece: bytes, said: str) -> None:
    answer = served.raw("GET", letters, {"Range": text, "x-amz-checksum-mode": "ENABLED"})
    assert (answer.status, answer.body, answer.headers["content-range"]) == (206, piece, f"bytes {said}")
    assert not [name for name in answer.headers if name.startswith("x-amz-checksum")], "a sum of the whole on a part"
    head = served.raw("HEAD", letters, {"Range": text})
    assert (head.status, head.headers["content-length"]) == (206, str(len(piece)))


@pytest.mark.parametrize("text", ["bytes=5-2", "bytes=a-b", "bytes=-", "lines=0-1", "bytes=0-1,3-4", "0-1"])
def test_what_is_no_range_is_the_whole(served: Served, letters: str, text: str) -> None:
    assert served.raw("GET", letters, {"Range": text}).status == 200


@pytest.mark.parametrize("text", ["bytes=26-", "bytes=26-30", "bytes=-0", f"bytes={'9' * 40}-"])
def test_a_range_beyond_the_end(served: Served, letters: str, text: str) -> None:
    answer = served.raw("GET", letters, {"Range": text})
    assert (answer.status, answer.code, answer.element("ActualObjectSize")) == (416, "InvalidRange", "26")


def test_boto3_reads_ranges_of_what_has_a_checksum(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=bytes(1 << 20))
    answer = s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-99")
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (206, bytes(100))


def test_a_piece_out_of_the_middle_of_something_large_costs_what_the_piece_costs(s3: Any, bucket: str) -> None:
    content = bytes(range(256)) * (1 << 18)
    s3.put_object(Bucket=bucket, Key="large", Body=content)
    middle = s3.get_object(Bucket=bucket, Key="large", Range="bytes=33554430-34554431")
    assert middle["Body"].read() == content[33554430:34554432]
    begun = time.process_time()
    for start in range(0, 1 << 26, 1 << 20):
        s3.get_object(Bucket=bucket, Key="large", Range=f"bytes={start}-{start}")["Body"].read()
    assert time.process_time() - begun < 10


def test_an_empty_object_has_no_range(served: Served, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="empty")
    assert served.raw("GET", f"/{bucket}/empty", {"Range": "bytes=0-"}).status == 416
    assert served.raw("GET", f"/{bucket}/empty").body == b""


def test_a_part_of_what_was_put_whole(served: Served, s3: Any, bucket: str, letters: str) -> None:
    assert s3.get_object(Bucket=bucket, Key="k", PartNumber=1)["Body"].read() == LETTERS
    assert served.raw("GET", f"{letters}?partNumber=2").status == 416
    both = served.raw("GET", f"{letters}?partNumber=1", {"Range": "bytes=0-1"})
    assert (both.status, both.code) == (400, "InvalidRequest")


def test_if_range(served: Served, s3: Any, bucket: str, letters: str) -> None:
    etag = s3.head_object(Bucket=bucket, Key="k")["ETag"]
    assert served.raw("GET", letters, {"Range": "bytes=0-1", "If-Range": etag}).status == 206
    assert served.raw("GET", letters, {"Range": "bytes=0-1", "If-Range": '"0"'}).status == 200


def test_boto3_refuses_nothing_of_a_missing_object(s3: Any, bucket: str) -> None:
    assert refused(s3.get_object, Bucket=bucket, Key="none", Range="bytes=0-1") == (404, "NoSuchKey")
