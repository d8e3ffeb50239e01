"""The server's and a supervisor's side of the network that the hosts of one job share. Standard library only.

All state is in its folder; the relay (``containers.relay``) keeps it while hosts live.
"""

import os
import socket
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..files import replace_json
from .routes import Route

_NAMESPACES = 2


@dataclass(frozen=True)
class NetworkFolder:
    """The directory of a job's network and the files in it."""

    path: Path

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def lock(self) -> Path:
        """Held for as long as the relay lives."""
        return self.path / "lock"

    @property
    def process(self) -> Path:
        return self.path / "process.json"

    @property
    def door(self) -> Path:
        """A socket at which supervisors are given the network's namespace."""
        return self.path / "socket"

    def write(self, hosts: int, routes: Iterable[Route]) -> None:
        """Say what is wanted: for how many hosts, and what they reach."""
        self.path.mkdir(parents=True, exist_ok=True)
        replace_json(self.spec, {"hosts": hosts, "routes": [asdict(route) for route in routes]})


@dataclass
class Membership:
    """A host's place in a job's network: its namespaces, and a connection that ends with the relay."""

    connection: socket.socket
    users: int
    network: int


def join(path: Path) -> Membership:
    """Ask the relay of a job's network for a place in it. Raises OSError if it is not there."""
    connection = socket.socket(socket.AF_UNIX)
    place = os.open(path, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{place}/{NetworkFolder(path).door.name}")
    except OSError as problem:
        connection.close()
        raise OSError(f"the job's network is not there: {problem}") from None
    finally:
        os.close(place)
    _, namespaces, *_ = socket.recv_fds(connection, 1, _NAMESPACES, socket.MSG_CMSG_CLOEXEC)
    if len(namespaces) != _NAMESPACES:
        raise OSError("the job's network was lost")
    return Membership(connection, *namespaces)


def bind_beside(path: Path) -> socket.socket:
    """A listening socket at a path, however long that is (a socket's own address has 108 bytes)."""
    door = socket.socket(socket.AF_UNIX)
    door.setblocking(False)
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        path.unlink(missing_ok=True)
        door.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
    door.listen()
    return door
