"""Objects: what is kept of them, under any key."""

import datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.objects.conftest import Served, refused

ODD_KEYS = [
    "/lead", "//a///b", "a/./b", "a/b/.", "..", "../../x", "a/../b", "x" * 300, "é" * 512, "a b+c%d", "<&>\"'", "😀",
    "\\", "?", "#x", "a=b&c", "~", "*", " ", "\x7f", "a/" * 500,
]  # fmt: skip

KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def test_the_default_content_type(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentType"] == "binary/octet-stream"


def test_headers_and_metadata_come_back_and_survive_a_restart(own_served: Served) -> None:
    s3 = own_served.start().client()
    s3.create_bucket(Bucket="kept")
    expires = datetime.datetime(2037, 10, 21, 7, 28, tzinfo=datetime.UTC)
    s3.put_object(
        Bucket="kept", Key="k", Body=b"hello world", Metadata={"Mixed-Case": "1"}, ContentType="text/x",
        Expires=expires, CacheControl="no-cache", ContentDisposition="inline", ContentEncoding="gzip",
        ContentLanguage="de",
    )  # fmt: skip
    own_served.stop()
    head = own_served.start().client().head_object(Bucket="kept", Key="k")
    assert head["Metadata"] == {"mixed-case": "1"}
    assert head["ExpiresString"] == "Wed, 21 Oct 2037 07:28:00 GMT"
    kept = [head[name] for name in ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding")]
    assert kept == ["text/x", "no-cache", "inline", "gzip"]
    assert (head["ContentLanguage"], head["ETag"]) == ("de", '"5eb63bbbe01eeed093cb22bb8f5acdc3"')


def test_what_is_missing_names_its_key(served: Served, bucket: str) -> None:
    answer = served.raw("GET", f"/{bucket}/k")
    assert (answer.status, answer.code, answer.element("Key")) == (404, "NoSuchKey", "k")
    assert answer.headers["content-type"] == "application/xml"
    assert served.raw("GET", "/no-such-bucket/k").code == "NoSuchBucket"


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda key: ascii(key)[:20])
def test_any_string_is_a_key(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_keys_that_a_disk_would_confuse_are_apart(s3: Any, bucket: str) -> None:
    keys = ["a", "a/", "a/b", "/a", "a//b"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=f"b={key}".encode())
    for key in keys:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() == f"b={key}"
    s3.delete_object(Bucket=bucket, Key="a")
    assert s3.get_object(Bucket=bucket, Key="a/b")["Body"].read() == b"b=a/b"
    s3.delete_object(Bucket=bucket, Key="nothing")  # a 204, as is deleting a prefix


def test_a_key_is_counted_in_bytes(served: Served, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="é" * 512)
    answer = served.raw("PUT", f"/{bucket}/{quote('é' * 512)}x")
    assert (answer.status, answer.code) == (400, "KeyTooLongError")
    assert (answer.element("Size"), answer.element("MaxSizeAllowed")) == ("1025", "1024")
    assert served.raw("PUT", f"/{bucket}/%ff").code == "InvalidURI"


def test_storage_classes_are_kept_and_archives_closed(served: Served, s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="ia", StorageClass="STANDARD_IA")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD_IA"
    assert s3.head_object(Bucket=bucket, Key="ia")["StorageClass"] == "STANDARD_IA"
    s3.put_object(Bucket=bucket, Key="cold", Body=b"brr", StorageClass="GLACIER")
    assert refused(s3.get_object, Bucket=bucket, Key="cold") == (403, "InvalidObjectState")
    copied = refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=f"{bucket}/cold")
    assert copied == (403, "InvalidObjectState")
    s3.restore_object(Bucket=bucket, Key="cold", RestoreRequest={"Days": 1})
    assert s3.get_object(Bucket=bucket, Key="cold")["Body"].read() == b"brr"
    assert 'ongoing-request="false"' in s3.head_object(Bucket=bucket, Key="cold")["Restore"]
    not_archived = refused(s3.restore_object, Bucket=bucket, Key="ia", RestoreRequest={"Days": 1})
    assert not_archived == (403, "InvalidObjectState")
    bad = served.raw("PUT", f"/{bucket}/k", {"x-amz-storage-class": "LUKEWARM"})
    assert (bad.status, bad.code) == (400, "InvalidStorageClass")


def test_encryption_is_answered_as_asked(served: Served, s3: Any, bucket: str) -> None:
    assert s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"
    kms = s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/mine")
    assert (kms["ServerSideEncryption"], kms["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")
    assert s3.head_object(Bucket=bucket, Key="k")["ServerSideEncryption"] == "aws:kms"
    bad = served.raw("PUT", f"/{bucket}/k", {"x-amz-server-side-encryption": "rot13"})
    assert (bad.status, bad.code) == (400, "InvalidArgument")


def encrypt(s3: Any, bucket: str, **default: str) -> None:
    """Set the bucket's default encryption, with a key of the bucket."""
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": default["SSEAlgorithm"] != "AES256"}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def encrypted(answer: dict[str, Any]) -> tuple[str, str | None, bool | None]:
    return answer["ServerSideEncryption"], answer.get("SSEKMSKeyId"), answer.get("BucketKeyEnabled")


def test_what_says_nothing_of_encryption_is_encrypted_as_its_bucket_says(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="before")
    mine = ("aws:kms", KMS_KEY, True)
    encrypt(s3, bucket, SSEAlgorithm="aws:kms", KMSMasterKeyID=KMS_KEY)
    assert encrypted(s3.put_object(Bucket=bucket, Key="k", Body=b"x")) == mine
    assert encrypted(s3.head_object(Bucket=bucket, Key="k")) == mine
    assert encrypted(s3.get_object(Bucket=bucket, Key="k")) == mine
    assert encrypted(s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/before")) == mine
    assert encrypted(s3.put_object(Bucket=bucket, Key="k", ServerSideEncryption="AES256")) == ("AES256", None, None)
    assert encrypted(s3.head_object(Bucket=bucket, Key="before")) == ("AES256", None, None)
    encrypt(s3, bucket, SSEAlgorithm="aws:kms")
    assert encrypted(s3.put_object(Bucket=bucket, Key="k")) == ("aws:kms", None, True)
    s3.delete_bucket_encryption(Bucket=bucket)
    assert encrypted(s3.put_object(Bucket=bucket, Key="k")) == ("AES256", None, None)


def test_an_upload_is_encrypted_as_its_bucket_said_when_it_began(s3: Any, bucket: str) -> None:
    begun = s3.create_multipart_upload(Bucket=bucket, Key="plain")
    encrypt(s3, bucket, SSEAlgorithm="aws:kms", KMSMasterKeyID=KMS_KEY)
    later = s3.create_multipart_upload(Bucket=bucket, Key="kms")
    for upload, wanted in ((begun, ("AES256", None, None)), (later, ("aws:kms", KMS_KEY, True))):
        assert encrypted(upload) == wanted
        of = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        part = s3.upload_part(**of, PartNumber=1, Body=b"x")
        assert encrypted(part) == wanted
        parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
        assert encrypted(s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})) == wanted
        assert encrypted(s3.head_object(Bucket=bucket, Key=upload["Key"])) == wanted


def test_a_customers_key_is_asked_for_again(served: Served, s3: Any, bucket: str) -> None:
    mine = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello world", **mine)
    answer = served.raw("GET", f"/{bucket}/k")
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    assert s3.get_object(Bucket=bucket, Key="k", **mine)["Body"].read() == b"hello world"
    other = {**mine, "SSECustomerKey": "x" * 32}
    assert refused(s3.get_object, Bucket=bucket, Key="k", **other) == (403, "AccessDenied")


def test_too_much_metadata_is_refused(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Metadata={"a": "x" * 2047})
    assert refused(s3.put_object, Bucket=bucket, Key="k", Metadata={"a": "x" * 2048}) == (400, "MetadataTooLarge")


def test_answers_can_be_told_their_headers(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", ContentType="text/plain")
    answer = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="text/x", ResponseContentDisposition="attachment"
    )
    assert (answer["ContentType"], answer["ContentDisposition"]) == ("text/x", "attachment")


def test_versions_are_all_null(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    (version,) = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert (version["Key"], version["VersionId"], version["IsLatest"]) == ("k", "null", True)
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"x"
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="abc") == (400, "InvalidArgument")


def test_a_readers_object_stays_while_it_is_replaced_and_deleted(served: Served, s3: Any, bucket: str) -> None:
    old = bytes(range(256)) * 80_000
    s3.put_object(Bucket=bucket, Key="k", Body=old)
    reading = s3.get_object(Bucket=bucket, Key="k")["Body"]
    begun = reading.read(1000)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="k")
    assert begun + reading.read() == old
    assert [path for path in (served.state / "objects" / "files").rglob("*") if path.stat().st_size == len(old)] == []
