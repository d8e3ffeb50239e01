"""A front of the tests' own, and plain sockets to it: what is sent is exactly what the test says."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from flytekitplugins_smfs.emulator.wire import Arrival, Front, Limits, Reply, WireError, reply
from flytekitplugins_smfs.emulator.wire.connection import Handler

SMALL = Limits(
    header_bytes=4096,
    headers=20,
    body_bytes=10_000,
    header_seconds=0.4,
    read_seconds=0.4,
    whole_seconds=1.0,
    write_seconds=0.6,
    idle_seconds=1.5,
    linger_seconds=0.3,
)


def explain(arrival: Arrival | None, error: WireError) -> Reply:
    return reply(error.status, f"{error.code}: {error.message}".encode())


async def echo(arrival: Arrival) -> Reply:
    body = await arrival.body()
    return reply(200, b"|".join((arrival.method.encode(), arrival.target.encode(), body)), method=arrival.method)


@dataclass
class Running:
    """A front that listens."""

    port: int
    front: Front

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as made:
            yield made

    def ask(self, sent: bytes) -> bytes:
        """All that comes back for these bytes, until the server closes."""
        with self.connection() as made:
            made.sendall(sent)
            made.shutdown(socket.SHUT_WR)
            return all_of(made)


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        return received + b"<reset>"
    return received


Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts fronts in a loop of their own; all end with the test."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    fronts: list[Front] = []

    def start(handler: Handler = echo, limits: Limits = SMALL, names: tuple[str, ...] = ()) -> Running:
        front = Front(handler, explain, limits, names)
        fronts.append(front)
        asyncio.run_coroutine_threadsafe(front.start(0), loop).result(10)
        return Running(front.port, front)

    yield start
    for front in fronts:
        asyncio.run_coroutine_threadsafe(front.close(0.2), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
