"""What goes over the wire: requests and responses of HTTP."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from .signatures import Key


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; ``target`` is path and query as sent.

    ``header_lines`` are the headers as they came, in order; in ``headers`` repeated ones are joined by commas.
    ``caller`` is whose signature it bears.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    header_lines: Sequence[tuple[str, str]] = ()
    caller: Key | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    def form(self) -> dict[str, str]:
        """The parameters of a query-protocol call, from the body or the query string."""
        text = self.body.decode("utf-8", "replace") if self.body else self.query
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


@dataclass(frozen=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def request_id() -> str:
    """A new request id."""
    return str(uuid.uuid4())
