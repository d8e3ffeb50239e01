"""A request with a sub-resource is never the plain one: documents are kept, the rest is refused by name."""

import json
from typing import Any

import pytest

from tests.emulator.objects.conftest import Served, refused

TAGS = {"TagSet": [{"Key": "a", "Value": "1"}]}
CORS = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://a.example"]}]}
RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}
AES = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]}
KMS = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]}
OWNED = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
OPEN = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
SITE = {"IndexDocument": {"Suffix": "index.html"}}
TOPIC = {
    "TopicConfigurations": [
        {"Id": "t", "TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Events": ["s3:ObjectCreated:*"]}
    ]
}
LOG = {"LoggingEnabled": {"TargetBucket": "b", "TargetPrefix": "p/"}}

# name of the calls, parameter, document, member of the answer (None: the document's own members), error when unset
DOCUMENTS = [
    ("bucket_tagging", "Tagging", TAGS, None, "NoSuchTagSet"),
    ("bucket_cors", "CORSConfiguration", CORS, None, "NoSuchCORSConfiguration"),
    ("bucket_lifecycle_configuration", "LifecycleConfiguration", {"Rules": [RULE]}, None,
     "NoSuchLifecycleConfiguration"),
    ("bucket_encryption", "ServerSideEncryptionConfiguration", KMS, "ServerSideEncryptionConfiguration", AES),
    ("bucket_website", "WebsiteConfiguration", SITE, None, "NoSuchWebsiteConfiguration"),
    ("bucket_ownership_controls", "OwnershipControls", OWNED, "OwnershipControls", OWNED),
    ("public_access_block", "PublicAccessBlockConfiguration", OPEN, "PublicAccessBlockConfiguration",
     dict.fromkeys(OPEN, True)),
    ("bucket_notification_configuration", "NotificationConfiguration", TOPIC, None, {}),
    ("bucket_logging", "BucketLoggingStatus", LOG, None, {}),
    ("bucket_request_payment", "RequestPaymentConfiguration", {"Payer": "Requester"}, None, {"Payer": "BucketOwner"}),
    ("bucket_accelerate_configuration", "AccelerateConfiguration", {"Status": "Suspended"}, None, {}),
    ("bucket_versioning", "VersioningConfiguration", {"Status": "Suspended"}, None, {}),
]  # fmt: skip
GONE = {
    "bucket_ownership_controls": "OwnershipControlsNotFoundError",
    "public_access_block": "NoSuchPublicAccessBlockConfiguration",
}


def got(s3: Any, bucket: str, name: str, member: str | None) -> Any:
    answer = getattr(s3, f"get_{name}")(Bucket=bucket)
    del answer["ResponseMetadata"]
    return answer[member] if member else answer


