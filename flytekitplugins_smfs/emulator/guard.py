"""The one guard for paths that come from a client or lie where a job can write.

A ``Tree`` is everything below one directory, reached without ever following a link: by openat2 where the kernel has it
(RESOLVE_BENEATH, no links of any kind), else name by name with O_NOFOLLOW. Symbolic links, pipes, sockets and devices
are never opened; a file that also has a name outside the tree (a hard link) is not the tree's and is left out.
"""

import ctypes
import errno
import os
import secrets
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

_LONGEST_NAME, _LONGEST_PATH = 255, 4095
"""Bytes, as Linux has them."""
_OPENAT2 = 437
_BENEATH_WITHOUT_LINKS = 0x08 | 0x04 | 0x02
"""RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS of linux/openat2.h."""
_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_INCOMING = ".smfs-incoming-"
"""How names of files that are still being written begin; a walk leaves them out."""


class Outside(ValueError):
    """A path that leaves its directory, or that no file can have. The text says why."""


def names(path: str) -> list[str]:
    """The names of a relative path, after any leading slashes. Raises Outside for what is no plain path.

    Not plain are ``..`` and ``.``, a NUL, and names or paths that are longer than Linux has them. Empty names (``//``)
    and a slash at the end mean nothing.
    """
    parts = [part for part in path.split("/") if part]
    if any(part in ("..", ".") for part in parts):
        raise Outside(f"{path!r} holds a relative part (. or ..)")
    if "\0" in path:
        raise Outside(f"{path!r} holds a NUL")
    try:
        lengths = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise Outside(f"{path!r} is not Unicode") from None
    if any(length > _LONGEST_NAME for length in lengths):
        raise Outside(f"a name in {path!r} is longer than {_LONGEST_NAME} bytes")
    if sum(lengths) + len(lengths) > _LONGEST_PATH:
        raise Outside(f"the path is longer than {_LONGEST_PATH} bytes")
    return parts


class Tree:
    """A directory and what lies below it. Paths are relative to it; all raise Outside where a link would be followed.

    Close it, or use it in a ``with``. What is not there raises FileNotFoundError, as everywhere.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _DIRECTORY | os.O_CLOEXEC)
        self._inside: Counter[tuple[int, int]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def status(self, path: str) -> os.stat_result | None:
        """What lies at a path, links not followed; None if nothing does."""
        with suppress(FileNotFoundError, NotADirectoryError), self._parent(path) as (directory, name):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)
        return None

    def is_directory(self, path: str) -> bool:
        """Whether a directory is there that is reached without a link."""
        with suppress(OSError, Outside):
            os.close(self._open(names(path), _DIRECTORY))
            return True
        return False

    def read(self, path: str) -> BinaryIO:
        """A regular file of the tree, open for reading. Raises Outside for anything else."""
        descriptor = self._open(names(path), os.O_RDONLY)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not self._owns(status):
            os.close(descriptor)
            raise Outside(f"{path!r} is not a file of its own")
        return os.fdopen(descriptor, "rb")

    @contextmanager
    def replacing(self, path: str, mode: int = 0o644) -> Iterator[BinaryIO]:
        """A file to be written that takes a path's place at the end, in one step; directories on the way are made.

        What was there and is no directory is replaced, links themselves included. After an exception all is as before.
        """
        with self._parent(path, make=True) as (directory, name):
            incoming = f"{_INCOMING}{secrets.token_hex(8)}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY
            descriptor = os.open(incoming, flags, mode, dir_fd=directory)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    yield file
                os.rename(incoming, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                os.unlink(incoming, dir_fd=directory)
                raise

    def make_directory(self, path: str) -> None:
        """Make a directory and those above it; one that is there is fine."""
        os.close(self._make(names(path)))

    def remove(self, path: str) -> None:
        """Remove a file, link, pipe, socket or device itself. Nothing there is fine; a directory raises OSError."""
        with suppress(FileNotFoundError, NotADirectoryError), self._parent(path) as (directory, name):
            os.unlink(name, dir_fd=directory)

    def empty(self, path: str = "") -> None:
        """Remove everything below a directory; of links only themselves."""
        descriptor = self._open(names(path), _DIRECTORY)
        try:
            for entry in _entries(descriptor):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.name, dir_fd=descriptor)
                else:
                    os.unlink(entry.name, dir_fd=descriptor)
        finally:
            os.close(descriptor)

    def files(self, path: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """Every regular file below a directory: its path below that, and its status. Nothing there gives nothing."""
        for name, status in self._walk(path):
            if stat.S_ISREG(status.st_mode) and self._owns(status):
                yield name, status

    def odd(self, path: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """What ``files`` leaves out below a directory: links, pipes, sockets, devices."""
        for name, status in self._walk(path):
            if not stat.S_ISREG(status.st_mode) or not self._owns(status):
                yield name, status

    def _walk(self, path: str) -> Iterator[tuple[str, os.stat_result]]:
        pending = [(names(path), "")]
        while pending:
            parts, prefix = pending.pop()
            try:
                descriptor = self._open(parts, _DIRECTORY)
            except (FileNotFoundError, NotADirectoryError, Outside):
                continue  # it went, or became something else, since it was seen
            try:
                found = list(_statuses(descriptor))
            finally:
                os.close(descriptor)
            for name, status in found:
                if stat.S_ISDIR(status.st_mode):
                    pending.append(([*parts, name], f"{prefix}{name}/"))
                else:
                    yield prefix + name, status

    def _owns(self, status: os.stat_result) -> bool:
        """Whether all names of a file are in the tree. The tree is looked through once, for the first hard link."""
        if status.st_nlink <= 1:
            return True
        if self._inside is None:
            linked = (found for _, found in self._walk("") if found.st_nlink > 1)
            self._inside = Counter((found.st_dev, found.st_ino) for found in linked)
        return self._inside[status.st_dev, status.st_ino] >= status.st_nlink

    @contextmanager
    def _parent(self, path: str, make: bool = False) -> Iterator[tuple[int, str]]:
        """The directory of a path, open, and the path's last name."""
        parts = names(path)
        if not parts:
            raise Outside("the path is empty")
        descriptor = self._make(parts[:-1]) if make else self._open(parts[:-1], _DIRECTORY)
        try:
            yield descriptor, parts[-1]
        finally:
            os.close(descriptor)

    def _make(self, parts: list[str]) -> int:
        for length in range(1, len(parts) + 1):
            above = self._open(parts[: length - 1], _DIRECTORY)
            try:
                with suppress(FileExistsError):
                    os.mkdir(parts[length - 1], dir_fd=above)
            finally:
                os.close(above)
        return self._open(parts, _DIRECTORY)

    def _open(self, parts: list[str], flags: int) -> int:
        """Open what lies below the tree, or raise Outside where a link is on the way."""
        try:
            return open_beneath(self._root, parts, flags)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EXDEV, errno.ENXIO):
                raise Outside(f"{'/'.join(parts)!r} is, or leads over, a link or a pipe") from None
            raise


