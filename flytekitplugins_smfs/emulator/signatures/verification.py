"""Verifies a request: Signature Version 4 in header or query, Version 2 in the query for S3."""

from dataclasses import dataclass, field
from enum import Enum, auto

from . import authorization as read
from . import canonical, version2
from .authorization import Claim, one_header
from .canonical import Headers
from .keys import Key, Keys
from .problems import Dialect, Problem, problem

_S3_SKEW = 15 * 60
_SKEW = 5 * 60
"""Seconds a clock may be off, and the lesser one of services other than S3."""


class Payload(Enum):
    """How a body is protected."""

    HASH = auto()
    """Its SHA-256 is ``Verified.sha256``."""
    UNSIGNED = auto()
    SIGNED_CHUNKS = auto()
    SIGNED_CHUNKS_TRAILER = auto()
    UNSIGNED_CHUNKS_TRAILER = auto()

    @property
    def chunked(self) -> bool:
        """Whether it is framed as ``aws-chunked``."""
        return self not in (Payload.HASH, Payload.UNSIGNED)


_STREAMING = {
    "UNSIGNED-PAYLOAD": Payload.UNSIGNED,
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": Payload.SIGNED_CHUNKS,
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": Payload.SIGNED_CHUNKS_TRAILER,
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": Payload.UNSIGNED_CHUNKS_TRAILER,
}


@dataclass(frozen=True)
class Verified:
    """Who signed a request, for where, and what holds for its body.

    ``key`` is None only for what ``unsigned`` made. ``service`` and ``region`` are the signature's scope, empty for
    version 2. The rest is for the ``Decoder``.
    """

    key: Key | None
    service: str
    region: str
    payload: Payload
    dialect: Dialect
    sha256: str | None = None
    presigned: bool = False
    moment: str = ""
    scope: str = ""
    signature: str = ""
    signing_key: bytes | None = field(default=None, repr=False)


