"""Listing and deleting many, over the wire."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.objects.conftest import Served

ODD = ["<&>\"'", "a b", "x/", "ü+%25", "😀", "\x01"]


def put(s3: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key)


def keys_of(answer: dict[str, Any]) -> list[str]:
    return [item["Key"] for item in answer.get("Contents", [])]


def prefixes_of(answer: dict[str, Any]) -> list[str]:
    return [each["Prefix"] for each in answer.get("CommonPrefixes", [])]


def test_the_document_has_s3s_namespace_and_type(served: Served, bucket: str) -> None:
    answer = served.raw("GET", f"/{bucket}?list-type=2")
    assert answer.headers["content-type"] == "application/xml"
    assert b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in answer.body


def test_owners_are_told_to_who_asks(s3: Any, bucket: str) -> None:
    put(s3, bucket, "k")
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert len(s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]["Owner"]["ID"]) == 64
    assert len(s3.list_objects(Bucket=bucket)["Contents"][0]["Owner"]["ID"]) == 64


def test_a_folders_marker_is_a_key_in_its_own_folder(s3: Any, bucket: str) -> None:
    put(s3, bucket, "a/", "a/b", "c", "d/")
    top = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert (keys_of(top), prefixes_of(top)) == (["c"], ["a/", "d/"])
    inside = s3.list_objects_v2(Bucket=bucket, Prefix="a/", Delimiter="/")
    assert (keys_of(inside), prefixes_of(inside)) == (["a/", "a/b"], [])


def test_a_delimiter_of_two_letters(s3: Any, bucket: str) -> None:
    put(s3, bucket, "a::b", "a::c", "a:d")
    answer = s3.list_objects_v2(Bucket=bucket, Delimiter="::")
    assert (keys_of(answer), prefixes_of(answer)) == (["a:d"], ["a::"])


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "9" * 20])
def test_an_ill_number_of_keys(served: Served, bucket: str, text: str) -> None:
    answer = served.raw("GET", f"/{bucket}?list-type=2&max-keys={text}")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_numbers_of_keys_that_are_taken(s3: Any, bucket: str) -> None:
    put(s3, bucket, "a", "b")
    none = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (none["IsTruncated"], none["KeyCount"], none["MaxKeys"]) == (False, 0, 0)
    assert s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)["MaxKeys"] == 1000


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
def test_pages_together_are_all(s3: Any, bucket: str, operation: str, size: int) -> None:
    put(s3, bucket, *(f"d{number % 3}/k{number}" for number in range(7)), "e", "e0")
    field = "Versions" if operation == "list_object_versions" else "Contents"
    for delimiter, keys, prefixes in (("", 9, 0), ("/", 2, 3)):
        asked = {"Delimiter": delimiter} if delimiter else {}
        pages = list(s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": size}, **asked))
        assert sum(len(page.get(field, [])) for page in pages) == keys
        assert sum(len(page.get("CommonPrefixes", [])) for page in pages) == prefixes


def test_markers_are_keys_of_any_kind(served: Served, s3: Any, bucket: str) -> None:
    put(s3, bucket, "a", "b", "c")
    assert keys_of(s3.list_objects_v2(Bucket=bucket, StartAfter="a")) == ["b", "c"]
    assert keys_of(s3.list_objects(Bucket=bucket, Marker="bb")) == ["c"]
    wrong = served.raw("GET", f"/{bucket}?list-type=2&continuation-token=abc")
    assert (wrong.status, wrong.code) == (400, "InvalidArgument")


def test_odd_keys_are_listed_and_deleted_together(s3: Any, bucket: str) -> None:
    put(s3, bucket, *ODD)
    assert sorted(keys_of(s3.list_objects_v2(Bucket=bucket))) == sorted(ODD)
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in ODD[:-1]]})
    assert sorted(each["Key"] for each in gone["Deleted"]) == sorted(ODD[:-1])
    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == ["\x01"]


def test_deleting_many_quietly_says_only_what_failed(s3: Any, bucket: str) -> None:
    put(s3, bucket, "a")
    objects = [{"Key": "a"}, {"Key": "b", "VersionId": "v1"}]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    assert ("Deleted" in answer, [error["Code"] for error in answer["Errors"]]) == (False, ["NoSuchVersion"])


def test_deleting_many_needs_a_sum(served: Served, s3: Any, bucket: str) -> None:
    put(s3, bucket, "a")
    body = b"<Delete><Object><Key>a</Key></Object></Delete>"
    answer = served.raw("POST", f"/{bucket}?delete", {}, body)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert keys_of(s3.list_objects_v2(Bucket=bucket)) == ["a"]
    many = [{"Key": str(number)} for number in range(1001)]
    with pytest.raises(ClientError, match="MalformedXML"):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": many})
