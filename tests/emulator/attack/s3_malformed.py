"""Malformed requests to S3: frames of chunks, queries and headers, and the bodies made elsewhere."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.maker import Sent
from tests.emulator.attack.s3_bodies import document, form
from tests.emulator.attack.s3_requests import KEY, S3Maker


def malformed(maker: S3Maker) -> Sent:
    """One of all kinds."""
    kind, make = maker.chance.choice(_KINDS)
    sent = make(maker)
    return Sent(f"{kind} {sent.kind}", sent.data, sent.answers, sent.leaves)


def _chunks(maker: S3Maker) -> Sent:
    choice = maker.chance.choice
    payload = choice(
        [
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "STREAMING-X",
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        ]
    )
    signature = b";chunk-signature=" + choice([b"0" * 64, b"", b"x", b"0" * 5000, b"\xff" * 64])
    if "UNSIGNED" in payload and maker.chance.random() < 0.8:
        signature = b""
    crc = base64.b64encode(zlib.crc32(b"abcde").to_bytes(4, "big"))
    frames = {
        "wrong signature": b"5" + signature + b"\r\nabcde\r\n0" + signature + b"\r\n\r\n",
        "size": choice([b"zz", b"-5", b"5 ", b"0x5", b"+5", b"", b"fffffffffffffffff", b"5;x;y;z"])
        + b"\r\nabcde\r\n0\r\n\r\n",
        "cut": b"5" + signature + b"\r\nabc",
        "no end": b"5" + signature + b"\r\nabcde\r\n",
        "no line end": b"5" + signature + b"\r\nabcdeXX0\r\n\r\n",
        "bare line end": b"5\nabcde\n0\n\n",
        "long line": b"5;" + b"x" * 100_000 + b"\r\nabcde\r\n0\r\n\r\n",
        "trailers": b"5" + signature + b"\r\nabcde\r\n0\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
        "wrong sum": b"5\r\nabcde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
        "sum of nothing": b"5\r\nabcde\r\n0\r\nx-amz-checksum-crc32:\r\n\r\n",
        "other sum": b"5\r\nabcde\r\n0\r\nx-amz-checksum-sha256:" + crc + b"\r\n\r\n",
        "two sums": b"5\r\nabcde\r\n0\r\nx-amz-checksum-crc32:"
        + crc
        + b"\r\nx-amz-checksum-crc32:"
        + crc
        + b"\r\n\r\n",
        "folded": b"5\r\nabcde\r\n0\r\nx-amz-checksum-crc32\r\n :x\r\n\r\n",
        "many": b"1\r\na\r\n" * 20_000 + b"0\r\n\r\n",
        "empty": b"",
        "after the end": b"0\r\n\r\nabcde",
        "noise": maker.chance.randbytes(300),
    }
    kind = choice(list(frames))
    headers = {"x-amz-decoded-content-length": choice(["5", "0", "4", "6", "-1", "x", "", "9" * 30, "5, 5", "20000"])}
    if choice([True, False]):
        headers["x-amz-trailer"] = choice(
            ["x-amz-checksum-crc32", "x-amz-checksum-none", "", "a, b", "x-amz-checksum-sha256"]
        )
    if choice([True, False]):
        headers["Content-Encoding"] = choice(
            ["aws-chunked", "aws-chunked,gzip", "gzip,aws-chunked", "aws-chunked, aws-chunked"]
        )
    path = choice([maker.object, f"{maker.object}?uploadId={maker.upload}&partNumber=1", f"/{BUCKET}?tagging"])
    return maker.request(f"{payload[10:20]} {kind}", "PUT", path, frames[kind], headers, payload)


def _query(maker: S3Maker) -> Sent:
    choice = maker.chance.choice
    odd = choice(
        ["", "-1", "0", "x", "9" * 40, "1.5", "%00", "%ff", "%E2%98%83", "..%2f..", "a" * 3000, "%0d%0aA:%20b", "%"]
    )
    names = """
        max-keys marker start-after continuation-token delimiter encoding-type list-type prefix versionId
        partNumber uploadId response-content-type response-expires part-number-marker max-parts key-marker
        upload-id-marker max-uploads X-Amz-Expires X-Amz-Date X-Amz-Signature X-Amz-Credential X-Amz-Algorithm
        AWSAccessKeyId Signature Expires id x-id fetch-owner tagging acl select torrent nothing session
        attributes policyStatus legal-hold
    """.split()
    query = "&".join(f"{choice(names)}={odd}" for _ in range(maker.chance.randint(1, 4)))
    paths = [
        "/",
        f"/{BUCKET}",
        f"/{BUCKET}/",
        maker.object,
        f"/{BUCKET}/..",
        f"/{BUCKET}/../../outside",
        "/..",
        "/../..",
        f"/{BUCKET}/%ff%fe",
        f"/{BUCKET}/%00",
        "/" + "b" * 300,
        "/B_d",
        f"/{BUCKET}/" + "k" * 1100,
        f"//{BUCKET}",
        f"/{BUCKET}//",
        "/%2e%2e",
        f"/{BUCKET}/%",
        "/nothing-there",
        "/nothing-there/key",
        "/.",
        f"/{BUCKET}/a%2F..%2F..",
    ]
    method = choice(["GET", "GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"])
    path = choice(paths) + choice(["", f"?{query}"])
    if method == "DELETE" and path.partition("?")[0].strip("/") == BUCKET:
        method = "GET"
    return maker.request(f"{method} {path[:40]}", method, path)


def _headers(maker: S3Maker) -> Sent:
    choice = maker.chance.choice
    odd = choice(
        [
            "",
            "x",
            "-1",
            "9" * 40,
            "bytes=",
            "bytes=5-2",
            "bytes=-0",
            "bytes=0-0,2-2",
            "bytes=9" + "9" * 30 + "-",
            "Thu, 99 Jan 2099 00:00:00 GMT",
            "a" * 3000,
            "\u00e9\u00ff",
            "/../../outside/secret",
            f"/{BUCKET}/%ff",
            f"/{BUCKET}",
            "nothing-there/key",
            f"{BUCKET}/{KEY}?versionId=x",
            "a=b&a=c",
            "=",
            "&" * 300,
            "%",
            "AAAA",
            '"',
            "*",
            "aws:kms",
            "AES256",
            "GLACIER",
            "bucket-owner-full-control",
            "COPY",
            "REPLACE",
            "true",
        ]
    )
    names = """
        Range If-Match If-None-Match If-Modified-Since If-Unmodified-Since Content-MD5 Expires
        x-amz-checksum-crc32 x-amz-checksum-sha256 x-amz-checksum-crc64nvme x-amz-sdk-checksum-algorithm
        x-amz-checksum-algorithm x-amz-checksum-type x-amz-checksum-mode x-amz-copy-source
        x-amz-copy-source-range x-amz-copy-source-if-match x-amz-metadata-directive x-amz-tagging-directive
        x-amz-tagging x-amz-storage-class x-amz-acl x-amz-grant-read x-amz-server-side-encryption
        x-amz-server-side-encryption-customer-algorithm x-amz-server-side-encryption-customer-key
        x-amz-server-side-encryption-customer-key-md5 x-amz-expected-bucket-owner x-amz-meta-a
        x-amz-mp-object-size x-amz-website-redirect-location x-amz-object-attributes x-amz-max-parts
        x-amz-bucket-region x-amz-object-lock-mode x-amz-write-offset-bytes Content-Encoding Content-Type Expect
        x-amz-request-payer x-amz-mfa Cache-Control Content-Language
    """.split()
    headers = {choice(names): odd for _ in range(maker.chance.randint(1, 3))}
    method = choice(["GET", "HEAD", "PUT", "PUT", "POST", "DELETE"])
    paths = [
        maker.object,
        maker.object,
        f"{maker.object}?uploadId={maker.upload}&partNumber=1",
        f"/{BUCKET}?list-type=2",
        f"{maker.object}?attributes",
        f"{maker.object}?uploads",
        f"{maker.object}?uploadId={maker.upload}",
    ]
    path = choice(paths)
    if method == "DELETE":
        path = maker.object
    return maker.request(
        f"{method} {', '.join(headers)}", method, path, b"abcde" if method in ("PUT", "POST") else b"", headers
    )


_KINDS: list[tuple[str, Callable[[S3Maker], Sent]]] = [
    ("document", document),
    ("document", document),
    ("form", form),
    ("chunks", _chunks),
    ("query", _query),
    ("headers", _headers),
]
