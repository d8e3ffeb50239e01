"""A request as it stood on the wire, and its body as it comes."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.client_exceptions import ClientPayloadError
from aiohttp.http_exceptions import HttpProcessingError

from .errors import WireError
from .limits import Limits

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_SLOW = "Your socket connection to the server was not read from or written to within the timeout period."


class Arrival:
    """``target`` is path and query as sent; ``headers`` are all of them, in order, with their names as sent.

    Header bytes that are no UTF-8 come as surrogates, as ``signatures`` wants them.
    """

    def __init__(self, request: web.BaseRequest, limits: Limits) -> None:
        self.request = request
        self.method = request.method
        self.target = request.raw_path
        self.headers = [
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in request.raw_headers
        ]
        self._limits = limits
        self._expects = self.header("expect")

    def header(self, name: str) -> str | None:
        """The value of a header by its lower-case name, repeated ones joined by commas; None without one."""
        values = [value.strip() for other, value in self.headers if other.lower() == name]
        return ", ".join(values) if values else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives, framing of HTTP taken off. Tells a client that waits for it to send.

        Raises WireError when nothing comes for too long or the body ends early.
        """
        await self.say_continue()
        content = self.request.content
        while not content.at_eof():
            try:
                async with asyncio.timeout(self._limits.read_seconds):
                    piece = await content.readany()
            except TimeoutError:
                raise WireError(400, "RequestTimeout", f"{_SLOW} Idle connections will be closed.") from None
            except (web.RequestPayloadError, ClientPayloadError, HttpProcessingError):
                raise WireError(400, "IncompleteBody", "The request body is ill-formed or ended early.") from None
            if piece:
                yield piece

    async def body(self) -> bytes:
        """The whole body. Raises WireError when it is too long or takes too long."""
        limit = self._limits.body_bytes
        if (self.request.content_length or 0) > limit:
            raise _too_long(limit)
        whole = bytearray()
        try:
            async with asyncio.timeout(self._limits.whole_seconds):
                async for piece in self.pieces():
                    whole += piece
                    if len(whole) > limit:
                        raise _too_long(limit)
        except TimeoutError:
            raise WireError(400, "RequestTimeout", _SLOW) from None
        return bytes(whole)

    async def say_continue(self) -> None:
        """Tell a client that waits for it to send its body; once."""
        expects, self._expects = self._expects, None
        if expects is None or self.request.version < (1, 1):
            return
        if expects.lower() != "100-continue":
            raise WireError(417, "ExpectationFailed", f"What is expected is not known: {expects[:200]!r}.")
        transport = self.request.transport
        if transport is not None:
            transport.write(_CONTINUE)


def _too_long(limit: int) -> WireError:
    return WireError(413, "RequestEntityTooLarge", f"The request body is longer than {limit} bytes.")
