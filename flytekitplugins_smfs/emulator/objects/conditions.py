"""If-Match and its relatives: whether a request holds against an object as it is now (RFC 9110 and S3's own rules).

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .errors import no_such_key, not_implemented, precondition_failed
from .records import Stored


@dataclass(frozen=True, slots=True)
class Conditions:
    """The four conditional headers, as sent; times in epoch seconds."""

    match: str | None = None
    none_match: str | None = None
    modified_since: float | None = None
    unmodified_since: float | None = None

    def __bool__(self) -> bool:
        return self != _NONE

    def to_write(self, key: str, now: Stored | None) -> None:
        """Refuse a write that does not hold. Only ``If-None-Match: *`` and ``If-Match`` make sense here."""
        if self.none_match is not None:
            if self.none_match.strip() != "*":
                raise not_implemented("If-None-Match with anything but * for a write")
            if now is not None:
                raise precondition_failed("If-None-Match")
        self.to_change(key, now)

    def to_change(self, key: str, now: Stored | None) -> None:
        """Refuse to replace or delete an object that is not the one that was meant."""
        if self.match is None:
            return
        if now is None:
            raise no_such_key(key)
        if not _names(self.match, now.etag):
            raise precondition_failed("If-Match")

    def to_read(self, now: Stored) -> bool:
        """Whether the reader needs the content; False when he has it. Refuses as RFC 9110, 13.2.2, orders."""
        modified = int(now.modified)
        if self.match is not None:
            if not _names(self.match, now.etag):
                raise precondition_failed("If-Match")
        elif self.unmodified_since is not None and modified > self.unmodified_since:
            raise precondition_failed("If-Unmodified-Since")
        if self.none_match is not None:
            return not _names(self.none_match, now.etag)
        return self.modified_since is None or modified > self.modified_since

    def to_copy(self, now: Stored) -> None:
        """Refuse to copy a source that does not hold; there, not modified is a failure too."""
        if not self.to_read(now):
            name = "none-match" if self.none_match is not None else "modified-since"
            raise precondition_failed(f"x-amz-copy-source-if-{name}")


_NONE = Conditions()


def http_time(text: str | None) -> float | None:
    """Epoch seconds of an HTTP date; None for none, and for one that cannot be read, which is then ignored."""
    if not text:
        return None
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def iso_time(seconds: float) -> str:
    """A time as S3's documents write it: whole seconds, said in milliseconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _names(condition: str, etag: str) -> bool:
    wanted = [each.strip().removeprefix("W/").strip('"') for each in condition.split(",")]
    return "*" in wanted or etag in wanted
