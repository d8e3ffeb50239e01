"""Documents and forms for S3 that are none: XML, JSON and multipart/form-data, spoilt in each way there is."""

from __future__ import annotations

import base64

from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.maker import Sent
from tests.emulator.attack.s3_requests import KEY, S3Maker

DOCUMENTS: dict[tuple[str, str], bytes] = {
    ("PUT", "?tagging"): b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    ("PUT", "?lifecycle"): b"<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix>x</Prefix></Filter>"
    b"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    ("PUT", "?cors"): b"<CORSConfiguration><CORSRule><AllowedOrigin>http://a</AllowedOrigin>"
    b"<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>",
    ("PUT", "?encryption"): b"<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
    b"<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule>"
    b"</ServerSideEncryptionConfiguration>",
    ("PUT", "?website"): b"<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument>"
    b"</WebsiteConfiguration>",
    ("PUT", "?notification"): b"<NotificationConfiguration></NotificationConfiguration>",
    ("PUT", "?logging"): b"<BucketLoggingStatus></BucketLoggingStatus>",
    ("PUT", "?versioning"): b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>",
    ("PUT", "?ownershipControls"): b"<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>"
    b"</Rule></OwnershipControls>",
    ("PUT", "?publicAccessBlock"): b"<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>"
    b"</PublicAccessBlockConfiguration>",
    ("PUT", "?policy"): b'{"Version": "2012-10-17", "Statement": []}',
    ("PUT", "?acl"): b"<AccessControlPolicy><Owner><ID>a</ID></Owner><AccessControlList/></AccessControlPolicy>",
    ("PUT", ""): b"<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint>"
    b"</CreateBucketConfiguration>",
    ("POST", "?delete"): b"<Delete><Object><Key>nothing</Key></Object></Delete>",
    ("POST", "{key}?uploadId={upload}"): b"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
    b"<ETag>a</ETag></Part></CompleteMultipartUpload>",
    ("POST", "{key}?restore"): b"<RestoreRequest><Days>1</Days></RestoreRequest>",
    ("PUT", "{key}?tagging"): b"<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
}
_SECRET = b"../../outside/secret"


def document(maker: S3Maker) -> Sent:
    (method, what), good = maker.chance.choice(list(DOCUMENTS.items()))
    path = f"/{BUCKET}" + what.format(key=f"/{KEY}", upload=maker.upload)
    name = good[1 : good.index(b">")] if good.startswith(b"<") else b"Policy"
    deep = maker.chance.choice([100, 5_000, 100_000])
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
    )
    spoilt = {
        "spoilt": maker.spoilt(good),
        "cut": good[: maker.chance.randrange(len(good))],
        "noise": maker.chance.randbytes(maker.chance.randint(1, 400)),
        "deep": b"<a>" * deep + b"</a>" * deep,
        "deep inside": good.replace(b">", b">" + b"<a>" * deep, 1),
        "entities": entity + b"]><" + name + b">&j;</" + name + b">",
        "outside entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file://'
        + _SECRET
        + b'">]>'
        + good.replace(b">", b">&e;", 2),
        "outside definition": b'<!DOCTYPE x SYSTEM "file://' + _SECRET + b'">' + good,
        "unknown entity": good.replace(b">", b">&nothing;", 2),
        "another root": b"<Nothing>" + good + b"</Nothing>",
        "another name": good.replace(b"<", b"<x:", 1),
        "namespace": good.replace(b">", b' xmlns="urn:x">', 1),
        "attributes": good.replace(b">", b" " + b"".join(b'a%d="b" ' % n for n in range(5000)) + b">", 1),
        "same attribute": good.replace(b">", b' a="1" a="2">', 1),
        "another code": good.decode().encode("utf-16"),
        "said code": b'<?xml version="1.0" encoding="utf-99"?>' + good,
        "null": good.replace(b">", b">\0", 1),
        "no utf-8": good.replace(b">", b">\xff\xfe", 1),
        "section": good.replace(b">", b"><![CDATA[", 1),
        "instruction": b"<?x ?>" * 2000 + good,
        "long": good.replace(b">", b">" + b"x" * 3_000_000, 1),
        "many": b"<" + name + b">" + b"<Object><Key>a</Key></Object>" * 20_000 + b"</" + name + b">",
        "empty": b"",
        "blank": b" \n",
        "numbers": good.replace(
            b">1<", b">%s<" % maker.chance.choice([b"9" * 5000, b"-1", b"1e9", b"", b"NaN", b"\xd9\xa1"])
        ),
        "list": b"[]",
        "deep list": b"[" * deep,
        "json": b'{"Version": ' + maker.chance.choice([b"1e999", b"{}", b'"\\ud800"', b"null"]) + b', "Statement": 5}',
    }
    kind = maker.chance.choice(list(spoilt))
    return maker.request(f"{what} {kind}", method, path, spoilt[kind])


