"""Rules for the life of objects: what S3 takes, how it gives them back, and how it words what it refuses."""

import base64
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.objects.conftest import Served

DAY = {"Expiration": {"Days": 1}}
AT_NOON = "2030-01-01T12:00:00Z"
MALFORMED = ("MalformedXML", "not well-formed")


def rule(*, id: str | None = "r", filter: Any = None, **actions: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Filter": filter or {"Prefix": "x/"}, **({"ID": id} if id else {}), **actions}


def put(s3: Any, bucket: str, *rules: dict[str, Any]) -> None:
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})


@pytest.mark.parametrize(
    "actions",
    [
        {"Transitions": [{"Days": 0, "StorageClass": "GLACIER"}, {"Days": 30, "StorageClass": "STANDARD_IA"}]},
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}},
        {"filter": {"And": {"Prefix": "", "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 9}}, **DAY},
        {"filter": {"Tag": {"Key": "a", "Value": "b"}}, **DAY},
    ],
)
def test_rules_are_given_back(s3: Any, bucket: str, actions: dict[str, Any]) -> None:
    given = rule(**actions)
    put(s3, bucket, given)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [given]


def test_a_rule_of_the_first_version_keeps_its_prefix_and_a_date_its_day(s3: Any, bucket: str) -> None:
    given = {"ID": "r", "Status": "Disabled", "Prefix": "old/", "Expiration": {"Date": "2030-01-01T00:00:00Z"}}
    put(s3, bucket, given)
    (got,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert got.pop("Expiration")["Date"].isoformat() == "2030-01-01T00:00:00+00:00"
    assert got == {name: given[name] for name in ("ID", "Status", "Prefix")}


def test_rules_without_an_id_get_one_that_stays(s3: Any, bucket: str) -> None:
    put(s3, bucket, rule(id=None, **DAY), rule(id=None, **DAY), rule(id="mine", **DAY))
    ids = [each["ID"] for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]]
    assert len(set(ids)) == 3
    assert ids[2] == "mine"
    assert uuid.UUID(base64.b64decode(ids[0]).decode()).version == 4
    assert ids == [each["ID"] for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]]


