"""What a request says of its signature: who, when, for where, over which headers. Read, not yet believed."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from .canonical import Headers
from .problems import Dialect, Problem, problem

_ALGORITHM = "AWS4-HMAC-SHA256"
_WEEK = 7 * 24 * 3600
_PRESIGNED = (
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"
)  # fmt: skip
_MOMENT = "%Y%m%dT%H%M%SZ"
_HEX = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Claim:
    """A signature of version 4 as it was given. ``expires`` (seconds) is set where the query string has it."""

    id: str
    date: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str
    moment: str
    time: float
    token: str | None
    expires: int | None = None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def header_values(headers: Headers, name: str) -> list[str]:
    """All values of a header, in order; ``name`` is lower case."""
    return [value.strip() for other, value in headers if other.lower() == name]


def one_header(headers: Headers, name: str) -> str | None:
    """The value of a header, None if it is not there. Repeated ones are joined as HTTP says."""
    values = header_values(headers, name)
    return ", ".join(values) if values else None


def from_header(authorization: str, headers: Headers, dialect: Dialect) -> Claim:
    """The claim of an ``Authorization`` header."""
    algorithm, _, rest = authorization.strip().partition(" ")
    if algorithm != _ALGORITHM:
        raise problem(Problem.UNSUPPORTED, dialect)
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        text = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise problem(Problem.MALFORMED, dialect, text)
    moment, seconds = _header_moment(headers, dialect)
    id, date, region, service = credential(parts["Credential"], dialect, Problem.MALFORMED)
    signed = _signed_names(parts["SignedHeaders"], dialect, Problem.MALFORMED)
    _same_day(date, moment, dialect, Problem.MALFORMED)
    token = one_header(headers, "x-amz-security-token")
    return Claim(id, date, region, service, signed, parts["Signature"], moment, seconds, token)


def from_query(pairs: list[tuple[str, str]], headers: Headers, dialect: Dialect) -> Claim:
    """The claim of a presigned URL."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given and name in _PRESIGNED:
            raise problem(Problem.MALFORMED_QUERY, dialect, f"{name} is given more than once.")
        given[name] = value
    required = _PRESIGNED if dialect is Dialect.S3 else _PRESIGNED[:-1]
    if any(not given.get(name) for name in required):
        raise problem(Problem.MALFORMED_QUERY, dialect)
    if given["X-Amz-Algorithm"] != _ALGORITHM:
        raise problem(Problem.MALFORMED_QUERY, dialect, f'X-Amz-Algorithm only supports "{_ALGORITHM}"')
    moment = given["X-Amz-Date"]
    seconds = parse_moment(moment)
    if seconds is None:
        text = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        raise problem(Problem.MALFORMED_QUERY, dialect, text)
    id, date, region, service = credential(given["X-Amz-Credential"], dialect, Problem.MALFORMED_QUERY)
    signed = _signed_names(given["X-Amz-SignedHeaders"], dialect, Problem.MALFORMED_QUERY)
    _same_day(date, moment, dialect, Problem.MALFORMED_QUERY)
    token = given.get("X-Amz-Security-Token") or one_header(headers, "x-amz-security-token")
    expires = _expires(given.get("X-Amz-Expires", "900"), dialect)
    return Claim(id, date, region, service, signed, given["X-Amz-Signature"], moment, seconds, token, expires)


@lru_cache(maxsize=256)
def parse_moment(text: str) -> float | None:
    """Epoch seconds of ``YYYYMMDDTHHMMSSZ``; None if it is none."""
    try:
        return datetime.strptime(text, _MOMENT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def write_moment(seconds: float) -> str:
    """``YYYYMMDDTHHMMSSZ`` of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_MOMENT)


def is_hash(text: str) -> bool:
    """Whether a text is a SHA-256 in lower-case hexadecimal."""
    return _HEX.match(text) is not None


def _header_moment(headers: Headers, dialect: Dialect) -> tuple[str, float]:
    text = one_header(headers, "x-amz-date")
    if text is not None and (seconds := parse_moment(text)) is not None:
        return text, seconds
    if (date := text or one_header(headers, "date")) is not None:
        with suppress(ValueError, OverflowError, OSError):  # said below, as of a date that is missing
            seconds = parsedate_to_datetime(date).timestamp()
            return write_moment(seconds), seconds
    if dialect is Dialect.S3:
        raise problem(Problem.MISSING, dialect, "AWS authentication requires a valid Date or x-amz-date header")
    raise problem(
        Problem.MALFORMED,
        dialect,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    )


def credential(text: str, dialect: Dialect, what: Problem) -> tuple[str, str, str, str]:
    """Key id, date, region and service of a credential."""
    parts = text.split("/")
    if len(parts) != 5 or not all(parts[:4]) or parts[4] != "aws4_request":
        form = "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request"
        raise problem(what, dialect, f'the Credential is mal-formed; expecting "{form}", not "{text}".')
    return parts[0], parts[1], parts[2], parts[3]


def _signed_names(text: str, dialect: Dialect, what: Problem) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if list(names) != sorted(set(names)) or text != text.lower() or not all(names):
        raise problem(what, dialect, "SignedHeaders must be lower case, sorted, and each given once.")
    if "host" not in names and ":authority" not in names:
        raise problem(Problem.UNSIGNED_HEADERS, dialect, fields={"HeadersNotSigned": "host"})
    return names


def _same_day(date: str, moment: str, dialect: Dialect, what: Problem) -> None:
    if date != moment[:8]:
        text = f"Invalid credential date {date}. This date is not the same as X-Amz-Date: {moment[:8]}."
        raise problem(what, dialect, text)


def _expires(text: str, dialect: Dialect) -> int:
    if not text.isascii() or not text.lstrip("-").isdigit():
        raise problem(Problem.MALFORMED_QUERY, dialect, "X-Amz-Expires should be a number")
    if text.startswith("-"):
        raise problem(Problem.MALFORMED_QUERY, dialect, "X-Amz-Expires must be non-negative")
    if len(text) > 7 or int(text) > _WEEK:
        text = (
            "X-Amz-Expires must be less than a week (in seconds); "
            f"that is, the given X-Amz-Expires must be less than {_WEEK} seconds"
        )
        raise problem(Problem.MALFORMED_QUERY, dialect, text)
    return int(text)
