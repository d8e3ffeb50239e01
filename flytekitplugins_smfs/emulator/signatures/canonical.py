"""What Signature Version 4 signs: a request's parts in the one form that client and server agree on.

The rules are the AWS documentation's "Create a signed AWS API request"; S3 differs in the path, which it neither
normalises nor encodes twice. Everything comes as it stood on the wire, so that a proxy's or a library's idea of a tidy
URL is never what is verified.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

Headers = Sequence[tuple[str, str]]

_SPACES = re.compile(r"[ \t\r\n\f\v]+")


def split_target(target: str) -> tuple[str, str]:
    """Path and query of a request target: of ``/path?query``, or of a whole URL as proxies are sent."""
    if "://" in target.partition("?")[0]:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    return path or "/", query


def s3_paths(path: str) -> list[str]:
    """The path of S3: each byte that is not unreserved encoded once, slashes and dots left alone.

    Clients that leave more letters as they are (awscrt, given such a path) sign what they send: that comes second.
    """
    return list(dict.fromkeys((quote(unquote_to_bytes(_bytes(path)), safe="/-_.~"), path)))


def plain_path(path: str) -> str:
    """The path of all other services: normalised (RFC 3986, empty segments dropped), and encoded once more."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    tidy = "/" + "/".join(kept) + ("/" if path.endswith("/") and kept else "")
    return quote(_bytes(tidy), safe="/-_.~")


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Names and values of a query, decoded, in order. ``+`` is a space; bytes that are no UTF-8 are kept escaped."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_decoded(name), _decoded(value)))
    return pairs


def canonical_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs encoded and sorted by encoded name, then value."""
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_headers(headers: Headers, signed: Sequence[str]) -> str:
    """The signed headers, a line each: lower-case names, repeated values joined by commas, runs of spaces as one."""
    values: dict[str, list[str]] = {name: [] for name in signed}
    for name, value in headers:
        if (lower := name.lower()) in values:
            values[lower].append(_SPACES.sub(" ", value).strip(" "))
    return "".join(f"{name}:{','.join(values[name])}\n" for name in signed)


def string_to_sign(moment: str, scope: str, canonical_request: str) -> str:
    """The text that the signing key signs. ``moment`` is ``YYYYMMDDTHHMMSSZ``."""
    return f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{sha256(_bytes(canonical_request))}"


@lru_cache(maxsize=256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a day, a region and a service."""
    key = _hmac(_bytes("AWS4" + secret), date)
    for part in (region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def sign(key: bytes, text: str) -> str:
    """The signature of a text, in hexadecimal."""
    return _hmac(key, text).hex()


def sha256(data: bytes) -> str:
    """The hash of a payload, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two signatures are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, _bytes(text), "sha256")


def _bytes(text: str) -> bytes:
    """The bytes that stood on the wire: what was no UTF-8 there came as surrogates."""
    return text.encode("utf-8", "surrogateescape")


def _decoded(text: str) -> str:
    return unquote_to_bytes(_bytes(text.replace("+", " "))).decode("utf-8", "surrogateescape")


def _encoded(text: str) -> str:
    return quote(_bytes(text), safe="-_.~")
