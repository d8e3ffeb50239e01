"""The server of a state directory, seen from outside: its lock, and what it says of itself."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import psutil

from . import files
from .paths import Paths
from .processes import identity

_LOOK_SECONDS = 1.0
"""The longest that somebody who only looks at the lock can be taken to hold it."""


class AlreadyRunning(Exception):
    """Another server has this state directory."""


def read_server_file(paths: Paths) -> dict[str, Any]:
    """What the last server said of itself; empty if none ever did."""
    try:
        said = json.loads(paths.server.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    whole = isinstance(said, dict) and isinstance(said.get("pid"), int)
    return said if whole and all(isinstance(said.get(name), str) for name in ("url", "s3_url")) else {}


def is_locked(paths: Paths) -> bool:
    """Whether a server process has this state directory now."""
    return files.is_locked(paths.lock)


@contextmanager
def only_one(paths: Paths) -> Iterator[None]:
    """Hold the state directory's lock. The system releases it when the process ends, however it ends."""
    with paths.lock.open("a+") as lock:
        _take(lock, paths)
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "identity": identity(os.getpid())}))
        lock.flush()
        yield


def _take(lock: IO[str], paths: Paths) -> None:
    """Lock the file. Raises AlreadyRunning if a server has it; who only looks whether one has lets go in a moment."""
    until = time.monotonic() + _LOOK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if holder(paths) is not None or time.monotonic() > until:
                raise AlreadyRunning(f"a server is running on {paths.state}") from None
        time.sleep(0.01)


def holder(paths: Paths) -> int | None:
    """The process that holds the lock, if it still is the one that wrote itself into it."""
    try:
        said = json.loads(paths.lock.read_text())
        pid = int(said["pid"])
        return pid if identity(pid) == said["identity"] else None
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None


def free_port(preferred: int | None) -> int:
    """The preferred port if nobody has it, otherwise any free one."""
    for candidate in (preferred, 0):
        if candidate is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def write_server_file(
    paths: Paths, port: int, s3_port: int, *, insecure: bool = False, names: Sequence[str] = ()
) -> None:
    """Say of this process that it serves a state directory. Written last: who reads it finds a server that answers."""
    document = {
        "pid": os.getpid(),
        "port": port,
        "s3_port": s3_port,
        "url": f"http://127.0.0.1:{port}",
        "s3_url": f"http://127.0.0.1:{s3_port}",
        "started": time.time(),
        "insecure": insecure,
        "names": list(names),
    }
    files.replace_json(paths.server, document, indent=2)
