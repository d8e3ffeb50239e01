"""``relay FOLDER``: the network that the hosts of one job share, and its ways out.

It makes a network namespace with nothing but a loopback interface, listens in it where ``spec.json`` says, and carries
each connection to the server outside that the place stands for. The hosts' supervisors come to ``socket`` for the
namespace, and stay connected: when the last host has ended it ends, and a host whose relay is lost ends, too. Standard
library only.
"""

import asyncio
import fcntl
import json
import os
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..files import replace_json
from . import namespace
from .network import NetworkFolder, bind_beside
from .routes import Route

_CHUNK = 1 << 16
_WAITING_SECONDS = 600.0
"""For hosts that have not come, while no other is there: the server is being started again, perhaps."""


class Relay:
    """The network of a job while its hosts live."""

    def __init__(self, hosts: int, namespaces: list[int]) -> None:
        self._missing = hosts
        self._present = 0
        self._namespaces = namespaces
        self._changed = asyncio.Event()

    async def run(self, door: socket.socket, listening: list[tuple[Route, socket.socket]]) -> None:
        """Serve until all hosts have come and gone."""
        for route, place in listening:
            await asyncio.start_server(partial(_carry, route), sock=place)
        admitting = asyncio.create_task(self._admit(door))
        while self._missing > 0 or self._present:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), None if self._present else _WAITING_SECONDS)
            except TimeoutError:
                if not self._present:
                    break
        admitting.cancel()

    async def _admit(self, door: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        guests = set()
        while True:
            guest, _ = await loop.sock_accept(door)
            task = asyncio.create_task(self._accompany(guest))
            guests.add(task)
            task.add_done_callback(guests.discard)

    async def _accompany(self, guest: socket.socket) -> None:
        """Give a host its network, and stay until it has ended."""
        self._missing -= 1
        self._present += 1
        self._changed.set()
        try:
            with guest, suppress(ConnectionError):
                socket.send_fds(guest, [b"x"], self._namespaces)
                await asyncio.get_running_loop().sock_recv(guest, 1)
        finally:
            self._present -= 1
            self._changed.set()


async def _carry(route: Route, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry a connection of the job to a server outside; one that does not answer ends it."""
    try:
        far_reader, far_writer = await asyncio.open_connection(route.host, route.port)
    except OSError:
        writer.transport.abort()
        return
    ends = (writer, far_writer)
    try:
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    except OSError:
        for end in ends:
            end.transport.abort()
    finally:
        for end in ends:
            end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def main() -> None:
    """Detach; return to the caller once hosts may come. Fails if there can be no such network."""
    folder = NetworkFolder(Path(sys.argv[1]))
    ready_read, ready_write = os.pipe()
    if os.fork() != 0:
        os.close(ready_write)
        os._exit(0 if os.read(ready_read, 1) else 1)
    os.setsid()
    with folder.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        spec = json.loads(folder.spec.read_text())
        ways = [Route(**way) for way in spec["routes"]]
        namespaces, places = namespace.make_network([(way.address, way.port) for way in ways])
        door = bind_beside(folder.door)
        replace_json(folder.process, {"pid": os.getpid()})
        os.write(ready_write, b"x")
        asyncio.run(Relay(spec["hosts"], namespaces).run(door, list(zip(ways, places, strict=True))))


if __name__ == "__main__":
    main()
