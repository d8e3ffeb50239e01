"""What is answered: a status, headers, and a body or a piece of a file."""

import http
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache

_STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n" for each in http.HTTPStatus}
_BODILESS = (204, 304)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an open file, in bytes. Whoever sends it closes the descriptor."""

    descriptor: int
    start: int
    size: int


@dataclass(slots=True)
class Reply:
    """One answer. Content-Length and Connection are not among its headers."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    file: Piece | None = None
    stream: AsyncIterator[bytes] | None = None
    """A body that comes in pieces, of the ``length``."""
    length: int | None = None
    """What Content-Length says where no body is here, as for HEAD."""
    close: bool = False
    """Whether it is the last of its connection."""

    def head(self, last: bool) -> bytes:
        """Status line and headers as they are written. Raises ValueError for a header that would be two."""
        lines = [_STATUS_LINES.get(self.status) or f"HTTP/1.1 {self.status} Unknown\r\n"]
        for name, value in self.headers:
            if "\n" in value or "\r" in value:
                raise ValueError(f"a line end in the header {name}")
            lines.append(f"{name}: {value}\r\n")
        if self.length is not None:
            lines.append(f"Content-Length: {self.length}\r\n")
        elif self.file is not None:
            lines.append(f"Content-Length: {self.file.size}\r\n")
        elif self.status not in _BODILESS:
            lines.append(f"Content-Length: {len(self.body)}\r\n")
        lines.append("Connection: close\r\n\r\n" if last else "\r\n")
        return "".join(lines).encode("utf-8", "surrogateescape")


def reply(status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = (), method: str = "GET") -> Reply:
    """An answer written in one piece, with Date and a request id where ``headers`` have none.

    A ``content-length`` of ``headers`` counts only for HEAD, whose answer has no body to count.
    """
    answer = Reply(status, [], b"" if method == "HEAD" else body)
    length, lower = None, set()
    for name, value in headers:
        lower.add(name.lower())
        if name.lower() == "content-length":
            length = value
        elif name.lower() != "connection":
            answer.headers.append((name, value))
    if method == "HEAD":
        answer.length = int(length) if length is not None and length.isdecimal() else len(body)
    if "date" not in lower:
        answer.headers.append(("Date", now()))
    if "server" not in lower:
        answer.headers.append(("Server", "AmazonEmbedded"))
    if not lower & {"x-amzn-requestid", "x-amz-request-id"}:
        answer.headers.append(("x-amzn-requestid", str(uuid.uuid4())))
    return answer


def now() -> str:
    """The time of the real clock, as the header Date has it."""
    return http_date(int(time.time()))


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> str:
    """Epoch seconds as HTTP writes them."""
    return formatdate(seconds, usegmt=True)