AND = {"Prefix": "p", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
TAGGED = {"Tag": {"Key": "a", "Value": "b"}}
REFUSED: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "no rules": ([], *MALFORMED),
    "too many rules": ([rule(id=str(i), **DAY) for i in range(1001)], *MALFORMED),
    "the same id": ([rule(**DAY), rule(**DAY)], "InvalidArgument", "Rule ID must be unique"),
    "a long id": ([rule(id="x" * 256, **DAY)], "InvalidArgument", "ID length should not exceed"),
    "no action": ([rule()], "InvalidRequest", "At least one action needs to be specified"),
    "neither filter nor prefix": ([{"Status": "Enabled", **DAY}], *MALFORMED),
    "filter and prefix": ([rule(Prefix="x", **DAY)], *MALFORMED),
    "versions mixed": (
        [{"Status": "Enabled", "Prefix": "a", **DAY}, rule(**DAY)],
        "InvalidRequest",
        "Filter element can only be used in Lifecycle V2.",
    ),
    "versions mixed the other way": (
        [rule(**DAY), {"Status": "Enabled", "Prefix": "a", **DAY}],
        "InvalidRequest",
        "Base level prefix cannot be used in Lifecycle V2",
    ),
    "no days": ([rule(Expiration={"Days": 0})], "InvalidArgument", "'Days' for Expiration action must be a positive"),
    "no days for versions": (
        [rule(NoncurrentVersionExpiration={"NoncurrentDays": 0})],
        "InvalidArgument",
        "'NoncurrentDays' for NoncurrentVersionExpiration action",
    ),
    "no days for uploads": (
        [rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 0})],
        "InvalidArgument",
        "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action",
    ),
    "an empty action": ([rule(Expiration={})], *MALFORMED),
    "days and date": ([rule(Expiration={"Days": 1, "Date": "2030-01-01"})], *MALFORMED),
    "a date at noon": ([rule(Expiration={"Date": AT_NOON})], "InvalidArgument", "'Date' must be at midnight GMT"),
    "days here, a date there": (
        [rule(Transitions=[{"Date": "2030-01-01", "StorageClass": "GLACIER"}], **DAY)],
        "InvalidRequest",
        "Found mixed 'Date' and 'Days'",
    ),
    "too soon for infrequent access": (
        [rule(Transitions=[{"Days": 29, "StorageClass": "STANDARD_IA"}])],
        "InvalidArgument",
        "greater than or equal to 30 for storageClass 'STANDARD_IA'",
    ),
    "negative days": (
        [rule(Transitions=[{"Days": -1, "StorageClass": "GLACIER"}])],
        "InvalidArgument",
        "'Days' in Transition action must be",
    ),
    "a class twice": (
        [rule(Transitions=[{"Days": days, "StorageClass": "GLACIER"} for days in (1, 2)])],
        "InvalidArgument",
        "'StorageClass' must be different",
    ),
    "two predicates": ([rule(filter={"Prefix": "p", **TAGGED}, **DAY)], *MALFORMED),
    "an And of one": ([rule(filter={"And": {"Prefix": "p"}}, **DAY)], *MALFORMED),
    "a tag twice": ([rule(filter={"And": AND}, **DAY)], "InvalidRequest", "Duplicate Tag Keys are not allowed."),
    "less than nothing": (
        [rule(filter={"ObjectSizeLessThan": 0}, **DAY)],
        "InvalidRequest",
        "'ObjectSizeLessThan' should be between 1",
    ),
    "sizes that leave nothing": (
        [rule(filter={"And": {"ObjectSizeGreaterThan": 9, "ObjectSizeLessThan": 9}}, **DAY)],
        "InvalidRequest",
        "'ObjectSizeLessThan' has to be a value greater",
    ),
    "markers with days": ([rule(Expiration={"Days": 1, "ExpiredObjectDeleteMarker": True})], *MALFORMED),
    "markers by size": (
        [rule(filter={"ObjectSizeLessThan": 9}, Expiration={"ExpiredObjectDeleteMarker": False})],
        "InvalidRequest",
        "ExpiredObjectDeleteMarker cannot be specified with Object Size.",
    ),
    "uploads by tag": (
        [rule(filter=TAGGED, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})],
        "InvalidRequest",
        "AbortIncompleteMultipartUpload cannot be specified with Tags.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_lifecycle_is_refused_and_changes_nothing(s3: Any, bucket: str, case: str) -> None:
    rules, code, words = REFUSED[case]
    put(s3, bucket, rule(id="before", **DAY))
    with pytest.raises(ClientError) as refusal:
        put(s3, bucket, *rules)
    assert refusal.value.response["Error"]["Code"] == code
    assert words in refusal.value.response["Error"]["Message"]
    assert [each["ID"] for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]] == ["before"]


@pytest.mark.parametrize("date", ["Fri, 01 Jan 2016 00:00:00 GMT", "soon", ""])
def test_a_date_that_is_none(served: Served, bucket: str, date: str) -> None:
    body = (
        "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter/>"
        f"<Expiration><Date>{date}</Date></Expiration></Rule></LifecycleConfiguration>"
    )
    answer = served.raw("PUT", f"/{bucket}?lifecycle", {}, body.encode())
    assert (answer.status, answer.code) == (400, "MalformedXML")


@pytest.mark.parametrize("days", ["9" * 5000, "2147483648", "-2147483649", "\u0661", "1e3", "--1", ""])
def test_a_number_that_is_none(served: Served, bucket: str, days: str) -> None:
    body = "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>x</Prefix></Filter>"
    body += f"<Expiration><Days>{days}</Days></Expiration></Rule></LifecycleConfiguration>"
    answer = served.raw("PUT", f"/{bucket}?lifecycle", {}, body.encode())
    assert (answer.status, answer.code) == (400, "MalformedXML")
