"""Writing to a connection: with a deadline, and files by the kernel."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import cast

from .replies import Piece

_STRETCH_BYTES = 4 << 20
"""After so much of a file others get their turn."""


class Outlet:
    """What a connection writes. The transport calls ``pause`` and ``resume`` through its protocol."""

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self.transport = transport
        self._seconds = seconds
        self._paused = False
        self._free: asyncio.Future[None] | None = None

    @property
    def paused(self) -> bool:
        """Whether so much waits to be taken by the client that no more should be written."""
        return self._paused

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        if self._free is not None and not self._free.done():
            self._free.set_result(None)

    async def drained(self) -> None:
        """Wait until little is left to be taken. Raises TimeoutError for a client that does not read."""
        if self._paused and not self.transport.is_closing():
            self._free = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(self._seconds):
                await self._free

    async def stream(self, head: bytes, pieces: AsyncIterator[bytes]) -> None:
        """Write a head and pieces as they come; each has its deadline. Raises TimeoutError, OSError, EOFError."""
        self._write(head)
        async for piece in pieces:
            self._write(piece)
            await self.drained()

    async def file(self, head: bytes, piece: Piece) -> None:
        """Write a head, then let the kernel send a piece of a file. Each stretch has its deadline.

        Who reads slowly is served to the end. Raises TimeoutError for a client that does not read, OSError for one that
        is gone, EOFError if the file is shorter than it should be.
        """
        _check(self.transport)
        self.transport.set_write_buffer_limits(0)  # it pauses unless all is out
        try:
            self._write(head)
            await self.drained()
            _check(self.transport)
            # A descriptor of its own: event loops let nobody wait for one that a transport has.
            own = os.dup(self.transport.get_extra_info("socket").fileno())
            try:
                await _sent(own, piece, self._seconds, self.transport)
            finally:
                os.close(own)
        finally:
            if not self.transport.is_closing():
                self.transport.set_write_buffer_limits()

    def _write(self, data: bytes) -> None:
        _check(self.transport)
        self.transport.write(data)


def _check(transport: asyncio.Transport) -> None:
    """Raise ConnectionResetError for a client who is gone; the transport itself must not be used any more then."""
    if transport.is_closing():
        raise ConnectionResetError("the client is gone")


async def _sent(target: int, piece: Piece, seconds: float, transport: asyncio.Transport) -> None:
    offset, end = piece.start, piece.start + piece.size
    stretch = 0
    while offset < end:
        _check(transport)
        try:
            count = os.sendfile(target, piece.descriptor, offset, min(_STRETCH_BYTES, end - offset))
        except BlockingIOError:
            await _writable(target, seconds)
            continue
        if count == 0:
            raise EOFError(f"{end - offset} bytes are missing")
        offset += count
        stretch += count
        if stretch >= _STRETCH_BYTES:
            stretch = 0
            await asyncio.sleep(0)


async def _writable(descriptor: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    free = loop.create_future()

    def tell() -> None:
        if not free.done():
            free.set_result(None)

    loop.add_writer(descriptor, tell)
    try:
        async with asyncio.timeout(seconds):
            await free
    finally:
        loop.remove_writer(descriptor)


def outlet(transport: asyncio.BaseTransport, seconds: float) -> Outlet:
    """The outlet of a connection."""
    return Outlet(cast("asyncio.Transport", transport), seconds)
