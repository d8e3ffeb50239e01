"""Passing a request on to another server of this machine, as it was signed, and its answer back: neither is held."""

import asyncio
from collections.abc import AsyncIterator

from .arrival import Arrival
from .errors import WireError
from .replies import Reply

_OF_ONE_CONNECTION = ("connection", "expect", "transfer-encoding", "content-length", "keep-alive")
"""Headers that are not passed on to another connection."""
_HEAD_BYTES = 256 * 1024
_PIECE_BYTES = 256 * 1024
_MOST_SECONDS = 300.0
"""For the server to take a piece of a body, to begin its answer, and to send the next piece of it."""


async def relay(arrival: Arrival, port: int) -> Reply:
    """The answer of the server at a port of 127.0.0.1. Raises WireError if it is not there, hangs, or ends early."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_HEAD_BYTES)
    except OSError:
        raise _unavailable() from None
    sending = asyncio.create_task(_send(arrival, writer))
    answering = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    try:
        await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and not answering.done():
            sending.result()
        async with asyncio.timeout(_MOST_SECONDS):
            head = await answering
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, TimeoutError):
        raise _unavailable() from None
    finally:
        # Who is answered before all is sent need not send the rest.
        early = not sending.done()
        for task in (sending, answering):
            task.cancel()
        if not answering.done() or answering.cancelled() or answering.exception() is not None:
            writer.transport.abort()
    answer, size = _read_head(head, arrival.method)
    answer.close = early
    answer.length = size
    if arrival.method == "HEAD" or not size:
        writer.close()
    else:
        answer.stream = _pieces(reader, writer, size)
    return answer


async def _send(arrival: Arrival, writer: asyncio.StreamWriter) -> None:
    """Head and body. Raises WireError when the client does not send; a server that takes no more has answered."""
    lines = [f"{arrival.method} {arrival.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in arrival.headers if name.lower() not in _OF_ONE_CONNECTION]
    lines.append("Connection: close")
    chunked = arrival.length is None and "transfer-encoding" in arrival.values
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif arrival.length is not None:
        lines.append(f"Content-Length: {arrival.length}")
    writer.write("\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape"))
    try:
        async for piece in arrival.pieces():
            writer.writelines((b"%x\r\n" % len(piece), piece, b"\r\n") if chunked else (piece,))
            async with asyncio.timeout(_MOST_SECONDS):
                await writer.drain()
        if chunked:
            writer.write(b"0\r\n\r\n")
    except ConnectionError:
        if not writer.transport.is_closing():
            raise  # it is the client who is gone


def _read_head(head: bytes, method: str) -> tuple[Reply, int | None]:
    """Status and headers, and the length that is told."""
    first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")[:-2]
    headers, size = [], None
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            size = int(value)
        elif name.lower() not in _OF_ONE_CONNECTION:
            headers.append((name, value.strip()))
    return Reply(int(first.split(" ")[1]), headers), size


async def _pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> AsyncIterator[bytes]:
    """The answer's body. Raises EOFError if it ends early, TimeoutError if it stands still."""
    try:
        while size:
            async with asyncio.timeout(_MOST_SECONDS):
                piece = await reader.read(min(size, _PIECE_BYTES))
            if not piece:
                raise EOFError(f"{size} bytes are missing")
            size -= len(piece)
            yield piece
    finally:
        writer.transport.abort()


def _unavailable() -> WireError:
    return WireError(503, "ServiceUnavailable", "The service is starting again. Please try again.")
