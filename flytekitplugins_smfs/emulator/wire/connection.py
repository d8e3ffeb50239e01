"""One connection: requests are answered in order, one at a time, and whoever is too slow is let go."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from .arrival import Arrival
from .errors import Hangup, WireError, cut_off, defect
from .guards import check
from .limits import Limits
from .reading import Reader
from .replies import Reply
from .writing import Outlet, outlet

log = logging.getLogger(__name__)

Handler = Callable[[Arrival], Reply | Awaitable[Reply]]
Explain = Callable[[Arrival | None, WireError], Reply]
"""Words an error for the client; without an arrival where the request could not even be read."""

_MOST_WAITING = 16
"""Requests that a client may send before their turn."""
_DRAINED_BYTES = 1 << 20
"""What is left of a body that nobody wants is read away up to here, so that the connection can be used again."""


class Rules(Protocol):
    """What holds for all connections of a front."""

    handler: Handler
    explain: Explain
    limits: Limits
    names: tuple[str, ...]
    pages: bool
    connections: "set[Connection]"


class Connection(asyncio.Protocol):
    """A client's connection, as the event loop calls it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._limits = rules.limits
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(self, rules.limits, self._arrived)
        self._waiting: deque[Arrival | WireError] = deque()
        self._busy: Arrival | WireError | None = None
        self._task: asyncio.Task[None] | None = None
        self._outlet: Outlet
        self._transport: asyncio.Transport
        self._held = False
        self._deaf = False
        """Nothing more is read: after what was ill-formed, and after the last answer."""
        self._ended = False
        """The client sends no more."""
        self._unread = False
        """Something was sent that is not read; a socket that is closed with it is reset."""
        self._closing = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._idle_since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._outlet = outlet(transport, self._limits.write_seconds)
        self._transport = self._outlet.transport
        if len(self._rules.connections) >= self._limits.connections:
            self._closing = self._deaf = True
            self._transport.abort()
            return
        self._rules.connections.add(self)
        self._after("idle", self._limits.idle_seconds, self._look_idle)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._unread = True
            return
        try:
            self._deaf = not self._reader.feed(data)
        except WireError as error:
            self._ill(error)
        if self._reader.in_head:
            if "head" not in self._timers and not self._deaf:
                self._after("head", self._limits.header_seconds, self._head_late)
        elif "head" in self._timers:
            self._timers.pop("head").cancel()
        self._pump()
        self.flow()

    def eof_received(self) -> bool:
        """Who says that it sends no more still gets all its answers; what is not whole by then never will be."""
        self._ended = True
        if self._reader.in_head and not self._deaf:
            self._ill(WireError(400, "BadRequest", "The request cannot be read as HTTP/1.1. It ended in its headers."))
        elif self._reader.arriving is not None:
            self._reader.arriving.fail(cut_off())
        self._pump()
        return self._busy is not None

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = self._deaf = True
        for timer in self._timers.values():
            timer.cancel()
        self._waiting.clear()
        for arrival in (self._busy, self._reader.arriving):
            if isinstance(arrival, Arrival):
                arrival.fail(ConnectionResetError("the client is gone"))
        self._outlet.resume()
        self._rules.connections.discard(self)

    def pause_writing(self) -> None:
        self._outlet.pause()

    def resume_writing(self) -> None:
        self._outlet.resume()

    def say(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def flow(self) -> None:
        """Stop reading while enough is here, and go on when it has been taken."""
        arriving = self._reader.arriving
        hold = (arriving is not None and arriving.full) or len(self._waiting) > _MOST_WAITING
        if hold != self._held and not self._transport.is_closing():
            self._held = hold
            if hold:
                self._transport.pause_reading()
            elif not self._ended:
                self._transport.resume_reading()

    def end(self) -> None:
        """Close when what is being answered has been."""
        self._deaf = True
        if self._busy is None:
            self._close()

    def abort(self) -> None:
        self._transport.abort()

    def _arrived(self, arrival: Arrival) -> None:
        if "head" in self._timers:
            self._timers.pop("head").cancel()  # the next request has its own time
        self._waiting.append(arrival)

    def _ill(self, error: WireError) -> None:
        """Nothing can be read any more; the error is answered in its turn."""
        self._deaf = self._unread = True
        if self._reader.arriving is not None:
            self._reader.arriving.fail(cut_off())
        else:
            self._waiting.append(error)

    def _pump(self) -> None:
        """Answer what waits, until one needs time."""
        while self._waiting and self._busy is None and not self._closing:
            self._busy = self._waiting.popleft()
            self._begin(self._busy)
        if (self._ended or self._deaf) and self._busy is None:
            self._close()

    def _begin(self, asked: Arrival | WireError) -> None:
        if isinstance(asked, WireError):
            answer = self._rules.explain(None, asked)
            answer.close = True
        else:
            try:
                check(asked.version, asked.headers, self._rules.names, self._rules.pages)
                outcome = self._rules.handler(asked)
            except Exception as error:  # noqa: BLE001  each is answered
                outcome = self._failed(asked, error)
            if not isinstance(outcome, Reply):
                self._task = self._loop.create_task(self._answer(asked, outcome))
                return
            answer = outcome
        if self._write(asked, answer):
            self._over(asked, answer)
        else:
            self._task = self._loop.create_task(self._finish(asked, answer))

    async def _answer(self, arrival: Arrival, outcome: Awaitable[Reply]) -> None:
        """Wait for an answer that takes time, and write it."""
        try:
            answer = await outcome
        except Exception as error:  # noqa: BLE001  each is answered
            answer = self._failed(arrival, error)
        if self._write(arrival, answer):
            self._over(arrival, answer)
            self._pump()
        else:
            await self._finish(arrival, answer)

    def _failed(self, arrival: Arrival, error: Exception) -> Reply:
        if isinstance(error, (Hangup, ConnectionError)):
            self._transport.abort()
            return Reply(500, [], close=True)
        if not isinstance(error, WireError):
            log.error("a request failed: %s %s", arrival.method, arrival.target[:500], exc_info=error)
            error = defect()
        answer = self._rules.explain(arrival, error)
        answer.close = True  # what is left of the body is not worth reading
        return answer

    def _write(self, asked: Arrival | WireError, answer: Reply) -> bool:
        """Write what can be written at once; False if the client has to take some of it first."""
        if self._transport.is_closing():
            if answer.file is not None:
                os.close(answer.file.descriptor)
            return True
        answer.close = answer.close or not self._goes_on(asked)
        if answer.file is not None or answer.stream is not None:
            return False
        try:
            head = answer.head(answer.close)
        except ValueError as problem:
            log.error("an answer cannot be written: %s", problem)
            self._transport.abort()
            return True
        self._transport.write(head + answer.body if answer.body else head)
        return not self._outlet.paused

    async def _finish(self, asked: Arrival | WireError, answer: Reply) -> None:
        """Let the client take the rest of an answer, in its time."""
        try:
            if answer.file is not None:
                await self._outlet.file(answer.head(answer.close), answer.file)
            elif answer.stream is not None:
                await self._outlet.stream(answer.head(answer.close), answer.stream)
            else:
                await self._outlet.drained()
        except (TimeoutError, OSError, EOFError, ValueError) as problem:
            log.debug("an answer was not taken: %s", problem)
            self._transport.abort()
        finally:
            if answer.file is not None:
                os.close(answer.file.descriptor)
        self._over(asked, answer)
        self._pump()

    def _goes_on(self, asked: Arrival | WireError) -> bool:
        """Whether the connection can be used again: the client wants to, and little is left of the body."""
        last = (self._deaf or self._ended) and not self._waiting
        if isinstance(asked, WireError) or not asked.keep_alive or last:
            return False
        rest = asked.rest()
        return rest is not None and rest <= _DRAINED_BYTES

    def _over(self, asked: Arrival | WireError, answer: Reply) -> None:
        """One request is done; the next, or the end."""
        if isinstance(asked, Arrival):
            asked.drop()
        self._busy = self._task = None
        self._idle_since = self._loop.time()
        if answer.close:
            self._waiting.clear()
            self._close()
        else:
            self.flow()

    def _close(self) -> None:
        """Close once all is written. What the client still sends is read away for a while: a reset loses the answer."""
        if self._closing or self._transport.is_closing():
            self._closing = True
            return
        self._closing = self._deaf = True
        self._after("abort", self._limits.write_seconds, self._transport.abort)
        if self._ended or not (self._unread or self._reader.arriving is not None or self._reader.in_head):
            self._transport.close()
            return
        if self._held:
            self._held = False
            self._transport.resume_reading()
        self._transport.write_eof()
        self._after("linger", self._limits.linger_seconds, self._transport.close)

    def _head_late(self) -> None:
        """The headers take too long: the connection ends once what came before them is answered."""
        self._timers.pop("head", None)
        self._deaf = True
        if self._busy is None:
            self._transport.abort()

    def _look_idle(self) -> None:
        """One timer for the whole connection, set again rather than anew with each request."""
        left = self._idle_since + self._limits.idle_seconds - self._loop.time()
        if self._busy is not None or self._reader.in_head:
            left = self._limits.idle_seconds
        if left > 0:
            self._after("idle", left, self._look_idle)
        elif self._transport.get_write_buffer_size():
            self._transport.abort()  # it does not read what it was answered
        else:
            self._close()

    def _after(self, what: str, seconds: float, function: Callable[[], None]) -> None:
        self._timers[what] = self._loop.call_later(seconds, function)
