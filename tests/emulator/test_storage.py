"""S3 as clients use it: multipart, pages, both ports, a restart, an older state. C20."""

import filecmp
import time
from pathlib import Path
from typing import Any

import boto3
import obstore
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from obstore.store import S3Store

from flytekitplugins_smfs.emulator.objects import ObjectStore
from tests.conftest import Emulator, wait_for
from tests.emulator.services.fsx.test_file_system import refused


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    """A bucket of the test's own."""
    name = f"storage-{time.time_ns()}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


def other_door(emulator: Emulator) -> Any:
    """S3 at the port of all other services."""
    env = emulator.env
    return boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 0}),
    )


def test_a_large_file_goes_in_parts(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    s3, source = emulator.client("s3"), tmp_path / "large"
    source.write_bytes(bytes(range(256)) * 80_000)
    s3.upload_file(str(source), bucket, "large")
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


def test_another_process_sees_and_adds_objects(emulator: Emulator, bucket: str) -> None:
    store = ObjectStore(emulator.state / "objects")
    store.put_bytes(bucket, "a/b c.txt", b"put there")
    s3 = emulator.client("s3")
    assert s3.get_object(Bucket=bucket, Key="a/b c.txt")["Body"].read() == b"put there"
    s3.put_object(Bucket=bucket, Key="served", Body=b"served")
    assert store.read(bucket, "served") == b"served"
    store.close()


def test_the_server_is_started_again_when_it_dies(own_emulator: Emulator) -> None:
    own_emulator.start()
    s3 = own_emulator.client("s3")
    s3.create_bucket(Bucket="survives")
    s3.put_object(Bucket="survives", Key="k", Body=b"kept")
    (process,) = psutil.Process(own_emulator.server["pid"]).children()
    process.kill()
    process.wait()
    answer = wait_for(lambda: _read(s3))
    assert answer == b"kept"


def _read(s3: Any) -> bytes | None:
    try:
        return bytes(s3.get_object(Bucket="survives", Key="k")["Body"].read())
    except (EndpointConnectionError, ConnectionClosedError):
        return None


def test_an_older_states_buckets_are_served(own_emulator: Emulator) -> None:
    folder = own_emulator.state / "buckets" / "older" / "a"
    folder.mkdir(parents=True)
    (folder / "b.txt").write_bytes(b"from before")
    s3 = own_emulator.start().client("s3")
    assert s3.get_object(Bucket="older", Key="a/b.txt")["Body"].read() == b"from before"
    assert not (own_emulator.state / "buckets").exists()


def test_a_damaged_index_is_named_and_all_else_is_served(own_emulator: Emulator) -> None:
    (own_emulator.state / "objects").mkdir(parents=True)
    (own_emulator.state / "objects" / "index.db").write_bytes(b"no database" * 1000)
    own_emulator.start()
    said = refused(own_emulator.client("s3").list_buckets)
    assert (said["Code"], "index.db" in said["Message"]) == ("ServiceUnavailable", True)
    assert own_emulator.client("fsx").describe_file_systems()["FileSystems"] == []


def test_s3_answers_on_the_main_port_too(emulator: Emulator, bucket: str) -> None:
    s3 = other_door(emulator)
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


def test_the_main_port_holds_no_content(emulator: Emulator, bucket: str, tmp_path: Path) -> None:
    size = 96 << 20  # more than any request that is read whole
    large, back = tmp_path / "large", tmp_path / "back"
    with large.open("wb") as file:
        file.truncate(size)
    s3 = other_door(emulator)
    with large.open("rb") as file:
        s3.put_object(Bucket=bucket, Key="large", Body=file)
    answer = s3.get_object(Bucket=bucket, Key="large")
    assert answer["ContentLength"] == size
    with back.open("wb") as file:
        for piece in answer["Body"].iter_chunks(1 << 20):
            file.write(piece)
    assert filecmp.cmp(large, back, shallow=False)
    used = psutil.Process(emulator.server["pid"]).memory_info().rss
    s3.get_object(Bucket=bucket, Key="large")["Body"].close()  # who leaves early leaves nothing behind
    assert psutil.Process(emulator.server["pid"]).memory_info().rss - used < size / 2
    s3.delete_object(Bucket=bucket, Key="large")


def test_content_is_never_taken_for_a_call(emulator: Emulator, bucket: str) -> None:
    body = b"Action=ListUsers&Version=2010-05-08"
    s3 = other_door(emulator)
    s3.put_object(Bucket=bucket, Key="form", Body=body, ContentType="application/x-www-form-urlencoded")
    assert s3.get_object(Bucket=bucket, Key="form")["Body"].read() == body


def test_the_main_port_refuses_before_all_has_come(emulator: Emulator, bucket: str) -> None:
    s3 = other_door(emulator)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=f"{bucket}-none", Key="large", Body=bytes(32 << 20))
    assert caught.value.response["Error"]["Code"] == "NoSuchBucket"
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
