"""Bytes of a connection become arrivals, one after another: httptools (llhttp) reads, this bounds what it reads."""

from collections.abc import Callable
from functools import lru_cache

import httptools

from .arrival import Arrival, Line
from .errors import WireError
from .limits import Limits

_HEAD_LINES = 4
"""How many of the longest header lines all headers together may be long."""


class Reader:
    """Reads the requests of one connection. ``arrived`` is called with each as soon as its headers are whole."""

    def __init__(self, line: Line, limits: Limits, arrived: Callable[[Arrival], None]) -> None:
        self._line = line
        self._limits = limits
        self._arrived = arrived
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._values: dict[str, str] = {}
        self._head_bytes = 0
        self._got_on = False
        """Whether what was fed last brought something of a body, or ended headers."""
        self._problem: WireError | None = None
        self.in_head = False
        """Whether the headers of a request have begun and not ended."""
        self.arriving: Arrival | None = None
        """The request whose body is coming."""

    def feed(self, data: bytes) -> bool:
        """Read on. False when what follows is not HTTP any more. Raises WireError for what is ill-formed."""
        self._got_on = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return False  # refused by being ignored, as RFC 9110, 7.8, lets a server do
        except httptools.HttpParserError as error:
            raise self._problem or _ill_formed(str(error)) from None
        # Of headers, of trailers, and of what stands between the pieces of a body.
        self._head_bytes = 0 if self._got_on else self._head_bytes + len(data)
        if self._head_bytes > _HEAD_LINES * self._limits.header_bytes:
            raise _ill_formed("Its headers are too long.")
        return True

    def on_message_begin(self) -> None:
        self.in_head = True
        self._target = b""
        self._headers = []
        self._values = {}
        self._head_bytes = 0

    def on_url(self, piece: bytes) -> None:
        self._target += piece
        if len(self._target) > self._limits.header_bytes:
            self._refuse("Its address is too long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            return  # a trailer of HTTP, which no client of AWS's signs
        if len(name) + len(value) > self._limits.header_bytes:
            self._refuse("A header is too long.")
        if len(self._headers) >= self._limits.headers:
            self._refuse("It has too many headers.")
        named, lower = _name(name)
        text = value.strip(b" \t").decode("utf-8", "surrogateescape")
        self._headers.append((named, text))
        self._values[lower] = f"{self._values[lower]},{text}" if lower in self._values else text

    def on_headers_complete(self) -> None:
        self.in_head = False
        self._got_on = True
        parser = self._parser
        body = "transfer-encoding" in self._values or self._values.get("content-length", "0").strip("0")
        if parser.should_upgrade() and body:
            self._refuse("A request with a body cannot be upgraded.")  # the parser would take it for what comes after
        arrival = Arrival(
            parser.get_method().decode("ascii"),
            self._target.decode("utf-8", "surrogateescape"),
            self._headers,
            self._values,
            parser.get_http_version(),
            self._line,
            self._limits,
        )
        arrival.keep_alive = parser.should_keep_alive()
        self.arriving = arrival
        self._arrived(arrival)

    def on_body(self, piece: bytes) -> None:
        self._got_on = True
        if self.arriving is not None:
            self.arriving.feed(piece)

    def on_message_complete(self) -> None:
        if self.arriving is not None:
            self.arriving.end()
            self.arriving = None

    def _refuse(self, text: str) -> None:
        """Stop the parser, which wraps whatever a callback raises."""
        self._problem = _ill_formed(text)
        raise self._problem


@lru_cache(maxsize=1024)
def _name(name: bytes) -> tuple[str, str]:
    """A header's name, as sent and in lower case."""
    text = name.decode("latin-1")
    return text, text.lower()


def _ill_formed(text: str) -> WireError:
    return WireError(400, "BadRequest", f"The request cannot be read as HTTP/1.1. {text}")
