"""Writing content: bytes go to a new file and through the sums on the way."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from . import checksums
from .files import Files, copy_range
from .records import Content

_BLOCK = 1 << 20


class Intake:
    """One file being written. End it by ``content`` or by ``drop``; not for several threads at once."""

    def __init__(self, files: Files, algorithms: Iterable[str]) -> None:
        self._files = files
        self._name, self._descriptor = files.create()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sums = {algorithm: checksums.new(algorithm) for algorithm in algorithms}
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises OSError, as for a full disk."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self._md5.update(data)
        for each in self._sums.values():
            each.update(data)
        self.size += len(data)

    def content(self) -> Content:
        """Close the file; it is complete."""
        self._close()
        sums = {name: checksums.encoded(each.digest()) for name, each in self._sums.items()}
        return Content(self._name, self.size, self._md5.hexdigest(), sums)

    def drop(self) -> None:
        """Close and remove the file."""
        self._close()
        self._files.discard([self._name])

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_bytes(files: Files, data: bytes, algorithms: Iterable[str]) -> Content:
    """A new file with these bytes."""
    intake = Intake(files, algorithms)
    try:
        intake.write(data)
    except BaseException:
        intake.drop()
        raise
    return intake.content()


def take_in(files: Files, source: int, algorithms: Iterable[str], start: int = 0, size: int | None = None) -> Content:
    """A new file with the content of an open one, or with a range of it; copied by the kernel, read for its sums.

    The copy is read, not the source: what is summed is what is kept, also while somebody writes to the source.
    """
    name, target = files.create()
    try:
        copy_range(source, target, start, os.fstat(source).st_size - start if size is None else size)
    except BaseException:
        files.discard([name])
        raise
    finally:
        os.close(target)
    return summed(files, name, algorithms)


def take_in_path(files: Files, source: Path, algorithms: Iterable[str]) -> Content:
    """``take_in`` of a regular file. Raises OSError; a link is not followed, a pipe or device is refused."""
    descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(source))
        return take_in(files, descriptor, algorithms)
    finally:
        os.close(descriptor)


def summed(files: Files, name: str, algorithms: Iterable[str]) -> Content:
    """The content of a file of the store, its sums computed by reading it."""
    md5 = hashlib.md5(usedforsecurity=False)
    sums = {algorithm: checksums.new(algorithm) for algorithm in algorithms}
    size = 0
    descriptor = files.open(name)
    try:
        while data := os.read(descriptor, _BLOCK):
            md5.update(data)
            for each in sums.values():
                each.update(data)
            size += len(data)
    finally:
        os.close(descriptor)
    values = {algorithm: checksums.encoded(each.digest()) for algorithm, each in sums.items()}
    return Content(name, size, md5.hexdigest(), values)
