"""What a job may leave that is no file of its own: links that lead elsewhere, pipes, sockets, devices."""

import hashlib
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest


def symbolic(path: Path, outside: Path) -> None:
    """A symbolic link to a file that is outside."""
    path.symlink_to(outside)


def hard(path: Path, outside: Path) -> None:
    """A second name of a file that is outside."""
    os.link(outside, path)


def pipe(path: Path, outside: Path) -> None:
    """A pipe that nobody writes into."""
    os.mkfifo(path)


def plug(path: Path, outside: Path) -> None:
    """A socket that nobody listens at."""
    near = Path("/proc/self/fd")  # names of sockets are short: go over a descriptor of the directory
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(near / str(descriptor) / path.name))
    finally:
        os.close(descriptor)


def device(path: Path, outside: Path) -> None:
    """The device of endless zeros."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


ODD: list[Callable[[Path, Path], None]] = [symbolic, hard, pipe, plug, device]


def listing(root: Path, without: Path | None = None) -> dict[str, str]:
    """Everything below a directory, with a hash of each file and what each link says; one directory may be left out."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if Path(folder, name) != without]
        for path in (Path(folder, name) for name in (*folders, *files)):
            found[str(path.relative_to(root))] = _content(path)
    return found


def _content(path: Path) -> str:
    if path.is_symlink():
        return os.readlink(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
