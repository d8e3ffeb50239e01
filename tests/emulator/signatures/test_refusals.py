"""Each way in which a request's signature can be wrong, in the words of each family of services."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from flytekitplugins_smfs.emulator.signatures import Dialect, Key, Keys, SignatureError, in_scope, verify, verify_form

from .conftest import SESSION, USER

HOST = "127.0.0.1:4321"
Headers = dict[str, str]
STARTED = time.time()
"""Long ago by the time that a test runs: requests are signed when it does."""


def sign(dialect: Dialect, key: Key = USER) -> Headers:
    """The headers of a signed ``GET /bucket``."""
    request = AWSRequest("GET", f"http://{HOST}/bucket", {}, b"")
    s3 = dialect is Dialect.S3
    signer = (S3SigV4Auth if s3 else SigV4Auth)(
        Credentials(key.id, key.secret, key.token), "s3" if s3 else "any", "us-east-1"
    )
    signer.add_auth(request)
    return {"Host": HOST, **dict(request.headers.items())}


def refused(
    keys: Keys, headers: Headers, dialect: Dialect, now: float | None = None, target: str = "/bucket"
) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        verify("GET", target, list(headers.items()), keys, now or time.time(), dialect=dialect)
    return caught.value


UNKNOWN = replace(USER, id="AKIAUNKNOWN")
WRONG = replace(USER, secret="wrong")
OTHER_TOKEN = replace(SESSION, token="other")
NO_TOKEN = replace(SESSION, token=None)
OFF = replace(USER, id="AKIAOFF", active=False)
ENDED = replace(SESSION, id="ASIAENDED", expires=STARTED - 10)

CODES: dict[str, dict[Dialect, tuple[str, int]]] = {
    "missing": {
        Dialect.S3: ("AccessDenied", 403),
        Dialect.QUERY: ("MissingAuthenticationToken", 403),
        Dialect.EC2: ("MissingParameter", 400),
        Dialect.JSON: ("MissingAuthenticationTokenException", 400),
        Dialect.REST_JSON: ("MissingAuthenticationTokenException", 403),
    },
    "unknown": {
        Dialect.S3: ("InvalidAccessKeyId", 403),
        Dialect.QUERY: ("InvalidClientTokenId", 403),
        Dialect.EC2: ("AuthFailure", 401),
        Dialect.JSON: ("UnrecognizedClientException", 400),
        Dialect.REST_JSON: ("UnrecognizedClientException", 403),
    },
    "wrong": {
        Dialect.S3: ("SignatureDoesNotMatch", 403),
        Dialect.QUERY: ("SignatureDoesNotMatch", 403),
        Dialect.EC2: ("AuthFailure", 401),
        Dialect.JSON: ("InvalidSignatureException", 400),
        Dialect.REST_JSON: ("InvalidSignatureException", 403),
    },
    "other token": {
        Dialect.S3: ("InvalidToken", 400),
        Dialect.QUERY: ("InvalidClientTokenId", 403),
        Dialect.EC2: ("AuthFailure", 401),
        Dialect.JSON: ("UnrecognizedClientException", 400),
        Dialect.REST_JSON: ("UnrecognizedClientException", 403),
    },
    "ended": {
        Dialect.S3: ("ExpiredToken", 400),
        Dialect.QUERY: ("ExpiredToken", 403),
        Dialect.EC2: ("RequestExpired", 400),
        Dialect.JSON: ("ExpiredTokenException", 400),
        Dialect.REST_JSON: ("ExpiredTokenException", 403),
    },
}
CODES["no token"] = CODES["off"] = CODES["unknown"]
WITH: dict[str, Callable[[Dialect], Headers]] = {
    "missing": lambda _: {"Host": HOST},
    "unknown": lambda d: sign(d, UNKNOWN),
    "wrong": lambda d: sign(d, WRONG),
    "other token": lambda d: sign(d, OTHER_TOKEN),
    "no token": lambda d: sign(d, NO_TOKEN),
    "off": lambda d: sign(d, OFF),
    "ended": lambda d: sign(d, ENDED),
}


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("what", WITH)
def test_who_asks_is_not_known(keys: Keys, what: str, dialect: Dialect) -> None:
    keys.add(OFF)
    keys.add(ENDED)
    error = refused(keys, WITH[what](dialect), dialect)
    assert (error.code, error.status) == CODES[what][dialect]
    assert USER.secret not in f"{error} {error.fields}"


@pytest.mark.parametrize(
    ("dialect", "seconds", "code"),
    [
        (Dialect.S3, 16 * 60, "RequestTimeTooSkewed"),
        (Dialect.S3, -16 * 60, "RequestTimeTooSkewed"),
        (Dialect.QUERY, 6 * 60, "SignatureDoesNotMatch"),
        (Dialect.JSON, 6 * 60, "InvalidSignatureException"),
        (Dialect.JSON, -6 * 60, "InvalidSignatureException"),
        (Dialect.EC2, 6 * 60, "RequestExpired"),
    ],
)
def test_a_clock_too_far_off(keys: Keys, dialect: Dialect, seconds: float, code: str) -> None:
    headers = sign(dialect)
    assert refused(keys, headers, dialect, time.time() + seconds).code == code
    verify("GET", "/bucket", list(headers.items()), keys, time.time() + seconds * 0.7, dialect=dialect)


def _without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: {n: v for n, v in headers.items() if n.lower() != name}


def _authorization(old: str, new: str) -> Callable[[Headers], Headers]:
    return lambda headers: {**headers, "Authorization": headers["Authorization"].replace(old, new)}


INVALID, MALFORMED, INCOMPLETE = "InvalidRequest", "AuthorizationHeaderMalformed", "IncompleteSignatureException"
ECDSA = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"


@pytest.mark.parametrize(
    ("change", "s3", "json"),
    [
        (_authorization("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), INVALID, INCOMPLETE),
        (_authorization("AWS4-HMAC-SHA256 Credential", "AWS a:b"), INVALID, INCOMPLETE),
        (_authorization("Credential=", "X="), MALFORMED, INCOMPLETE),
        (_authorization("/aws4_request", ""), MALFORMED, INCOMPLETE),
        (_authorization("us-east-1", ""), MALFORMED, INCOMPLETE),
        (_authorization("us-east-1", "eu-west-1"), "SignatureDoesNotMatch", "InvalidSignatureException"),
        (_authorization("Signature=", "Signature=0"), "SignatureDoesNotMatch", "InvalidSignatureException"),
        (_authorization("SignedHeaders=host", "SignedHeaders=Host"), MALFORMED, INCOMPLETE),
        (_authorization("SignedHeaders=host;", "SignedHeaders="), "AccessDenied", INCOMPLETE),
        (_without("x-amz-date"), "AccessDenied", INCOMPLETE),
        (lambda headers: {**headers, "X-Amz-Date": "yesterday"}, "AccessDenied", INCOMPLETE),
        (lambda headers: {**headers, "X-Amz-Date": "20000101T000000Z"}, MALFORMED, INCOMPLETE),
        (lambda headers: {**headers, "Authorization": ""}, INVALID, INCOMPLETE),
        (lambda headers: {**headers, "Authorization": "\udcff=;,"}, INVALID, INCOMPLETE),
        (lambda headers: {**headers, "X-Amz-Content-SHA256": "short"}, "InvalidArgument", "InvalidSignatureException"),
        (lambda headers: {**headers, "X-Amz-Content-SHA256": ECDSA}, INVALID, INCOMPLETE),
    ],
)  # fmt: skip
def test_ill_made_headers(keys: Keys, change: Callable[[Headers], Headers], s3: str, json: str) -> None:
    assert refused(keys, change(sign(Dialect.S3)), Dialect.S3).code == s3
    assert refused(keys, change(sign(Dialect.JSON)), Dialect.JSON).code == json


def test_s3_wants_a_payload_hash_and_all_its_headers_signed(keys: Keys) -> None:
    headers = sign(Dialect.S3)
    error = refused(keys, _without("x-amz-content-sha256")(headers), Dialect.S3)
    assert (error.code, error.status) == ("InvalidRequest", 400)
    error = refused(keys, {**headers, "x-amz-acl": "public-read"}, Dialect.S3)
    assert (error.code, error.fields) == ("AccessDenied", {"HeadersNotSigned": "x-amz-acl"})


def test_s3_shows_what_it_would_have_signed(keys: Keys) -> None:
    error = refused(keys, sign(Dialect.S3, WRONG), Dialect.S3)
    assert error.fields["AWSAccessKeyId"] == USER.id
    assert error.fields["CanonicalRequest"].startswith("GET\n/bucket\n\nhost:127.0.0.1:4321\n")
    assert error.fields["StringToSign"].startswith("AWS4-HMAC-SHA256\n")


def _presigned(key: Key = USER, expires: int = 60) -> str:
    request = AWSRequest("GET", f"http://{HOST}/bucket", {}, b"")
    S3SigV4QueryAuth(Credentials(key.id, key.secret, key.token), "s3", "us-east-1", expires).add_auth(request)
    return str(request.url.removeprefix(f"http://{HOST}"))


@pytest.mark.parametrize(
    ("change", "code", "later"),
    [
        (lambda url: url, "AccessDenied", 61),
        (lambda url: url, "AccessDenied", -16 * 60),
        (lambda url: url.replace("Expires=60", "Expires=600"), "SignatureDoesNotMatch", 0),
        (lambda url: url.replace("Expires=60", "Expires=604801"), "AuthorizationQueryParametersError", 0),
        (lambda url: url.replace("Expires=60", "Expires=-1"), "AuthorizationQueryParametersError", 0),
        (lambda url: url.replace("Expires=60", "Expires=x"), "AuthorizationQueryParametersError", 0),
        (lambda url: url.replace("X-Amz-Expires=60", "a=b"), "AuthorizationQueryParametersError", 0),
        (lambda url: url + "&X-Amz-Expires=600", "AuthorizationQueryParametersError", 0),
        (lambda url: url.replace("HMAC", "XMAC"), "AuthorizationQueryParametersError", 0),
        (lambda url: url.replace("X-Amz-Date=2", "X-Amz-Date=x"), "AuthorizationQueryParametersError", 0),
        (lambda url: url + "&AWSAccessKeyId=a&Signature=b&Expires=1", "InvalidArgument", 0),
        (lambda url: "/bucket?AWSAccessKeyId=a", "AccessDenied", 0),
        (lambda url: f"/bucket?AWSAccessKeyId={USER.id}&Signature=b&Expires=1", "AccessDenied", 0),
        (lambda url: "/bucket?AWSAccessKeyId=b&Signature=b&Expires=9999999999", "InvalidAccessKeyId", 0),
    ],
)
def test_ill_made_queries(keys: Keys, change: Callable[[str], str], code: str, later: float) -> None:
    assert refused(keys, {"Host": HOST}, Dialect.S3, time.time() + later, change(_presigned())).code == code


def test_two_ways_of_signing_are_one_too_many(keys: Keys) -> None:
    assert refused(keys, sign(Dialect.S3), Dialect.S3, target=_presigned()).code == "InvalidArgument"


def _form(key: Key, version: str) -> dict[str, str]:
    session = boto3.Session(key.id, key.secret, key.token, "us-east-1")
    client: Any = session.client("s3", config=Config(signature_version=version), endpoint_url=f"http://{HOST}")
    fields = client.generate_presigned_post("bucket", "key", Fields={"acl": "private"})["fields"]
    return {name.lower(): value for name, value in fields.items()}


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("key", [USER, SESSION])
def test_forms(keys: Keys, key: Key, version: str) -> None:
    fields = _form(key, version)
    assert verify_form(fields, keys, time.time()) == key
    policy = base64.b64encode(json.dumps({"expiration": "2099-01-01T00:00:00Z", "conditions": []}).encode()).decode()
    signature = "x-amz-signature" if version == "s3v4" else "signature"
    for changed, code in (
        ({**fields, "policy": policy}, "SignatureDoesNotMatch"),
        ({**fields, signature: "0" * 64}, "SignatureDoesNotMatch"),
        ({n: v for n, v in fields.items() if n != "policy"}, "AccessDenied"),
        ({**_form(replace(key, id="AKIAUNKNOWN"), version)}, "InvalidAccessKeyId"),
        ({**_form(replace(key, secret="wrong"), version)}, "SignatureDoesNotMatch"),
    ):
        with pytest.raises(SignatureError) as caught:
            verify_form(changed, keys, time.time())
        assert caught.value.code == code


def test_scope(keys: Keys) -> None:
    verified = verify("GET", "/bucket", list(sign(Dialect.S3).items()), keys, time.time())
    in_scope(verified, "s3", "us-east-1")
    with pytest.raises(SignatureError) as region:
        in_scope(verified, "s3", "eu-west-1")
    assert (region.value.code, region.value.status) == ("AuthorizationHeaderMalformed", 400)
    assert region.value.fields == {"Region": "eu-west-1"}
    with pytest.raises(SignatureError) as service:
        in_scope(verified, "fsx", "us-east-1")
    assert "incorrect service" in service.value.message
