"""A request as it stood on the wire, and its body as it comes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

from .errors import WireError
from .limits import Limits

_SLOW = "Your socket connection to the server was not read from or written to within the timeout period."
_FULL_BYTES = 512 * 1024
"""So much of a body may wait to be taken before the client is made to wait."""


class Line(Protocol):
    """The connection of an arrival, as far as it has to know it."""

    def say(self, data: bytes) -> None:
        """Write something before the answer."""

    def flow(self) -> None:
        """Read on, or stop reading for now, as the arrivals are full."""


class Arrival:
    """``target`` is path and query as sent; ``headers`` are all of them, in order, with their names as sent.

    ``values`` has them by lower-case name, repeated ones joined by commas. Header bytes that are no UTF-8 come as
    surrogates, as ``signatures`` wants them. ``length`` is Content-Length, None without one.
    """

    __slots__ = (
        "_error", "_expects", "_left", "_limits", "_line", "_pieces", "_waiter", "complete", "headers", "held",
        "keep_alive", "length", "method", "target", "unwanted", "values", "version",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        values: dict[str, str],
        version: str,
        line: Line,
        limits: Limits,
    ) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.values = values
        self.version = version
        length = values.get("content-length", "")
        self.length = int(length) if length.isdecimal() else None
        self.keep_alive = True
        self.complete = False
        """Whether all of the body has come."""
        self.held = 0
        """Bytes of the body that wait to be taken."""
        self.unwanted = False
        """What still comes of the body is dropped."""
        self._line = line
        self._limits = limits
        self._expects = values.get("expect")
        self._left = self.length
        self._pieces: deque[bytes] = deque()
        self._error: Exception | None = None
        self._waiter: asyncio.Future[bool] | None = None

    def header(self, name: str) -> str | None:
        """The value of a header by its lower-case name, repeated ones joined by commas; None without one."""
        return self.values.get(name)

    @property
    def full(self) -> bool:
        """Whether enough of the body is here for now."""
        return self.held > _FULL_BYTES

    def rest(self) -> int | None:
        """How many bytes of the body are still to come; None if nobody knows, or nobody told the client to send."""
        if self.complete:
            return 0
        return None if self._expects is not None else self._left

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives, framing of HTTP taken off. Tells a client that waits for it to send.

        Raises WireError when nothing comes for too long or the body ends early.
        """
        self.say_continue()
        while piece := await self._next(self._limits.read_seconds):
            yield piece

    async def body(self) -> bytes:
        """The whole body. Raises WireError when it is too long or takes too long."""
        limit = self._limits.body_bytes
        if (self.length or 0) > limit:
            raise _too_long(limit)
        self.say_continue()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.whole_seconds
        whole: list[bytes] = []
        size = 0
        while piece := await self._next(min(self._limits.read_seconds, until - loop.time())):
            whole.append(piece)
            size += len(piece)
            if size > limit:
                raise _too_long(limit)
        return whole[0] if len(whole) == 1 else b"".join(whole)

    def say_continue(self) -> None:
        """Tell a client that waits for it to send its body; once. One whose body is empty waits as well, and botocore
        reads all later answers of a connection wrongly after an answer that came without."""
        expects, self._expects = self._expects, None
        if expects is None or self.version < "1.1":
            return
        if expects.lower() != "100-continue":
            raise WireError(417, "ExpectationFailed", f"What is expected is not known: {expects[:200]!r}.")
        if not self.complete or self.length == 0:
            self._line.say(b"HTTP/1.1 100 Continue\r\n\r\n")

    def feed(self, piece: bytes) -> None:
        """Take a piece of the body; for the connection."""
        if self._left is not None:
            self._left -= len(piece)
        if not self.unwanted:
            self._pieces.append(piece)
            self.held += len(piece)
            self._wake()

    def end(self) -> None:
        """The body is over; for the connection."""
        self.complete = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """The rest of the body will never come; for the connection."""
        if not self.complete:
            self._error = error
            self._wake()

    def drop(self) -> None:
        """Nobody wants what is left of the body; for the connection."""
        self.unwanted = True
        self._pieces.clear()
        self.held = 0

    async def _next(self, seconds: float) -> bytes:
        """The next piece, empty at the end."""
        while not self._pieces:
            if self.complete:
                return b""
            if self._error is not None:
                raise self._error
            await self._wait(seconds)
        piece = self._pieces.popleft()
        self.held -= len(piece)
        if not self.held:
            self._line.flow()
        return piece

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_later(max(seconds, 0), _tell, waiter, False)
        try:
            in_time = await waiter
        finally:
            timer.cancel()
            self._waiter = None
        if not in_time:
            raise WireError(400, "RequestTimeout", f"{_SLOW} Idle connections will be closed.")

    def _wake(self) -> None:
        if self._waiter is not None:
            _tell(self._waiter, True)


def _tell(waiter: asyncio.Future[bool], what: bool) -> None:
    if not waiter.done():
        waiter.set_result(what)


def _too_long(limit: int) -> WireError:
    return WireError(413, "RequestEntityTooLarge", f"The request body is longer than {limit} bytes.")
