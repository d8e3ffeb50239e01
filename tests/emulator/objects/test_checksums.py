"""Checksums: in headers, in trailers, of chunks, of what is listed."""

import base64
import hashlib
import zlib
from typing import Any

import pytest
from awscrt import checksums as crt

from flytekitplugins_smfs.emulator.objects import checksums
from tests.emulator.objects.conftest import Served

BODY = b"hello world"
RIGHT = {
    "crc32": base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode(),
    "crc32c": "yZRlqg==",
    "crc64nvme": "jSnVw/bqjr4=",
    "sha1": "Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
    "sha256": "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
}
WRONG = {name: base64.b64encode(bytes(len(base64.b64decode(value)))).decode() for name, value in RIGHT.items()}
TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def chunked(body: bytes, *trailers: str) -> bytes:
    frames = f"{len(body):x}\r\n".encode() + body + b"\r\n" if body else b""
    return frames + b"0\r\n" + "".join(f"{trailer}\r\n" for trailer in trailers).encode() + b"\r\n"


def put_chunked(served: Served, bucket: str, name: str, framed: bytes, length: int = len(BODY)) -> Any:
    headers = {
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(length),
        "x-amz-trailer": f"x-amz-checksum-{name}",
    }
    return served.raw("PUT", f"/{bucket}/k", headers, framed, payload=TRAILER)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_one_is_answered_kept_and_listed(served: Served, s3: Any, bucket: str, name: str) -> None:
    answer = served.raw("PUT", f"/{bucket}/k", {f"x-amz-checksum-{name}": RIGHT[name]}, BODY)
    assert (answer.status, answer.headers[f"x-amz-checksum-{name}"]) == (200, RIGHT[name])
    head = served.raw("HEAD", f"/{bucket}/k", {"x-amz-checksum-mode": "ENABLED"})
    assert (head.headers[f"x-amz-checksum-{name}"], head.headers["x-amz-checksum-type"]) == (RIGHT[name], "FULL_OBJECT")
    assert f"x-amz-checksum-{name}" not in served.raw("HEAD", f"/{bucket}/k").headers
    (item,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert item["ChecksumAlgorithm"] == [name.upper()]


@pytest.mark.parametrize("name", RIGHT)
def test_a_wrong_one_stores_nothing(served: Served, bucket: str, name: str) -> None:
    answer = served.raw("PUT", f"/{bucket}/k", {f"x-amz-checksum-{name}": WRONG[name]}, BODY)
    assert (answer.status, answer.code) == (400, "BadDigest")
    trailed = put_chunked(served, bucket, name, chunked(BODY, f"x-amz-checksum-{name}:{WRONG[name]}"))
    assert (trailed.status, trailed.code) == (400, "BadDigest")
    assert served.raw("GET", f"/{bucket}/k").status == 404


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_trailer(served: Served, bucket: str, name: str) -> None:
    answer = put_chunked(served, bucket, name, chunked(BODY, f"x-amz-checksum-{name}:{RIGHT[name]}"))
    assert (answer.status, answer.headers[f"x-amz-checksum-{name}"]) == (200, RIGHT[name])
    assert served.raw("GET", f"/{bucket}/k").body == BODY


def test_what_cannot_be_one_is_refused(served: Served, bucket: str) -> None:
    for value in ("short", "", "AAAA", "!" * 44):
        answer = served.raw("PUT", f"/{bucket}/k", {"x-amz-checksum-sha256": value}, BODY)
        assert (answer.status, answer.code) == (400, "InvalidRequest"), value
    two = {"x-amz-checksum-sha1": RIGHT["sha1"], "x-amz-checksum-sha256": RIGHT["sha256"]}
    answer = served.raw("PUT", f"/{bucket}/k", two, BODY)
    assert (answer.status, answer.code) == (400, "InvalidRequest")
    announced = served.raw("PUT", f"/{bucket}/k", {"x-amz-sdk-checksum-algorithm": "CRC32"}, BODY)
    assert (announced.status, announced.code) == (400, "InvalidRequest")
    other = served.raw("PUT", f"/{bucket}/k", {"x-amz-checksum-xxhash64": "AAAAAAAAAAA="}, BODY)
    assert (other.status, other.code) == (501, "NotImplemented")


def test_without_one_it_is_crc64nvme(served: Served, bucket: str) -> None:
    answer = served.raw("PUT", f"/{bucket}/k", {}, BODY)
    assert answer.headers["x-amz-checksum-crc64nvme"] == RIGHT["crc64nvme"]


def test_md5(served: Served, bucket: str) -> None:
    right = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    assert served.raw("PUT", f"/{bucket}/k", {"Content-MD5": right}, BODY).status == 200
    wrong = served.raw("PUT", f"/{bucket}/k", {"Content-MD5": base64.b64encode(bytes(16)).decode()}, BODY)
    assert (wrong.status, wrong.code) == (400, "BadDigest")
    ill = served.raw("PUT", f"/{bucket}/k", {"Content-MD5": "abc"}, BODY)
    assert (ill.status, ill.code) == (400, "InvalidDigest")


def test_the_payloads_own_hash(served: Served, bucket: str) -> None:
    wrong = served.raw("PUT", f"/{bucket}/k", {}, BODY, payload="0" * 64)
    assert (wrong.status, wrong.code) == (400, "XAmzContentSHA256Mismatch")
    assert served.raw("GET", f"/{bucket}/k").status == 404


def test_a_trailer_that_does_not_come(served: Served, bucket: str) -> None:
    answer = put_chunked(served, bucket, "crc32", chunked(BODY))
    assert (answer.status, answer.code) == (400, "MalformedTrailerError")
    short = put_chunked(served, bucket, "crc32", chunked(BODY, f"x-amz-checksum-crc32:{RIGHT['crc32']}"), 99)
    assert (short.status, short.code) == (400, "IncompleteBody")
    assert served.raw("GET", f"/{bucket}/k").status == 404


def test_other_encodings_stay(served: Served, s3: Any, bucket: str) -> None:
    packed = zlib.compress(BODY)
    crc = base64.b64encode(zlib.crc32(packed).to_bytes(4, "big")).decode()
    headers = {
        "content-encoding": "gzip,aws-chunked",
        "x-amz-decoded-content-length": str(len(packed)),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    framed = chunked(packed, f"x-amz-checksum-crc32:{crc}")
    assert served.raw("PUT", f"/{bucket}/k", headers, framed, payload=TRAILER).status == 200
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (head["ContentEncoding"], head["ChecksumCRC32"]) == ("gzip", crc)
    assert served.raw("GET", f"/{bucket}/k").body == packed


def test_signed_chunks_with_a_trailer(served: Served, s3: Any, bucket: str) -> None:
    """As awscrt signs them: chunks of 8 KiB, each with the signature before."""
    import datetime
    import hmac

    from tests.emulator.objects.conftest import KEY, signed

    content = bytes(range(256)) * 100
    crc = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    headers = {
        "Host": f"127.0.0.1:{served.port}",
        "content-encoding": "aws-chunked",
        "x-amz-decoded-content-length": str(len(content)),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    given = signed("PUT", f"{served.url}/{bucket}/k", headers, "us-east-1", payload)
    moment, day = given["X-Amz-Date"], given["X-Amz-Date"][:8]
    assert datetime.datetime.strptime(day, "%Y%m%d")
    key = f"AWS4{KEY.secret}".encode()
    for step in (day, "us-east-1", "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    scope = f"{day}/us-east-1/s3/aws4_request"
    previous = given["Authorization"].rpartition("Signature=")[2]
    nothing = hashlib.sha256(b"").hexdigest()
    framed = b""
    for chunk in (content[:8192], content[8192:16384], content[16384:], b""):
        text = (
            f"AWS4-HMAC-SHA256-PAYLOAD\n{moment}\n{scope}\n{previous}\n{nothing}\n{hashlib.sha256(chunk).hexdigest()}"
        )
        previous = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        framed += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk + (b"\r\n" if chunk else b"")
    trailer = f"x-amz-checksum-crc32:{crc}"
    digest = hashlib.sha256(f"{trailer}\n".encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256-TRAILER\n{moment}\n{scope}\n{previous}\n{digest}"
    last = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    framed += f"{trailer}\r\nx-amz-trailer-signature:{last}\r\n\r\n".encode()
    assert served.raw("PUT", f"/{bucket}/k", given, framed, sign=False).status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == content


def test_a_sum_of_a_whole_follows_from_its_parts() -> None:
    for name, function in (("CRC32", crt.crc32), ("CRC32C", crt.crc32c), ("CRC64NVME", crt.crc64nvme)):
        width = checksums.WIDTHS[name]
        parts = [b"a" * 1000, b"", bytes(range(256)) * 33, b"z"]
        sums = [(checksums.encoded(function(part, 0).to_bytes(width, "big")), len(part)) for part in parts]
        whole = checksums.encoded(function(b"".join(parts), 0).to_bytes(width, "big"))
        assert checksums.of_whole(name, sums) == whole