def open_beneath(root: int, parts: list[str], flags: int) -> int:
    """Open names below a directory descriptor. A link anywhere on the way is an OSError (ELOOP, EXDEV or ENOTDIR)."""
    if not parts:
        return os.open(".", flags | _SAFELY, dir_fd=root)
    if _kernel_resolves():
        return _openat2(root, "/".join(parts), (flags | _SAFELY) & ~os.O_NOFOLLOW)  # it would hide ELOOP
    return _open_by_name(root, parts, flags)


def _open_by_name(root: int, parts: list[str], flags: int) -> int:
    current = os.dup(root)
    for number, part in enumerate(parts, 1):
        try:
            below = os.open(part, (flags if number == len(parts) else _DIRECTORY) | _SAFELY, dir_fd=current)
        except NotADirectoryError as error:
            # O_DIRECTORY with O_NOFOLLOW says of a link that it is no directory: say what it is.
            if stat.S_ISLNK(os.stat(part, dir_fd=current, follow_symlinks=False).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), "/".join(parts)) from error
            raise
        finally:
            os.close(current)
        current = below
    return current


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_C = ctypes.CDLL(None, use_errno=True)


def _openat2(root: int, path: str, flags: int) -> int:
    how = _How(flags, 0, _BENEATH_WITHOUT_LINKS)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    descriptor: int = _C.syscall(_OPENAT2, root, path.encode(), ctypes.byref(how), size)
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return descriptor


_resolves: bool | None = None


def _kernel_resolves() -> bool:
    """Whether openat2 is there: Linux 5.6, and no filter that forbids it (as old container runtimes have)."""
    global _resolves
    if _resolves is None:
        _resolves = sys.platform == "linux" and _tries()
    return _resolves


def _tries() -> bool:
    root = os.open("/", _DIRECTORY)
    try:
        os.close(_openat2(root, ".", _DIRECTORY))
        return True
    except OSError:
        return False
    finally:
        os.close(root)


def _statuses(directory: int) -> Iterator[tuple[str, os.stat_result]]:
    for entry in _entries(directory):
        if not entry.name.startswith(_INCOMING):
            with suppress(FileNotFoundError):
                yield entry.name, entry.stat(follow_symlinks=False)


def _entries(directory: int) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return list(entries)
