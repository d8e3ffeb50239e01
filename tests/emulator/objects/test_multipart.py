"""Uploads in parts."""

import base64
import hashlib
import os
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.objects.conftest import Served, refused

PART = 5 << 20


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(PART)


def begun(s3: Any, bucket: str, **asked: Any) -> dict[str, str]:
    return {
        "Bucket": bucket,
        "Key": "k",
        "UploadId": s3.create_multipart_upload(Bucket=bucket, Key="k", **asked)["UploadId"],
    }


def uploaded(s3: Any, of: dict[str, str], number: int, body: bytes, **asked: Any) -> dict[str, Any]:
    part = s3.upload_part(**of, PartNumber=number, Body=body, **asked)
    sums = {name: part[name] for name in part if name.startswith("Checksum") and name != "ChecksumType"}
    return {"PartNumber": number, "ETag": part["ETag"], **sums}


def etag_of(*parts: bytes) -> str:
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts))
    return f'"{digest.hexdigest()}-{len(parts)}"'


def test_two_parts(s3: Any, bucket: str, content: bytes) -> None:
    of = begun(s3, bucket, Metadata={"a": "1"}, ContentType="text/x", Tagging="t=1")
    parts = [uploaded(s3, of, 1, content), uploaded(s3, of, 2, b"tail")]
    done = s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert answer["Body"].read() == content + b"tail"
    assert done["ETag"] == answer["ETag"] == etag_of(content, b"tail")
    assert (answer["Metadata"], answer["ContentType"], answer["TagCount"]) == ({"a": "1"}, "text/x", 1)
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert (second["Body"].read(), second["PartsCount"]) == (b"tail", 2)
    assert refused(s3.list_parts, **of) == (404, "NoSuchUpload")


def test_completing_again_answers_the_same(s3: Any, bucket: str) -> None:
    of = begun(s3, bucket)
    parts = {"Parts": [uploaded(s3, of, 1, b"x")]}
    first = s3.complete_multipart_upload(**of, MultipartUpload=parts)
    assert s3.complete_multipart_upload(**of, MultipartUpload=parts)["ETag"] == first["ETag"]
    s3.delete_object(Bucket=bucket, Key="k")


def test_gaps_and_a_choice_of_parts(s3: Any, bucket: str, content: bytes) -> None:
    of = begun(s3, bucket)
    uploaded(s3, of, 5, b"left out")
    parts = [uploaded(s3, of, 2, content), uploaded(s3, of, 9, b"end")]
    s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content + b"end"


def test_parts_are_listed_in_pages_and_replaced(served: Served, s3: Any, bucket: str) -> None:
    of = begun(s3, bucket)
    for number in (3, 1, 2):
        uploaded(s3, of, number, b"x" * number)
    uploaded(s3, of, 1, b"again")
    page = s3.list_parts(**of, MaxParts=2)
    sizes = [(part["PartNumber"], part["Size"]) for part in page["Parts"]]
    assert (page["IsTruncated"], page["NextPartNumberMarker"], sizes) == (True, 2, [(1, 5), (2, 2)])
    rest = s3.list_parts(**of, PartNumberMarker=2)
    assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([3], False)
    s3.abort_multipart_upload(**of)
    assert refused(s3.abort_multipart_upload, **of) == (404, "NoSuchUpload")
    assert served.raw("PUT", f"/{bucket}/k?partNumber=1&uploadId=none", {}, b"x").code == "NoSuchUpload"


def test_what_completes_nothing(served: Served, s3: Any, bucket: str) -> None:
    of = begun(s3, bucket)
    first, second = uploaded(s3, of, 1, b"small"), uploaded(s3, of, 2, b"x")

    def completing(*parts: dict[str, Any]) -> tuple[int, str]:
        return refused(s3.complete_multipart_upload, **of, MultipartUpload={"Parts": list(parts)})

    assert completing({"PartNumber": 7, "ETag": first["ETag"]}) == (400, "InvalidPart")
    assert completing({"PartNumber": 1, "ETag": '"0"'}) == (400, "InvalidPart")
    assert completing(second, first) == (400, "InvalidPartOrder")
    assert completing(first, second) == (400, "EntityTooSmall")
    assert completing() == (400, "MalformedXML")
    for number in ("9" * 5000, "\u0661", "-1", ""):
        body = f"<CompleteMultipartUpload><Part><PartNumber>{number}</PartNumber><ETag>a</ETag></Part>"
        body += "</CompleteMultipartUpload>"
        answer = served.raw("POST", f"/{bucket}/k?uploadId={of['UploadId']}", {}, body.encode())
        assert (answer.status, answer.code) == (400, "MalformedXML")
    s3.complete_multipart_upload(**of, MultipartUpload={"Parts": [second]})


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", ""])
def test_a_part_number_out_of_bounds(served: Served, s3: Any, bucket: str, number: str) -> None:
    of = begun(s3, bucket)
    answer = served.raw("PUT", f"/{bucket}/k?partNumber={number}&uploadId={of['UploadId']}", {}, b"x")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