@pytest.mark.parametrize(("name", "parameter", "document", "member", "unset"), DOCUMENTS, ids=[d[0] for d in DOCUMENTS])
def test_a_document(
    s3: Any, bucket: str, name: str, parameter: str, document: Any, member: str | None, unset: Any
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")

    def is_unset(wanted: Any) -> bool:
        if isinstance(wanted, str):
            return refused(getattr(s3, f"get_{name}"), Bucket=bucket) == (404, wanted)
        return bool(got(s3, bucket, name, member) == wanted)

    assert is_unset(unset)
    getattr(s3, f"put_{name}")(Bucket=bucket, **{parameter: document})
    assert got(s3, bucket, name, member) == document
    if hasattr(s3, f"delete_{name.removesuffix('_configuration')}"):
        delete = getattr(s3, f"delete_{name.removesuffix('_configuration')}")
        assert delete(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert is_unset(GONE.get(name, unset))
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize("kind", ["metrics", "analytics", "inventory", "intelligent_tiering"])
def test_configurations_by_id(s3: Any, bucket: str, kind: str) -> None:
    export = {"S3BucketDestination": {"Bucket": "arn:aws:s3:::b", "Format": "CSV"}}
    documents: dict[str, dict[str, Any]] = {
        "metrics": {"Filter": {"Prefix": "p"}},
        "analytics": {"StorageClassAnalysis": {}},
        "inventory": {"Destination": export, "IsEnabled": True, "IncludedObjectVersions": "Current",
                      "Schedule": {"Frequency": "Daily"}},
        "intelligent_tiering": {"Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]},
    }  # fmt: skip
    name = "".join(word.title() for word in kind.split("_"))
    get, delete = (getattr(s3, f"{verb}_bucket_{kind}_configuration") for verb in ("get", "delete"))
    assert refused(get, Bucket=bucket, Id="i") == (404, "NoSuchConfiguration")
    assert refused(delete, Bucket=bucket, Id="i") == (404, "NoSuchConfiguration")
    document = {"Id": "i", **documents[kind]}
    put = getattr(s3, f"put_bucket_{kind}_configuration")
    put(Bucket=bucket, Id="i", **{f"{name}Configuration": document})
    assert get(Bucket=bucket, Id="i")[f"{name}Configuration"] == document
    listed = getattr(s3, f"list_bucket_{kind}_configurations")(Bucket=bucket)
    assert listed[f"{name}ConfigurationList"] == [document]
    delete(Bucket=bucket, Id="i")
    assert refused(get, Bucket=bucket, Id="i") == (404, "NoSuchConfiguration")


def test_a_policy(s3: Any, bucket: str) -> None:
    assert refused(s3.get_bucket_policy, Bucket=bucket) == (404, "NoSuchBucketPolicy")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    for wrong in (
        "{",
        "[]",
        "{}",
        json.dumps({**policy, "Statement": [{**statement, "Resource": "arn:aws:s3:::b/*"}]}),
    ):
        assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=wrong) == (400, "MalformedPolicy"), wrong
    s3.delete_bucket_policy(Bucket=bucket)
    assert refused(s3.get_bucket_policy, Bucket=bucket) == (404, "NoSuchBucketPolicy")


@pytest.mark.parametrize(
    "sub",
    ["tagging", "policy", "cors", "lifecycle", "encryption", "website", "ownershipControls", "publicAccessBlock",
     "replication", "metrics&id=x", "accelerate", "versioning", "object-lock", "acl", "logging", "nothing-known"],
)  # fmt: skip
def test_deleting_what_was_never_set_leaves_the_bucket(served: Served, s3: Any, bucket: str, sub: str) -> None:
    answer = (
        served.raw("DELETE", f"/{bucket}?{sub}") if sub != "nothing-known" else served.raw("GET", f"/{bucket}?{sub}")
    )
    assert answer.status in (200, 204, 404, 405, 501), answer.body
    s3.head_bucket(Bucket=bucket)


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"<X/>", b"<Tagging>", b"<Tagging><Colour/></Tagging>", b"<Tagging><TagSet><Tag/></TagSet></Tagging>",
     b'<!DOCTYPE t [<!ENTITY e "x">]><Tagging><TagSet/></Tagging>'],
)  # fmt: skip
def test_ill_documents(served: Served, s3: Any, bucket: str, body: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for target in (f"/{bucket}?tagging", f"/{bucket}/k?tagging"):
        answer = served.raw("PUT", target, {}, body)
        assert (answer.status, answer.code) == (400, "MalformedXML")
    if body:
        assert served.raw("PUT", f"/{bucket}?cors", {}, body).code == "MalformedXML"


def test_access_lists_are_disabled(served: Served, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for got in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert [grant["Permission"] for grant in got["Grants"]] == ["FULL_CONTROL"]
    none = (400, "AccessControlListNotSupported")
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == none
    assert refused(s3.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == none
    assert refused(s3.put_object, Bucket=bucket, Key="k", ACL="public-read") == none
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    s3.put_object_acl(Bucket=bucket, Key="k", ACL="private")
    ill = served.raw("PUT", f"/{bucket}/k?acl", {}, b"<X/>")
    assert (ill.status, ill.code) == (400, "MalformedACLError")
    assert served.raw("GET", f"/{bucket}/k").body == b"x"


@pytest.mark.parametrize("sub", ["legal-hold", "retention", "torrent", "select&select-type=2", "renameObject"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_what_is_not_there_is_refused_and_touches_nothing(
    served: Served, s3: Any, bucket: str, sub: str, method: str
) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    answer = served.raw(method, f"/{bucket}/k?{sub}", {}, b"<X/>" if method in ("PUT", "POST") else b"")
    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert sub.partition("&")[0] in answer.element("Message")
    assert served.raw("GET", f"/{bucket}/k").body == b"x"


def test_object_lock_and_versioning_are_refused_by_name(s3: Any, bucket: str) -> None:
    none = (501, "NotImplemented")
    locked = {"Bucket": f"{bucket}-locked", "ObjectLockEnabledForBucket": True}
    assert refused(s3.create_bucket, **locked) == none
    unset = refused(s3.get_object_lock_configuration, Bucket=bucket)
    assert unset == (404, "ObjectLockConfigurationNotFoundError")
    lock = {"ObjectLockEnabled": "Enabled"}
    assert refused(s3.put_object_lock_configuration, Bucket=bucket, ObjectLockConfiguration=lock) == none
    hold = {"Status": "ON"}
    assert refused(s3.put_object_legal_hold, Bucket=bucket, Key="k", LegalHold=hold) == none
    enabled = {"Status": "Enabled"}
    assert refused(s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration=enabled) == none
    unreplicated = refused(s3.get_bucket_replication, Bucket=bucket)
    assert unreplicated == (404, "ReplicationConfigurationNotFoundError")


def test_tags_of_an_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello world")
    before = s3.head_object(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=TAGS)
    after = s3.get_object(Bucket=bucket, Key="k")
    assert (after["Body"].read(), after["ETag"], after["TagCount"]) == (b"hello world", before["ETag"], 1)
    assert after["LastModified"] == before["LastModified"]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == TAGS["TagSet"]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello world"


def test_tags_that_cannot_be(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k")

    def tagging(*tags: tuple[str, str]) -> tuple[int, str]:
        document = {"TagSet": [{"Key": key, "Value": value} for key, value in tags]}
        return refused(s3.put_object_tagging, Bucket=bucket, Key="k", Tagging=document)

    assert tagging(*((str(number), "") for number in range(11))) == (400, "BadRequest")
    assert tagging(("a", "1"), ("a", "2")) == (400, "InvalidTag")
    assert tagging(("a" * 129, "")) == (400, "InvalidTag")
    assert tagging(("aws:a", "")) == (400, "InvalidTag")
    assert refused(s3.get_object_tagging, Bucket=bucket, Key="none") == (404, "NoSuchKey")
    assert refused(s3.put_object_tagging, Bucket=bucket, Key="none", Tagging=TAGS) == (404, "NoSuchKey")
