"""The files of the store: immutable, of random name, in 256 folders. Nothing here knows what they mean."""

import errno
import fcntl
import os
import secrets
import stat
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

_FOLDERS = [f"{number:02x}" for number in range(256)]
_READ_ONLY = 0o444
"""The mode of a file; the descriptor that creates it can write all the same."""
_STEP = 1 << 30
_FICLONE = 0x40049409
"""Linux's ioctl that lets a file share another's blocks until one of them is written."""
_NO_KERNEL_COPY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


class Files:
    """A folder of content. All methods may be called from any thread and from several processes."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        for folder in _FOLDERS:
            os.makedirs(f"{self.root}/{folder}", mode=0o700, exist_ok=True)

    def path(self, name: str) -> str:
        return f"{self.root}/{name[:2]}/{name}"

    def create(self) -> tuple[str, int]:
        """A new empty file: its name, and a descriptor to write it by."""
        name = secrets.token_hex(16)
        return name, os.open(self.path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _READ_ONLY)

    def open(self, name: str) -> int:
        """A descriptor to read by; it stays good when the file is discarded.

        Raises FileNotFoundError also where something lies that is no file of the store: a link, a pipe, a device.
        """
        try:
            descriptor = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise FileNotFoundError(errno.ENOENT, "no file of the store", name) from None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, "no file of the store", name)
        return descriptor

    def same(self, name: str) -> str:
        """Another name for the same content, made at once."""
        other = secrets.token_hex(16)
        os.link(self.path(name), self.path(other))
        return other

    def join(self, names: Iterable[str]) -> str:
        """A new file with the content of others, one after another, copied by the kernel."""
        name, target = self.create()
        try:
            for part in names:
                source = self.open(part)
                try:
                    copy_range(source, target, 0, os.fstat(source).st_size)
                finally:
                    os.close(source)
        except BaseException:
            self.discard([name])
            raise
        finally:
            os.close(target)
        return name

    def discard(self, names: Iterable[str]) -> None:
        """Remove files; who has one open reads on."""
        for name in names:
            try:
                os.unlink(self.path(name))
            except FileNotFoundError:
                continue

    def names(self) -> Iterator[str]:
        """The names of all files there are now. A link in a folder's place is not followed."""
        for folder in _FOLDERS:
            if not os.path.islink(f"{self.root}/{folder}"):
                yield from os.listdir(f"{self.root}/{folder}")

    def fetch(self, name: str, target: Path, linked: bool = False) -> None:
        """Give a file to somebody outside: a copy of his own (sharing blocks where the disk can), or a hard link.

        A link is for readers only: what is written through it would change the object.
        """
        if linked:
            try:
                os.link(self.path(name), target)
                return
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                    raise
        source = self.open(name)
        try:
            writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                copy_whole(source, writer)
            finally:
                os.close(writer)
        finally:
            os.close(source)


def copy_whole(source: int, target: int) -> None:
    """Fill an empty file with another's content."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        copy_range(source, target, 0, os.fstat(source).st_size)


def copy_range(source: int, target: int, start: int, size: int) -> None:
    """Append ``size`` bytes of a file, from ``start``, to another. Raises EOFError if there are fewer."""
    done = 0
    while done < size:
        try:
            count = os.copy_file_range(source, target, min(_STEP, size - done), start + done)
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
            count = os.sendfile(target, source, start + done, min(_STEP, size - done))
        if count == 0:
            raise EOFError(f"{size - done} bytes are missing")
        done += count


def remove_in_background(files: Files, names: list[str]) -> threading.Thread:
    """Discard many files without making anybody wait."""
    thread = threading.Thread(target=files.discard, args=(names,), name="objects-sweep", daemon=True)
    thread.start()
    return thread
