"""Who may come in: signatures, presigned URLs, forms, and pages of a browser."""

import base64
import json
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator.objects.conftest import Answered, Served, refused

CORS = {
    "CORSRules": [
        {"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-amz-*"],
         "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60},
    ]
}  # fmt: skip
PAGE = "https://www.example.com"


@pytest.fixture
def key(s3: Any, bucket: str) -> str:
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello world")
    return f"/{bucket}/k"


def test_nobody_is_denied(served: Served, key: str) -> None:
    for method, target in (("GET", key), ("PUT", key), ("DELETE", key), ("GET", "/"), ("POST", f"{key}?uploads")):
        answer = served.raw(method, target, sign=False)
        assert (answer.status, answer.code) == (403, "AccessDenied"), method


def test_strangers_and_wrong_signatures(served: Served, bucket: str, key: str) -> None:
    stranger = served.client(key_id="AKIDNOBODYNOBODYNOBO")
    assert refused(stranger.get_object, Bucket=bucket, Key="k") == (403, "InvalidAccessKeyId")
    wrong = served.client(secret="guess")
    assert refused(wrong.get_object, Bucket=bucket, Key="k") == (403, "SignatureDoesNotMatch")


def test_the_wrong_region_names_the_right_one(served: Served, bucket: str, key: str) -> None:
    answer = served.raw("GET", key, region="eu-west-1")
    assert (answer.status, answer.code, answer.element("Region")) == (400, "AuthorizationHeaderMalformed", "us-east-1")
    assert answer.headers["x-amz-bucket-region"] == "us-east-1"
    followed = served.client(region_name="eu-west-1").get_object(Bucket=bucket, Key="k")
    assert followed["Body"].read() == b"hello world"


def test_the_payloads_hash_must_be_said(served: Served, key: str) -> None:
    from tests.emulator.objects.conftest import signed

    headers = signed("GET", f"{served.url}{key}", {"Host": f"127.0.0.1:{served.port}"}, "us-east-1", "UNSIGNED-PAYLOAD")
    del headers["X-Amz-Content-SHA256"]
    answer = served.raw("GET", key, headers, sign=False)
    assert (answer.status, answer.code) == (400, "InvalidRequest")


def fetched(url: str, method: str = "GET", body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned_urls(served: Served, bucket: str, key: str, version: str) -> None:
    s3 = served.client(signature_version=version)
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    assert fetched(url) == (200, b"hello world")
    assert fetched(url.replace("/k?", "/other?"))[0] == 403
    wrong = served.client(signature_version=version, secret="guess")
    status, body = fetched(wrong.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}))
    assert (status, b"SignatureDoesNotMatch" in body) == (403, True)
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "p"}, ExpiresIn=60)
    assert fetched(put, "PUT", b"presigned", **{"Content-Type": ""})[0] == 200
    assert served.client().get_object(Bucket=bucket, Key="p")["Body"].read() == b"presigned"


def test_presigned_urls_that_were_changed(served: Served, bucket: str, key: str) -> None:
    s3 = served.client(signature_version="s3v4")
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    stretched = fetched(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))
    assert (stretched[0], b"SignatureDoesNotMatch" in stretched[1]) == (403, True)
    tagged = {"Bucket": bucket, "Key": "t", "Tagging": "a=1"}
    missing = fetched(s3.generate_presigned_url("put_object", tagged), "PUT", b"x")
    assert (missing[0], b"SignatureDoesNotMatch" in missing[1]) == (403, True)
    lapsed = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=1)
    deadline = time.monotonic() + 20
    while (status := fetched(lapsed)[0]) == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert status == 403


def posted(served: Served, target: str, fields: Mapping[str, str], content: bytes, **headers: str) -> Answered:
    mark = uuid.uuid4().hex
    body = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body += f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="f.txt"\r\n\r\n'.encode()
    body += content + f"\r\n--{mark}--\r\n".encode()
    form = {"Content-Type": f"multipart/form-data; boundary={mark}", **headers}
    return served.raw("POST", target, form, body, sign=False)


def test_a_form(served: Served, s3: Any, bucket: str) -> None:
    conditions = [["starts-with", "$key", "up/"], ["content-length-range", 3, 20], {"x-amz-meta-a": "1"}]
    form = s3.generate_presigned_post(bucket, "up/${filename}", {"x-amz-meta-a": "1"}, conditions, 60)
    answer = posted(served, f"/{bucket}", form["fields"], b"from a form")
    assert (answer.status, answer.headers["location"]) == (204, f"{served.url}/{bucket}/up/f.txt")
    got = s3.get_object(Bucket=bucket, Key="up/f.txt")
    assert (got["Body"].read(), got["Metadata"]) == (b"from a form", {"a": "1"})
    for content, code in ((b"xx", "EntityTooSmall"), (b"x" * 21, "EntityTooLarge")):
        assert posted(served, f"/{bucket}", form["fields"], content).code == code
    for change in ({"key": "elsewhere"}, {"x-amz-meta-a": "2"}, {"x-amz-meta-more": "1"}):
        assert posted(served, f"/{bucket}", {**form["fields"], **change}, b"xxxx").code == "AccessDenied"