def verify(
    method: str,
    target: str,
    headers: Headers,
    keys: Keys,
    now: float,
    *,
    dialect: Dialect = Dialect.S3,
    body: bytes = b"",
    host_bucket: str | None = None,
) -> Verified:
    """Who signed this request. Raises SignatureError if nobody known did, or not this request.

    ``target`` and ``headers`` are as they stood on the wire. ``now`` is epoch seconds of the real clock. ``body`` is
    needed where the dialect is not S3: what S3 has in ``x-amz-content-sha256`` the others leave to be computed.
    ``host_bucket`` is the bucket that the Host header names, which version 2 signs with the path.
    """
    path, query = canonical.split_target(target)
    pairs = canonical.query_pairs(query)
    names = {name for name, _ in pairs}
    authorization = one_header(headers, "authorization")
    presigned = "X-Amz-Algorithm" in names or "X-Amz-Signature" in names
    second = dialect is Dialect.S3 and "AWSAccessKeyId" in names
    if (authorization is not None) + presigned + second > 1:
        raise problem(Problem.TWO_WAYS, dialect)
    if second:
        key = version2.verify(method, path, pairs, headers, keys, now, host_bucket)
        return Verified(key, "", "", Payload.UNSIGNED, dialect, presigned=True)
    if authorization is not None:
        claim = read.from_header(authorization, headers, dialect)
    elif presigned:
        claim = read.from_query(pairs, headers, dialect)
        pairs = [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
    else:
        raise problem(Problem.MISSING, dialect)
    hash = _payload_hash(claim, pairs, headers, dialect, body)
    key = _key(claim, keys, now, dialect)
    _all_signed(claim, headers, dialect)
    _in_time(claim, now, dialect)
    rest = "\n".join(
        (
            canonical.canonical_query(pairs),
            canonical.canonical_headers(headers, claim.signed),
            ";".join(claim.signed),
            hash,
        )
    )
    paths = canonical.s3_paths(path) if dialect is Dialect.S3 else [canonical.plain_path(path)]
    signing_key = _checked(claim, key, [f"{method}\n{path}\n{rest}" for path in paths], dialect)
    return Verified(
        key,
        claim.service,
        claim.region,
        _STREAMING.get(hash, Payload.HASH),
        dialect,
        None if hash in _STREAMING else hash,
        presigned,
        claim.moment,
        claim.scope,
        claim.signature,
        signing_key,
    )


def unsigned(headers: Headers, dialect: Dialect = Dialect.S3) -> Verified:
    """A request taken without asking who sent it. Its body is still unframed, and a hash that is given is checked."""
    hash = one_header(headers, "x-amz-content-sha256") or "UNSIGNED-PAYLOAD"
    payload = _STREAMING.get(hash, Payload.HASH if read.is_hash(hash) else Payload.UNSIGNED)
    return Verified(None, "", "", payload, dialect, hash if payload is Payload.HASH else None)


def in_scope(verified: Verified, service: str, region: str) -> None:
    """Refuse a signature made for another service or region; one of version 2 names none and is for all."""
    if verified.service and verified.service != service:
        text = f"The authorization header is malformed; incorrect service {verified.service!r}. "
        raise problem(Problem.WRONG_SCOPE, verified.dialect, f"{text}This endpoint belongs to {service!r}.")
    if verified.region and verified.region != region:
        text = f"The authorization header is malformed; the region {verified.region!r} is wrong; expecting {region!r}"
        raise problem(Problem.WRONG_SCOPE, verified.dialect, text, {"Region": region})


def _payload_hash(claim: Claim, pairs: list[tuple[str, str]], headers: Headers, dialect: Dialect, body: bytes) -> str:
    """The last line of the canonical request."""
    given = one_header(headers, "x-amz-content-sha256")
    if given is None and claim.expires is not None:
        given = next((value for name, value in pairs if name.lower() == "x-amz-content-sha256"), None)
    if given is None:
        if dialect is not Dialect.S3:
            return canonical.sha256(body)
        if claim.expires is not None:
            return "UNSIGNED-PAYLOAD"
        raise problem(Problem.NO_PAYLOAD_HASH, dialect)
    if given not in _STREAMING and not read.is_hash(given):
        if given.startswith("STREAMING-"):
            raise problem(Problem.UNSUPPORTED, dialect)
        raise problem(Problem.BAD_PAYLOAD_HASH, dialect)
    if dialect is not Dialect.S3 and given in _STREAMING and _STREAMING[given].chunked:
        raise problem(Problem.BAD_PAYLOAD_HASH, dialect)
    return given


def _key(claim: Claim, keys: Keys, now: float, dialect: Dialect) -> Key:
    key = keys.find(claim.id)
    known = {"AWSAccessKeyId": claim.id}
    if key is None or (key.token is not None and claim.token is None):
        raise problem(Problem.UNKNOWN_KEY, dialect, fields=known)
    if not key.active:
        raise problem(Problem.INACTIVE_KEY, dialect, fields=known)
    if claim.token is not None and not canonical.same(claim.token, key.token or ""):
        raise problem(Problem.WRONG_TOKEN, dialect, fields={"Token-0": claim.token})
    if key.expires is not None and now >= key.expires:
        raise problem(Problem.EXPIRED_TOKEN, dialect, fields={"Token-0": claim.token or ""})
    return key


def _all_signed(claim: Claim, headers: Headers, dialect: Dialect) -> None:
    """S3 refuses headers of its own that somebody might have added on the way."""
    if dialect is not Dialect.S3:
        return
    own = {name.lower() for name, _ in headers if name.lower().startswith("x-amz-")}
    if loose := sorted(own - set(claim.signed)):
        raise problem(Problem.UNSIGNED_HEADERS, dialect, fields={"HeadersNotSigned": ", ".join(loose)})


def _in_time(claim: Claim, now: float, dialect: Dialect) -> None:
    allowed = _S3_SKEW if dialect is Dialect.S3 else _SKEW
    if claim.expires is None and abs(claim.time - now) <= allowed:
        return
    server = read.write_moment(now)
    if claim.expires is not None and now > claim.time + claim.expires:
        expired = {"X-Amz-Expires": str(claim.expires), "ServerTime": server}
        raise problem(Problem.LAPSED, dialect, _lateness(claim.moment, server, claim.expires, dialect), expired)
    if claim.time > now + allowed:
        what = Problem.SKEWED if claim.expires is None or dialect is not Dialect.S3 else Problem.NOT_YET
        text = (
            f"Signature not yet current: {claim.moment} is still later than {server} ({server} + {allowed // 60} min.)"
        )
        raise problem(what, dialect, None if dialect in (Dialect.S3, Dialect.EC2) else text)
    if claim.expires is None and claim.time < now - allowed:
        raise problem(
            Problem.SKEWED,
            dialect,
            _lateness(claim.moment, server, allowed, dialect),
            {"RequestTime": claim.moment, "ServerTime": server, "MaxAllowedSkewMilliseconds": str(allowed * 1000)},
        )


def _lateness(moment: str, server: str, allowed: int, dialect: Dialect) -> str | None:
    if dialect in (Dialect.S3, Dialect.EC2):
        return None
    return f"Signature expired: {moment} is now earlier than {server} ({server} - {max(allowed // 60, 1)} min.)"


def _checked(claim: Claim, key: Key, requests: list[str], dialect: Dialect) -> bytes:
    """The signing key, if it made the signature of one of these canonical requests."""
    signing_key = canonical.signing_key(key.secret, claim.date, claim.region, claim.service)
    texts = [canonical.string_to_sign(claim.moment, claim.scope, request) for request in requests]
    if not any(canonical.same(canonical.sign(signing_key, text), claim.signature) for text in texts):
        told = _told(claim, texts[0], requests[0]) if dialect is Dialect.S3 else None
        raise problem(Problem.MISMATCH, dialect, fields=told)
    return signing_key


def _told(claim: Claim, text: str, request: str) -> dict[str, str]:
    """What S3 shows of a signature that does not fit, so that a client's author can compare."""
    return {
        "AWSAccessKeyId": claim.id,
        "StringToSign": text,
        "SignatureProvided": claim.signature,
        "CanonicalRequest": request,
    }
