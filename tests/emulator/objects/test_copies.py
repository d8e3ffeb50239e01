"""CopyObject: what goes along, what is told anew."""

from typing import Any

import pytest

from tests.emulator.objects.conftest import Served, refused


@pytest.fixture
def source(s3: Any, bucket: str) -> str:
    s3.put_object(
        Bucket=bucket, Key="s p+é", Body=b"hello world", Metadata={"a": "1"}, ContentType="text/x", Tagging="t=1"
    )
    return f"{bucket}/s p+é"


def test_all_goes_along(s3: Any, bucket: str, source: str) -> None:
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource={"Bucket": bucket, "Key": "s p+é"})
    assert copied["CopyObjectResult"]["ETag"] == '"5eb63bbbe01eeed093cb22bb8f5acdc3"'
    head = s3.get_object(Bucket=bucket, Key="c")
    assert (head["Metadata"], head["ContentType"], head["Body"].read()) == ({"a": "1"}, "text/x", b"hello world")
    assert s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_given_metadata_counts_only_with_replace(s3: Any, bucket: str, source: str) -> None:
    given = {"CopySource": {"Bucket": bucket, "Key": "s p+é"}, "Metadata": {"b": "2"}}
    s3.copy_object(Bucket=bucket, Key="c", MetadataDirective="COPY", **given)
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"] == {"a": "1"}
    s3.copy_object(Bucket=bucket, Key="c", MetadataDirective="REPLACE", **given)
    head = s3.head_object(Bucket=bucket, Key="c")
    assert (head["Metadata"], head["ContentType"]) == ({"b": "2"}, "binary/octet-stream")
    s3.copy_object(Bucket=bucket, Key="c", TaggingDirective="REPLACE", Tagging="n=2", **given)
    assert s3.get_object_tagging(Bucket=bucket, Key="c")["TagSet"] == [{"Key": "n", "Value": "2"}]


def test_a_copy_overwrites(s3: Any, bucket: str, source: str) -> None:
    s3.put_object(Bucket=bucket, Key="plain", Body=b"plain")
    s3.copy_object(Bucket=bucket, Key="s p+é", CopySource=f"{bucket}/plain")
    head = s3.get_object(Bucket=bucket, Key="s p+é")
    assert (head["Metadata"], head["Body"].read()) == ({}, b"plain")


def test_a_copy_onto_itself_must_change_something(s3: Any, bucket: str, source: str) -> None:
    itself = {"Bucket": bucket, "Key": "s p+é", "CopySource": {"Bucket": bucket, "Key": "s p+é"}}
    assert refused(s3.copy_object, **itself) == (400, "InvalidRequest")
    s3.copy_object(**itself, MetadataDirective="REPLACE", Metadata={"c": "3"})
    head = s3.get_object(Bucket=bucket, Key="s p+é")
    assert (head["Metadata"], head["Body"].read()) == ({"c": "3"}, b"hello world")


def test_directives_and_sources_that_are_none(served: Served, s3: Any, bucket: str, source: str) -> None:
    header = {"x-amz-copy-source": f"/{bucket}/s%20p%2B%C3%A9"}
    wrong = served.raw("PUT", f"/{bucket}/c", {**header, "x-amz-metadata-directive": "MAYBE"})
    assert (wrong.status, wrong.code) == (400, "InvalidArgument")
    assert served.raw("PUT", f"/{bucket}/c", header).status == 200
    for text, code in (("nokey", "InvalidArgument"), (f"/{bucket}/none", "NoSuchKey"), ("/no-such/k", "NoSuchBucket")):
        assert served.raw("PUT", f"/{bucket}/c", {"x-amz-copy-source": text}).code == code
    odd = served.raw("PUT", f"/{bucket}/c", {"x-amz-copy-source": f"/{bucket}/%ff"})
    assert (odd.status, odd.code) == (400, "InvalidArgument")


def test_a_sum_of_ones_choice(s3: Any, bucket: str, source: str) -> None:
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=source, ChecksumAlgorithm="SHA256")
    assert copied["CopyObjectResult"]["ChecksumSHA256"] == "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="


def test_attributes(s3: Any, bucket: str, source: str) -> None:
    asked = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    answer = s3.get_object_attributes(Bucket=bucket, Key="s p+é", ObjectAttributes=asked)
    assert (answer["ETag"], answer["ObjectSize"]) == ("5eb63bbbe01eeed093cb22bb8f5acdc3", 11)
    assert (answer["StorageClass"], answer["Checksum"]["ChecksumType"]) == ("STANDARD", "FULL_OBJECT")
    assert "ObjectParts" not in answer
    wrong = refused(s3.get_object_attributes, Bucket=bucket, Key="s p+é", ObjectAttributes=["Colour"])
    assert wrong == (400, "InvalidArgument")