def test_a_part_with_a_wrong_sum(served: Served, s3: Any, bucket: str) -> None:
    of = begun(s3, bucket)
    target = f"/{bucket}/k?partNumber=1&uploadId={of['UploadId']}"
    answer = served.raw("PUT", target, {"x-amz-checksum-crc32": "AAAAAA=="}, b"x")
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert "Parts" not in s3.list_parts(**of)


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME"])
def test_a_sum_of_the_whole(s3: Any, bucket: str, content: bytes, name: str) -> None:
    of = begun(s3, bucket, ChecksumAlgorithm=name, ChecksumType="FULL_OBJECT")
    parts = [uploaded(s3, of, number, body, ChecksumAlgorithm=name) for number, body in ((1, content), (2, b"tail"))]
    done = s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    s3.put_object(Bucket=bucket, Key="whole", Body=content + b"tail", ChecksumAlgorithm=name)
    whole = s3.head_object(Bucket=bucket, Key="whole", ChecksumMode="ENABLED")[f"Checksum{name}"]
    assert (done[f"Checksum{name}"], done["ChecksumType"]) == (whole, "FULL_OBJECT")
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == content + b"tail"


def test_composite_sums(s3: Any, bucket: str, content: bytes) -> None:
    of = begun(s3, bucket, ChecksumAlgorithm="SHA256")
    parts = [uploaded(s3, of, number, body, ChecksumAlgorithm="SHA256") for number, body in ((1, content), (2, b"t"))]
    without = [{name: part[name] for name in ("PartNumber", "ETag")} for part in parts]
    missing = refused(s3.complete_multipart_upload, **of, MultipartUpload={"Parts": without})
    assert missing == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    digest = hashlib.sha256(hashlib.sha256(content).digest() + hashlib.sha256(b"t").digest()).digest()
    assert (done["ChecksumSHA256"], done["ChecksumType"]) == (f"{base64.b64encode(digest).decode()}-2", "COMPOSITE")
    parts_ = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"])
    assert parts_["ObjectParts"]["TotalPartsCount"] == 2
    assert [part["ChecksumSHA256"] for part in parts_["ObjectParts"]["Parts"]] == [p["ChecksumSHA256"] for p in parts]


def test_sums_that_do_not_go_together(s3: Any, bucket: str) -> None:
    create = s3.create_multipart_upload
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("SHA1", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        bad = refused(create, Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
        assert bad == (400, "InvalidRequest")
    of = begun(s3, bucket, ChecksumAlgorithm="SHA256")
    other = refused(s3.upload_part, **of, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    assert other == (400, "InvalidRequest")


def test_a_wrong_sum_or_size_of_the_whole(s3: Any, bucket: str) -> None:
    of = begun(s3, bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = {"Parts": [uploaded(s3, of, 1, b"x", ChecksumAlgorithm="CRC32")]}
    complete = s3.complete_multipart_upload
    assert refused(complete, **of, MultipartUpload=parts, ChecksumCRC32="AAAAAA==") == (400, "BadDigest")
    assert refused(complete, **of, MultipartUpload=parts, MpuObjectSize=2) == (400, "InvalidRequest")
    right = base64.b64encode(zlib.crc32(b"x").to_bytes(4, "big")).decode()
    complete(**of, MultipartUpload=parts, ChecksumCRC32=right, MpuObjectSize=1)


def test_parts_are_copied(s3: Any, bucket: str, content: bytes) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=content)
    of = begun(s3, bucket)
    source = {"CopySource": f"{bucket}/source"}
    first = s3.upload_part_copy(**of, PartNumber=1, **source)["CopyPartResult"]["ETag"]
    second = s3.upload_part_copy(**of, PartNumber=2, **source, CopySourceRange="bytes=10-19")
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content + content[10:20]
    for beyond in (f"bytes=0-{PART}", "bytes=5-1", "bytes=0-", "0-1"):
        of = begun(s3, bucket)
        bad = refused(s3.upload_part_copy, **of, PartNumber=1, **source, CopySourceRange=beyond)
        assert bad == (400, "InvalidArgument")


def test_boto3_transfers(s3: Any, bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(20 << 20))
    s3.upload_file(str(source), bucket, "k")
    assert s3.head_object(Bucket=bucket, Key="k")["ETag"].endswith('-3"')
    s3.download_file(bucket, "k", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_uploads_are_listed_by_key_and_age_in_pages(s3: Any, bucket: str) -> None:
    made = [
        (key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ("b", "a/x", "b", "a/y", "c")
    ]
    wanted = sorted(made, key=lambda each: each[0])
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [(each["Key"], each["UploadId"]) for page in pages for each in page["Uploads"]] == wanted
    folded = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/", MaxUploads=1)
    assert ([each["Prefix"] for each in folded["CommonPrefixes"]], folded["IsTruncated"]) == (["a/"], True)
    rest = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/", KeyMarker=folded["NextKeyMarker"])
    assert [each["Key"] for each in rest["Uploads"]] == ["b", "b", "c"]


def test_what_is_given_up_leaves_no_file(served: Served, s3: Any, bucket: str) -> None:
    of = begun(s3, bucket)
    body = os.urandom(123_457)
    uploaded(s3, of, 1, body)
    files = served.state / "objects" / "files"
    assert [path for path in files.rglob("*") if path.is_file() and path.stat().st_size == len(body)]
    s3.abort_multipart_upload(**of)
    assert not [path for path in files.rglob("*") if path.is_file() and path.stat().st_size == len(body)]
