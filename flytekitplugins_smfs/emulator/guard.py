"""The one guard for paths that come from a client or lie where a job can write.

A ``Tree`` is everything below one directory, reached without ever following a link: by openat2 where the kernel has it
(RESOLVE_BENEATH, no links of any kind), else name by name with O_NOFOLLOW. Symbolic links, pipes, sockets and devices
are never opened; a file that also has a name outside the tree (a hard link) is not the tree's and is left out.
"""

import errno
import os
import secrets
import shutil
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from .beneath import DIRECTORY, SAFELY, Outside, is_bucket_name, is_plain, names, open_beneath

__all__ = ["Outside", "Tree", "is_bucket_name", "is_plain", "names"]

_INCOMING = ".smfs-incoming-"
"""How names of files that are still being written begin; a walk leaves them out."""


class Tree:
    """A directory and what lies below it. Paths are relative to it; all raise Outside where a link would be followed.

    Close it, or use it in a ``with``. What is not there raises FileNotFoundError, as everywhere.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, DIRECTORY | os.O_CLOEXEC)
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
            os.close(self._open(names(path), DIRECTORY))
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
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY
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

    def link(self, path: str) -> str | None:
        """What a symbolic link says; None if there is none."""
        with suppress(OSError), self._parent(path) as (directory, name):
            return os.readlink(name, dir_fd=directory)
        return None

    def remove(self, path: str) -> None:
        """Remove a file, link, pipe, socket or device itself. Nothing there is fine; a directory raises OSError."""
        with suppress(FileNotFoundError, NotADirectoryError), self._parent(path) as (directory, name):
            os.unlink(name, dir_fd=directory)

    def empty(self, path: str = "") -> None:
        """Remove everything below a directory; of links only themselves."""
        descriptor = self._open(names(path), DIRECTORY)
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
                descriptor = self._open(parts, DIRECTORY)
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
        descriptor = self._make(parts[:-1]) if make else self._open(parts[:-1], DIRECTORY)
        try:
            yield descriptor, parts[-1]
        finally:
            os.close(descriptor)

    def _make(self, parts: list[str]) -> int:
        for length in range(1, len(parts) + 1):
            above = self._open(parts[: length - 1], DIRECTORY)
            try:
                with suppress(FileExistsError):
                    os.mkdir(parts[length - 1], dir_fd=above)
            finally:
                os.close(above)
        return self._open(parts, DIRECTORY)

    def _open(self, parts: list[str], flags: int) -> int:
        """Open what lies below the tree, or raise Outside where a link is on the way."""
        try:
            return open_beneath(self._root, parts, flags)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EXDEV, errno.ENXIO):
                raise Outside(f"{'/'.join(parts)!r} is, or leads over, a link or a pipe") from None
            raise


def _statuses(directory: int) -> Iterator[tuple[str, os.stat_result]]:
    for entry in _entries(directory):
        if not entry.name.startswith(_INCOMING):
            with suppress(FileNotFoundError):
                yield entry.name, entry.stat(follow_symlinks=False)


def _entries(directory: int) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        return list(entries)
