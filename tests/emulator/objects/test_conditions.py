"""If-Match and its relatives: on reads, writes, deletions and copies."""

import http.client
import threading
from email.utils import formatdate
from typing import Any

import pytest

from tests.emulator.objects.conftest import Served, refused

FAILED = (412, "PreconditionFailed")
ETAG = '"5eb63bbbe01eeed093cb22bb8f5acdc3"'


@pytest.fixture
def key(s3: Any, bucket: str) -> str:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello world", Metadata={"a": "1"})
    return "k"


def test_of_eight_that_create_one_wins(served: Served, bucket: str) -> None:
    outcomes = []
    barrier = threading.Barrier(8)

    def create(number: int) -> None:
        client = served.client()
        barrier.wait()
        try:
            client.put_object(Bucket=bucket, Key="k", Body=str(number).encode(), IfNoneMatch="*")
            outcomes.append(str(number))
        except client.exceptions.ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome != "PreconditionFailed"]
    assert len(winners) == 1
    assert served.client().get_object(Bucket=bucket, Key="k")["Body"].read().decode() == winners[0]


def test_writes(s3: Any, bucket: str, key: str) -> None:
    assert refused(s3.put_object, Bucket=bucket, Key="none", IfMatch=ETAG) == (404, "NoSuchKey")
    assert refused(s3.put_object, Bucket=bucket, Key=key, IfMatch='"0"') == FAILED
    assert refused(s3.put_object, Bucket=bucket, Key=key, IfNoneMatch="*") == FAILED
    assert refused(s3.put_object, Bucket=bucket, Key=key, IfNoneMatch=ETAG) == (501, "NotImplemented")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"hello world"
    s3.put_object(Bucket=bucket, Key=key, IfMatch=ETAG, Body=b"next")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"next"


def test_deletions(served: Served, s3: Any, bucket: str, key: str) -> None:
    answer = served.raw("DELETE", f"/{bucket}/{key}", {"If-Match": '"0"'})
    assert (answer.status, answer.code) == FAILED
    assert s3.head_object(Bucket=bucket, Key=key)["ETag"] == ETAG
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key, "ETag": '"0"'}]})
    assert done["Errors"][0]["Code"] == "PreconditionFailed"
    assert served.raw("DELETE", f"/{bucket}/{key}", {"If-Match": ETAG}).status == 204


def test_reads(served: Served, s3: Any, bucket: str, key: str) -> None:
    modified = s3.head_object(Bucket=bucket, Key=key)["LastModified"].timestamp()
    before, same = formatdate(modified - 60, usegmt=True), formatdate(modified, usegmt=True)
    cases = [
        ({"If-Match": '"0"'}, 412), ({"If-Match": ETAG}, 200), ({"If-Match": "*"}, 200),
        ({"If-Match": f'"0", {ETAG}'}, 200), ({"If-None-Match": ETAG}, 304), ({"If-None-Match": '"0"'}, 200),
        ({"If-Modified-Since": same}, 304), ({"If-Modified-Since": before}, 200), ({"If-Modified-Since": "never"}, 200),
        ({"If-Unmodified-Since": before}, 412), ({"If-Unmodified-Since": same}, 200),
        ({"If-Match": ETAG, "If-Unmodified-Since": before}, 200),
        ({"If-None-Match": ETAG, "If-Modified-Since": before}, 304),
        ({"If-None-Match": '"0"', "If-Modified-Since": same}, 200),
    ]  # fmt: skip
    for headers, status in cases:
        answer = served.raw("GET", f"/{bucket}/{key}", headers)
        assert answer.status == status, headers
        assert answer.body == (b"" if status == 304 else answer.body)
        if status == 304:
            assert answer.headers["etag"] == ETAG
        assert served.raw("HEAD", f"/{bucket}/{key}", headers).status == status, headers


def test_an_error_to_head_leaves_the_connection_usable(served: Served, bucket: str, key: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    for _ in range(3):
        head = served.raw("HEAD", f"/{bucket}/{key}", {"If-Match": '"0"'}, connection=connection)
        assert (head.status, head.body) == (412, b"")
        assert served.raw("GET", f"/{bucket}/{key}", connection=connection).body == b"hello world"
    connection.close()


def test_copies(s3: Any, bucket: str, key: str) -> None:
    source = {"Bucket": bucket, "Key": "copy", "CopySource": f"{bucket}/{key}"}
    modified = s3.head_object(Bucket=bucket, Key=key)["LastModified"]
    for condition in (
        {"CopySourceIfNoneMatch": ETAG},
        {"CopySourceIfMatch": '"0"'},
        {"CopySourceIfUnmodifiedSince": modified.replace(year=2000)},
        {"CopySourceIfModifiedSince": modified},
    ):
        assert refused(s3.copy_object, **source, **condition) == FAILED, condition
    s3.copy_object(**source, CopySourceIfMatch=ETAG)


def test_completions(s3: Any, bucket: str, key: str) -> None:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    completing = {"Bucket": bucket, "Key": key, "UploadId": upload, "MultipartUpload": parts}
    assert refused(s3.complete_multipart_upload, **completing, IfNoneMatch="*") == FAILED
    assert refused(s3.complete_multipart_upload, **completing, IfMatch='"0"') == FAILED
    s3.complete_multipart_upload(**completing, IfMatch=ETAG)
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