def test_forms_that_are_refused(served: Served, bucket: str) -> None:
    s3 = served.client(signature_version="s3v4")
    form = s3.generate_presigned_post(bucket, "k", {"success_action_status": "201"},
                                      [{"success_action_status": "201"}], 60)  # fmt: skip
    assert posted(served, f"/{bucket}", form["fields"], b"x").element("Key") == "k"
    forged = base64.b64encode(json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": []}).encode()).decode()
    for change in ({"policy": forged}, {"x-amz-signature": "0" * 64}):
        answer = posted(served, f"/{bucket}", {**form["fields"], **change}, b"x")
        assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch")
    assert posted(served, f"/{bucket}", {"key": "k"}, b"x").code == "AccessDenied"
    ill = served.raw("POST", f"/{bucket}", {"Content-Type": "multipart/form-data; boundary=x"}, b"junk", sign=False)
    assert ill.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\n" + b"A" * 100_000,
        b"--x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n",
        b'--x\r\nContent-Disposition: form-data; name="key"\r\nContent-Transfer-Encoding: rot13\r\n\r\nk\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="key"\r\nContent-Type: multipart/mixed\r\n\r\nk\r\n--x--\r\n',
        b"--x\r\nno header\r\n\r\nk\r\n--x--\r\n",
        b"--x\r\nA: " + b"a" * 10_000,
        b"--x\r\n" + b"A: b\r\n" * 20,
    ],
)
def test_parts_of_a_form_that_are_none(served: Served, bucket: str, body: bytes) -> None:
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = served.raw("POST", f"/{bucket}", form, body, sign=False)
    assert answer.status == 400, answer.body


def test_a_policy_with_sizes_that_are_none(served: Served, bucket: str) -> None:
    s3 = served.client(signature_version="s3v4")
    for least, most in (("9" * 5000, 5), (0, "9" * 5000), ("\u0661", 5)):
        form = s3.generate_presigned_post(bucket, "k", {}, [["content-length-range", least, most]], 60)
        assert posted(served, f"/{bucket}", form["fields"], b"x").code == "InvalidPolicyDocument"


def test_a_post_that_is_no_form(served: Served, bucket: str) -> None:
    for target, kind in ((f"/{bucket}?list-type=2", "text/plain"), (f"/{bucket}", ""), (f"/{bucket}", "text/plain")):
        answer = served.raw("POST", target, {"Content-Type": kind}, b"x")
        assert (answer.status, answer.code) == (412, "PreconditionFailed")
        assert "enclosure-type multipart/form-data" in answer.element("Condition")


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "OPTIONS"])
def test_a_browsers_page_is_refused(served: Served, key: str, method: str) -> None:
    for headers in ({"Origin": PAGE}, {"Origin": "null"}, {"Host": "rebound.example.com"}):
        answer = served.raw(method, key, {**headers, "Access-Control-Request-Method": "GET"})
        assert answer.status == 403, headers
        assert not [name for name in answer.headers if name.startswith("access-control")]
    fetching = served.raw(method, key, {"Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "GET"})
    assert fetching.status in (400, 403)


def test_a_page_that_the_user_let_in(served: Served, s3: Any, bucket: str, key: str) -> None:
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration=CORS)
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-amz-date"}
    preflight = served.raw("OPTIONS", key, asking, sign=False)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (200, PAGE)
    assert preflight.headers["access-control-allow-methods"] == "GET, PUT"
    assert preflight.headers["access-control-max-age"] == "60"
    got = served.raw("GET", key, {"Origin": PAGE})
    assert (got.status, got.headers["access-control-allow-origin"]) == (200, PAGE)
    assert got.headers["access-control-expose-headers"] == "ETag"
    for denied in (
        {**asking, "Origin": "https://example.org"},
        {**asking, "Access-Control-Request-Method": "DELETE"},
        {**asking, "Access-Control-Request-Headers": "x-other"},
    ):
        answer = served.raw("OPTIONS", key, denied, sign=False)
        assert (answer.status, answer.code) == (403, "AccessForbidden")
    unsigned = served.raw("GET", key, {"Origin": PAGE}, sign=False)
    assert (unsigned.status, unsigned.code) == (403, "AccessDenied")
    assert urllib.parse.urlsplit(served.url).hostname == "127.0.0.1"
