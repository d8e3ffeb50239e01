"""The server of a state directory, seen from outside: its lock, and what it says of itself."""

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .paths import Paths


class AlreadyRunning(Exception):
    """Another server has this state directory."""


def read_server_file(paths: Paths) -> dict[str, Any]:
    """What the last server said of itself; empty if none ever did."""
    try:
        return dict(json.loads(paths.server.read_text()))
    except (FileNotFoundError, ValueError):
        return {}


def is_locked(paths: Paths) -> bool:
    """Whether a server process has this state directory now."""
    if not paths.lock.exists():
        return False
    try:
        with only_one(paths):
            return False
    except AlreadyRunning:
        return True


@contextmanager
def only_one(paths: Paths) -> Iterator[None]:
    """Hold the state directory's lock. The system releases it when the process ends, however it ends."""
    with paths.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"a server is running on {paths.state}") from None
        yield


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


def write_server_file(paths: Paths, port: int, s3_port: int) -> None:
    """Say of this process that it serves a state directory. Written last: who reads it finds a server that answers."""
    document = {
        "pid": os.getpid(),
        "port": port,
        "s3_port": s3_port,
        "url": f"http://127.0.0.1:{port}",
        "s3_url": f"http://127.0.0.1:{s3_port}",
        "started": time.time(),
    }
    temporary = paths.server.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=2))
    temporary.replace(paths.server)
