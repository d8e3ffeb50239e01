"""One request as operations see it."""

from dataclasses import dataclass

from ...signatures import Verified
from ...wire import Arrival
from ..conditions import Conditions, http_time
from ..errors import S3Error, not_implemented
from .target import Target


@dataclass(slots=True)
class S3Request:
    """A request whose address and signature have been read; its body has not."""

    arrival: Arrival
    target: Target
    verified: Verified

    @property
    def values(self) -> dict[str, str]:
        """The headers by lower-case name; repeated ones joined by a comma."""
        return self.arrival.values

    @property
    def method(self) -> str:
        return self.arrival.method

    @property
    def bucket(self) -> str:
        return self.target.bucket

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def query(self) -> dict[str, str]:
        return self.target.query

    def header(self, name: str) -> str | None:
        """A header by its lower-case name."""
        return self.values.get(name)

    def number(self, name: str, default: int, most: int = 2**31 - 1, least: int = 0) -> int:
        """A whole number in the query. Raises S3Error InvalidArgument."""
        text = self.query.get(name)
        if text is None or text == "":
            return default
        if not text.lstrip("-").isdecimal() or not text.isascii() or len(text) > 10:
            raise invalid(f"Provided {name} not an integer or within integer range", name, text)
        if not least <= int(text) <= most:
            raise invalid(f"Argument {name} must be an integer between {least} and {most}", name, text)
        return int(text)

    def conditions(self, beginning: str = "") -> Conditions:
        """The conditional headers, or those of a copy's source."""
        values = self.values
        return Conditions(
            values.get(f"{beginning}if-match"),
            values.get(f"{beginning}if-none-match"),
            http_time(values.get(f"{beginning}if-modified-since")),
            http_time(values.get(f"{beginning}if-unmodified-since")),
        )


def invalid(text: str, name: str, value: str) -> S3Error:
    """The refusal of an argument."""
    return S3Error("InvalidArgument", text, ArgumentName=name, ArgumentValue=value)


_REFUSED = {
    "x-amz-write-offset-bytes": "appending to objects",
    "x-amz-object-lock-mode": "object lock",
    "x-amz-object-lock-legal-hold": "object lock",
    "x-amz-object-lock-retain-until-date": "object lock",
    "x-amz-if-match-last-modified-time": "conditions on the time of last change",
    "x-amz-if-match-size": "conditions on the size",
    "x-amz-mfa": "MFA delete",
}


def refuse_unknown(request: S3Request) -> None:
    """Refuse by name the headers whose being ignored would do harm."""
    for name, what in _REFUSED.items():
        if name in request.values:
            raise not_implemented(f"{what} (the header {name})")
