"""Signature Version 2 in S3's query string: what boto3 presigns with when it is not told otherwise.

The rules are S3's "Signing and authenticating REST requests" page. Version 2 in the Authorization header is refused, as
regions made since 2014 refuse it.
"""

import base64
import hmac

from . import canonical
from .authorization import header_values
from .canonical import Headers
from .keys import Key, Keys
from .problems import Dialect, Problem, problem

_SIGNED = frozenset(
    "accelerate acl analytics cors defaultObjectAcl delete intelligent-tiering inventory legal-hold lifecycle location "
    "logging metrics notification object-lock ownershipControls partNumber policy publicAccessBlock replication "
    "requestPayment restore retention select select-type storageClass tagging torrent uploadId uploads versionId "
    "versioning versions website response-cache-control response-content-disposition response-content-encoding "
    "response-content-language response-content-type response-expires".split()
)
"""The query parameters that are part of the resource."""

_Pairs = list[tuple[str, str]]


def verify(
    method: str, path: str, pairs: _Pairs, headers: Headers, keys: Keys, now: float, host_bucket: str | None
) -> Key:
    """The key that signed a presigned URL of version 2."""
    given = dict(pairs)
    expires, signature = given.get("Expires", ""), given.get("Signature", "")
    if not (signature and expires.isascii() and expires.isdigit() and len(expires) < 12):
        text = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        raise problem(Problem.MISSING, Dialect.S3, text)
    key = find_key(given["AWSAccessKeyId"], _token(given, headers), keys, now)
    if now > int(expires):
        raise problem(Problem.LAPSED, Dialect.S3, fields={"Expires": expires})
    texts = _texts(method, path, given, pairs, headers, expires, host_bucket)
    if not any(canonical.same(sign(key.secret, text), signature) for text in texts):
        told = {"AWSAccessKeyId": key.id, "StringToSign": texts[0], "SignatureProvided": signature}
        raise problem(Problem.MISMATCH, Dialect.S3, fields=told)
    return key


def find_key(id: str, token: str | None, keys: Keys, now: float) -> Key:
    """The key of an id and a session token, in S3's words if there is none."""
    key = keys.find(id)
    if key is None or not key.active or (key.token is not None and token is None):
        raise problem(Problem.UNKNOWN_KEY, Dialect.S3, fields={"AWSAccessKeyId": id})
    if token is not None and not canonical.same(token, key.token or ""):
        raise problem(Problem.WRONG_TOKEN, Dialect.S3, fields={"Token-0": token})
    if key.expires is not None and now >= key.expires:
        raise problem(Problem.EXPIRED_TOKEN, Dialect.S3, fields={"Token-0": token or ""})
    return key


def sign(secret: str, text: str) -> str:
    """HMAC-SHA1 of a text in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode()


def _token(given: dict[str, str], headers: Headers) -> str | None:
    return given.get("x-amz-security-token") or next(iter(header_values(headers, "x-amz-security-token")), None)


def _texts(
    method: str,
    path: str,
    given: dict[str, str],
    pairs: _Pairs,
    headers: Headers,
    expires: str,
    host_bucket: str | None,
) -> list[str]:
    """What may have been signed: with the bucket that the host names put before the path, and as it was sent."""
    amz: dict[str, list[str]] = {}
    for name, value in [*headers, *((n, v) for n, v in pairs if n.lower() not in {h.lower() for h, _ in headers})]:
        if name.lower().startswith("x-amz-"):
            amz.setdefault(name.lower(), []).append(value.strip())
    plain = [",".join(header_values(headers, name)) or given.get(name, "") for name in ("content-md5", "content-type")]
    lines = [method, *plain, expires, *(f"{name}:{','.join(amz[name])}" for name in sorted(amz))]
    signed = sorted(pair for pair in pairs if pair[0] in _SIGNED)
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    before = [f"/{host_bucket}", ""] if host_bucket else [""]
    return ["\n".join([*lines, f"{start}{path}" + (f"?{query}" if query else "")]) for start in before]
