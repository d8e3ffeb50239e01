"""The HTTP server of one port, on loopback."""

import asyncio
import socket
from collections.abc import Sequence

from .connection import Connection, Explain, Handler
from .limits import Limits

_CLOSING_SECONDS = 0.02
"""How often a front that closes looks whether the last connection has ended."""


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
        self.handler = handler
        self.explain = explain
        self.limits = limits or Limits()
        self.names = tuple(name.lower() for name in names)
        self.pages = pages
        self.connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int, listening: socket.socket | None = None) -> None:
        """Listen on 127.0.0.1, or on a socket that is bound already. Raises OSError if the port is taken."""
        listening = listening or bound(port)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), sock=listening, backlog=512)
        self.port = int(listening.getsockname()[1])

    async def close(self, seconds: float = 5.0) -> None:
        """Stop listening, let requests under way end for so long, and close what is left."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self.connections):
            connection.end()
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self.connections and loop.time() < until:
            await asyncio.sleep(_CLOSING_SECONDS)
        for connection in list(self.connections):
            connection.abort()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self.connections)
