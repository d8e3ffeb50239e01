"""Buckets: made, found, listed, removed."""

from typing import Any

import pytest

from tests.emulator.objects.conftest import KEY, Served, refused


def test_head_says_the_region(s3: Any, bucket: str) -> None:
    answer = s3.head_bucket(Bucket=bucket)
    assert answer["BucketRegion"] == "us-east-1"
    assert refused(s3.head_bucket, Bucket="no-such-bucket") == (404, "404")


def test_a_place_that_is_none_is_refused(served: Served, s3: Any) -> None:
    bad = {"LocationConstraint": "mars-north-1"}
    wanted = (400, "InvalidLocationConstraint")
    assert refused(s3.create_bucket, Bucket="on-mars", CreateBucketConfiguration=bad) == wanted
    assert refused(s3.head_bucket, Bucket="on-mars") == (404, "404")
    far = served.client(region_name="eu-west-1")
    illegal = (400, "IllegalLocationConstraintException")
    other = {"LocationConstraint": "eu-central-1"}
    assert refused(far.create_bucket, Bucket="elsewhere", CreateBucketConfiguration=other) == illegal


def test_ones_own_bucket_again(served: Served, s3: Any, bucket: str) -> None:
    assert s3.create_bucket(Bucket=bucket)["Location"] == f"/{bucket}"
    far = served.client(region_name="eu-west-1")
    there = {"LocationConstraint": "eu-west-1"}
    made = far.create_bucket(Bucket=f"{bucket}-eu", CreateBucketConfiguration=there)
    assert made["Location"] == f"http://{bucket}-eu.s3.amazonaws.com/"
    again = refused(far.create_bucket, Bucket=f"{bucket}-eu", CreateBucketConfiguration=there)
    assert again == (409, "BucketAlreadyOwnedByYou")
    assert far.get_bucket_location(Bucket=f"{bucket}-eu")["LocationConstraint"] == "eu-west-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


@pytest.mark.parametrize("name", ["ab", "Capital", "under_score", "192.168.0.1", "a..b", "-a-b", "a" * 64, "xn--abc"])
def test_a_name_that_no_bucket_can_have(served: Served, name: str) -> None:
    answer = served.raw("PUT", f"/{name}")
    assert (answer.status, answer.code) == (400, "InvalidBucketName")


def test_listing_takes_a_prefix_and_comes_in_pages(s3: Any, bucket: str) -> None:
    for end in "abc":
        s3.create_bucket(Bucket=f"{bucket}-{end}")
    assert s3.list_buckets(Prefix="no-such-prefix")["Buckets"] == []
    pages = s3.get_paginator("list_buckets").paginate(Prefix=f"{bucket}-", PaginationConfig={"PageSize": 2})
    names = [[each["Name"] for each in page["Buckets"]] for page in pages]
    assert names == [[f"{bucket}-a", f"{bucket}-b"], [f"{bucket}-c"]]
    assert s3.list_buckets(Prefix=bucket, BucketRegion="eu-west-1")["Buckets"] == []


def test_a_bucket_with_objects_stays(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k")
    assert refused(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    s3.delete_object(Bucket=bucket, Key="k")
    s3.create_multipart_upload(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.delete_bucket, Bucket=bucket) == (404, "NoSuchBucket")


def test_directory_buckets_are_refused_by_name(s3: Any) -> None:
    assert refused(s3.list_directory_buckets) == (501, "NotImplemented")


def test_somebody_elses_bucket_is_denied(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", ExpectedBucketOwner=KEY.account)
    for call in (s3.get_object, s3.delete_object):
        assert refused(call, Bucket=bucket, Key="k", ExpectedBucketOwner="999999999999") == (403, "AccessDenied")
    denied = refused(s3.list_objects_v2, Bucket=bucket, ExpectedBucketOwner="999999999999")
    assert denied == (403, "AccessDenied")


def test_every_answer_has_its_marks(served: Served, bucket: str) -> None:
    for method, target in (
        ("GET", "/"),
        ("GET", f"/{bucket}/none"),
        ("HEAD", f"/{bucket}"),
        ("DELETE", f"/{bucket}/x"),
    ):
        answer = served.raw(method, target)
        assert answer.headers["x-amz-request-id"]
        assert answer.headers["x-amz-id-2"]
        assert answer.headers["server"] == "AmazonS3"
        assert answer.headers["date"].endswith("GMT")


def test_a_bucket_may_be_named_by_the_host(served: Served, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="a/b", Body=b"by host")
    for host in (f"{bucket}.localhost", f"{bucket}.s3.localhost:{served.port}", f"{bucket}.s3.us-east-1.localhost"):
        answer = served.raw("GET", "/a/b", {"Host": host})
        assert (answer.status, answer.body) == (200, b"by host"), host
    listed = served.raw("GET", "/", {"Host": f"s3.localhost:{served.port}"})
    assert bucket.encode() in listed.body
    assert b"ListAllMyBucketsResult" in listed.body
