"""The HTTP server of one port, on loopback: aiohttp's connections with deadlines, limits and guards around them."""

import asyncio
import logging
import socket
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from email.utils import formatdate
from typing import Any

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from .arrival import Arrival
from .errors import WireError
from .guards import refusal
from .limits import Limits

log = logging.getLogger(__name__)

Handler = Callable[[Arrival], Awaitable[web.StreamResponse]]
Explain = Callable[[Arrival | None, WireError], web.StreamResponse]
"""Words an error for the client; without an arrival where the request could not even be read."""


class Hangup(Exception):
    """Close the connection without an answer."""


def reply(status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = (), method: str = "GET") -> web.Response:
    """An answer written in one piece, with Date and a request id where ``headers`` have none.

    A ``content-length`` of ``headers`` counts only for HEAD, whose answer has no body to count.
    """
    answer = web.Response(status=status, body=None if method == "HEAD" else body)
    length = None
    for name, value in headers:
        if name.lower() == "content-length":
            length = value
        else:
            answer.headers.add(name, value)
    if method == "HEAD":
        answer.headers["content-length"] = length or str(len(body))
    answer.headers.setdefault("Date", formatdate(usegmt=True))
    answer.headers.setdefault("Server", "AmazonEmbedded")
    if not any(name.lower() in ("x-amzn-requestid", "x-amz-request-id") for name in answer.headers):
        answer.headers["x-amzn-requestid"] = str(uuid.uuid4())
    return answer


def bound(port: int) -> socket.socket:
    """A socket bound to a port of 127.0.0.1. Raises OSError if it is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError:
        listening.close()
        raise
    return listening


class Front:
    """Listens from ``start`` to ``close``, in the running event loop."""

    def __init__(
        self,
        handler: Handler,
        explain: Explain,
        limits: Limits | None = None,
        names: Sequence[str] = (),
        pages: bool = False,
    ) -> None:
        """``pages``: what a browser's page sends reaches the handler, which decides by itself."""
        self._handler = handler
        self._explain = explain
        self._limits = limits or Limits()
        self._names = tuple(name.lower() for name in names)
        self._pages = pages
        self._manager: web.Server | None = None
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int, listening: socket.socket | None = None) -> None:
        """Listen on 127.0.0.1, or on a socket that is bound already. Raises OSError if the port is taken."""
        listening = listening or bound(port)
        self._manager = web.Server(self._handle)
        self._server = await asyncio.get_running_loop().create_server(self._connection, sock=listening, backlog=512)
        self.port = int(listening.getsockname()[1])

    async def close(self, seconds: float = 5.0) -> None:
        """Stop listening, let requests under way end for so long, and close what is left."""
        if self._server is not None and self._manager is not None:
            self._server.close()
            await self._manager.shutdown(seconds)

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._manager.connections) if self._manager is not None else 0

    def _connection(self) -> "_Connection":
        return _Connection(self._manager, self._limits, lambda error: self._explain(None, error))

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        arrival = Arrival(request, self._limits)
        try:
            if request.version not in (HttpVersion10, HttpVersion11):
                raise WireError(505, "HTTPVersionNotSupported", "This is an HTTP/1.1 server.")
            if reason := refusal(arrival.headers, self._names, self._pages):
                raise WireError(403, "AccessDenied", reason)
            answer = await self._handler(arrival)
        except WireError as error:
            answer = self._explain(arrival, error)
            answer.force_close()  # what is left of the body is not worth reading
            if request.content.exception() is not None:
                request.content.feed_eof()  # nor is there any more of it
        except (Hangup, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        except Exception:
            log.exception("a request failed: %s %s", request.method, arrival.target[:500])
            text = "The embedded AWS has a defect here; its log has the details."
            answer = self._explain(arrival, WireError(500, "InternalError", text))
        if isinstance(request.protocol, _Connection) and request.protocol.is_last():
            answer.force_close()
        if not answer.prepared:
            await self._write(request, answer)
        return answer

    async def _write(self, request: web.BaseRequest, answer: web.StreamResponse) -> None:
        """Write an answer within its time: a client that does not read holds nothing up."""
        try:
            async with asyncio.timeout(self._limits.write_seconds):
                await answer.prepare(request)
                await answer.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()


class _Connection(RequestHandler):
    """aiohttp's, with a deadline for headers and with words of our own for what it cannot read."""

    def __init__(self, manager: Any, limits: Limits, explain: Callable[[WireError], web.StreamResponse]) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=limits.idle_seconds,
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            max_headers=limits.headers,
            lingering_time=limits.linger_seconds,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]
            logger=log,
        )
        self._explain = explain
        self._header_seconds = limits.header_seconds
        self._header_deadline: asyncio.TimerHandle | None = None
        self._arriving: StreamReader | None = None
        """The body of the request that came last."""
        self._ended = False

    def is_last(self) -> bool:
        """Whether the client sends no more, and nothing waits behind the request that is being answered."""
        return self._ended and not self._messages

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages:
            self._arriving = self._messages[-1][1]
        waiting = self._waiter is not None and not self._waiter.done()
        if waiting and self._header_deadline is None:
            self._header_deadline = self._loop.call_later(self._header_seconds, self._headers_late)
        elif not waiting and self._header_deadline is not None:
            self._header_deadline.cancel()
            self._header_deadline = None

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who says that it sends no more still gets all its answers; what is not whole by then never will be."""
        self._ended = True
        self._lingering_time = 0.0  # there is nothing left to be read and ignored
        if self._waiter is not None and not self._waiter.done():
            if self._header_deadline is None:
                return False
            early = BadHttpMessage("It ended within its headers.")
            self._messages.append((_ErrInfo(400, early, early.message), EMPTY_PAYLOAD))
            self._waiter.set_result(None)
            return True
        try:
            if self._parser is not None:
                self._parser.feed_eof()
        except HttpProcessingError as problem:
            if self._arriving is not None:  # the parser does not tell who reads the body
                self._arriving.set_exception(web.RequestPayloadError(str(problem)))
        if not self._messages:
            self._close = True
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._header_deadline is not None:
            self._header_deadline.cancel()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What cannot be read as HTTP is the client's fault, said so without the parser's inner words."""
        if status >= 500:
            log.error("a connection failed: %s", message, exc_info=exc)
            error = WireError(500, "InternalError", "We encountered an internal error. Please try again.")
        else:
            first = (message or "").strip().partition("\n")[0][:200]
            error = WireError(400, "BadRequest", f"The request cannot be read as HTTP/1.1. {first}".strip())
        answer = self._explain(error)
        answer.force_close()
        return answer

    def _headers_late(self) -> None:
        self._header_deadline = None
        if self._waiter is not None and not self._waiter.done():
            self.force_close()