def form(maker: S3Maker) -> Sent:
    choice, fields = maker.chance.choice, maker.form_fields()
    kind = choice(["field", "policy", "body", "boundary", "signature", "condition", "many"])
    boundary, parts = "xyz", b""
    if kind == "field":
        name = choice(
            [
                "key",
                "success_action_status",
                "success_action_redirect",
                "tagging",
                "Content-Type",
                "acl",
                "x-amz-meta-a",
                "x-amz-checksum-crc32",
                "x-amz-storage-class",
                "bucket",
                "file",
                "",
            ]
        )
        fields[name] = choice(
            [
                "",
                "..",
                "../" * 50 + "outside/secret",
                "a" * 3000,
                "\0",
                "javascript:x",
                "http://[",
                "999",
                "a\r\nSet-Cookie: b",
                "<Tagging>",
                "${filename}",
                "\u2603" * 600,
            ]
        )
    elif kind == "policy":
        fields["policy"] = choice(
            ["", "x", "e30=", "bnVsbA==", "W10=", "\u2603", base64.b64encode(b"[" * 9000).decode()]
        )
    elif kind == "signature":
        name = choice(["x-amz-signature", "x-amz-credential", "x-amz-date", "x-amz-algorithm"])
        fields[name] = choice(["", "x", "a/b/c/d/e", "\u2603", "20300101T000000Z", "AWS4-ECDSA-P256-SHA256"])
    elif kind == "condition":
        wrong = choice(
            [
                [["content-length-range", "x", 5]],
                [["content-length-range", 5]],
                [[]],
                [5],
                {},
                None,
                [["eq"]],
                [["starts-with", 5, {}]],
                [{"key": {}}],
                [["eq", "$key", "x", "y"]],
                [{}],
                "x",
            ]
        )
        fields = maker.form_fields(conditions=wrong)
    for name, text in fields.items():
        parts += _part(boundary, f'form-data; name="{name}"', text.encode())
    if kind == "many":
        parts += b"".join(
            _part(boundary, f'form-data; name="x-ignore-{n}"', b"x" * 30) for n in range(choice([200, 2000]))
        )
    parts += _part(boundary, 'form-data; name="file"; filename="../../outside/secret"', b"content")
    body = parts + b"--xyz--\r\n"
    if kind == "body":
        body = choice(
            [
                b"",
                body[:-9],
                body[: maker.chance.randrange(len(body))],
                maker.spoilt(body),
                body.replace(b"\r\n", b"\n"),
                parts.replace(b"form-data", b"attachment"),
                body.replace(b'name="key"', b""),
                b"--xyz--\r\n",
                b"--xyz\r\n\r\n--xyz--",
                body.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 3),
                body.replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n", 2),
                body.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n", 2),
                b"--xyz\r\n" + b"A: b\r\n" * 20_000 + b"\r\nx\r\n--xyz--",
                b"x" * 200_000 + body,
                b"--xyz\r\n" + b"A" * 100_000,
            ]
        )
    elif kind == "boundary":
        boundary = choice(["", "x" * 200, '"', '"xyz', "\u00e9", "xyz; charset=utf-99", "other", "xyz ", "x\ty"])
    headers = {"Host": maker.host, "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return maker.plain(kind, "POST", f"/{BUCKET}", headers, body)


def _part(boundary: str, disposition: str, content: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"
