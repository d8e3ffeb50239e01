"""What a request's address names: bucket and key, by path or by host, and the parameters of its query."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from ..errors import S3Error

_ENDPOINT = re.compile(r"s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?")


@dataclass(frozen=True, slots=True)
class Target:
    """Bucket and key (both may be empty), and the query: the first value of each name, as S3 takes it."""

    bucket: str
    key: str
    query: dict[str, str]
    by_host: bool


def read(raw: str, host: str, names: frozenset[str] = frozenset()) -> Target:
    """Take a raw target (path and query as sent) apart. ``names`` are further host names of this server.

    Raises S3Error InvalidURI for what is not UTF-8.
    """
    path, _, query = raw.partition("?")
    if not path.startswith("/"):  # the absolute form, as for a proxy
        path = "/" + path.partition("://")[2].partition("/")[2]
    bucket = host_bucket(host, names)
    rest = path[1:]
    if bucket is not None:
        return Target(bucket, _decoded(rest), pairs(query), True)
    first, _, key = rest.partition("/")
    return Target(_decoded(first), _decoded(key), pairs(query), False)


@lru_cache(maxsize=256)
def host_bucket(host: str, names: frozenset[str] = frozenset()) -> str | None:
    """The bucket that a Host header names: ``<bucket>.s3.localhost``, ``<bucket>.localhost``; None for none."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    name = name.lower().rstrip(".")
    for base in ("localhost", *names):
        if name.endswith(f".{base}"):
            labels = name[: -len(base) - 1]
            if _ENDPOINT.fullmatch(labels):
                return None
            bucket, _, endpoint = labels.rpartition(".s3")
            return bucket if bucket and _ENDPOINT.fullmatch(f"s3{endpoint}") else labels
    return None


def pairs(query: str) -> dict[str, str]:
    """The first value of each parameter; ``?acl`` and ``?acl=`` are the same."""
    found: dict[str, str] = {}
    for item in query.split("&") if query else ():
        name, _, value = item.partition("=")
        found.setdefault(_decoded(name.replace("+", " ")), _decoded(value.replace("+", " ")))
    return found


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError:
        raise S3Error("InvalidURI", "Couldn't parse the specified URI.", URI=repr(text)[1:-1]) from None
