"""S3 as clients use it: checksums, multipart, pages, plain files, both ports. C20."""

import time
from pathlib import Path

import boto3
import obstore
import pytest
from obstore.store import S3Store

from tests.conftest import Emulator, wait_for
from tests.emulator.services.fsx.test_file_system import refused


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    """A bucket of the test's own."""
    name = f"storage-{time.time_ns()}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


def test_an_object_is_a_plain_file_both_ways(emulator: Emulator, bucket: str) -> None:
    s3, root = emulator.client("s3"), emulator.state / "buckets" / bucket
    s3.put_object(Bucket=bucket, Key="a/b c.txt", Body=b"hello")
    assert (root / "a/b c.txt").read_bytes() == b"hello"
    (root / "direct.txt").write_bytes(b"put there")
    body = wait_for(lambda: body_of(emulator, bucket, "direct.txt"))
    assert body == b"put there"
    s3.delete_object(Bucket=bucket, Key="a/b c.txt")
    assert not (root / "a").exists()


def body_of(emulator: Emulator, bucket: str, key: str) -> bytes | None:
    """The object's content, or None while it is not there."""
    listed = emulator.client("s3").list_objects_v2(Bucket=bucket, Prefix=key)
    return emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() if "Contents" in listed else None


def test_a_large_file_goes_in_parts(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    s3, source = emulator.client("s3"), tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 80_000)
    s3.upload_file(str(source), bucket, "large")
    assert (emulator.state / "buckets" / bucket / "large").read_bytes() == source.read_bytes()
    s3.download_file(bucket, "large", str(tmp_path / "again"))
    assert (tmp_path / "again").read_bytes() == source.read_bytes()


def test_listings_come_in_pages_with_and_without_delimiter(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    for number in range(12):
        s3.put_object(Bucket=bucket, Key=f"d{number % 3}/k{number:02}", Body=b"x")
    paginator = s3.get_paginator("list_objects_v2")
    pages = list(paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": 5}))
    assert [page["KeyCount"] for page in pages] == [5, 5, 2]
    prefixes = [
        p["Prefix"] for page in paginator.paginate(Bucket=bucket, Delimiter="/") for p in page["CommonPrefixes"]
    ]
    assert prefixes == ["d0/", "d1/", "d2/"]


def test_obstore_writes_lists_and_reads(emulator: Emulator, bucket: str) -> None:
    store = S3Store(
        bucket,
        endpoint=emulator.env["AWS_ENDPOINT_URL_S3"],
        access_key_id=emulator.env["AWS_ACCESS_KEY_ID"],
        secret_access_key=emulator.env["AWS_SECRET_ACCESS_KEY"],
        region="us-east-1",
        client_options={"allow_http": True},
    )
    obstore.put(store, "x/y", b"from obstore")
    assert obstore.get(store, "x/y").bytes().to_bytes() == b"from obstore"
    assert [item["path"] for batch in obstore.list(store) for item in batch] == ["x/y"]
    assert (emulator.state / "buckets" / bucket / "x/y").read_bytes() == b"from obstore"


def test_s3_answers_on_the_main_port_too(emulator: Emulator, bucket: str) -> None:
    env = emulator.env
    s3 = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 4
    s3.delete_object(Bucket=bucket, Key="k")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_what_is_missing_is_said_as_s3_says_it(emulator: Emulator, bucket: str) -> None:
    s3 = emulator.client("s3")
    assert refused(s3.get_object, Bucket=bucket, Key="none")["Code"] == "NoSuchKey"
    assert refused(s3.list_objects_v2, Bucket="no-such-bucket")["Code"] == "NoSuchBucket"
    assert refused(s3.head_bucket, Bucket="no-such-bucket")["Code"] == "404"
