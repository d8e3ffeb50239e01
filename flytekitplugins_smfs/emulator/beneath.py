"""Names of a relative path, and what they open below a directory. Little is imported: job processes use it, too."""

import ctypes
import errno
import os
import re
import stat
import sys

_LONGEST_NAME, _LONGEST_PATH = 255, 4095
"""Bytes, as Linux has them."""
_OPENAT2 = 437
_BENEATH_WITHOUT_LINKS = 0x08 | 0x04 | 0x02
"""RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS of linux/openat2.h."""
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


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


def is_plain(path: str) -> bool:
    """Whether ``names`` accepts a path."""
    try:
        names(path)
    except Outside:
        return False
    return True


def is_bucket_name(text: str) -> bool:
    """Whether S3 could have a bucket of this name ("General purpose bucket naming rules" of the S3 guide)."""
    return _BUCKET.fullmatch(text) is not None and ".." not in text


def open_beneath(root: int, parts: list[str], flags: int) -> int:
    """Open names below a directory descriptor. A link anywhere on the way is an OSError (ELOOP, EXDEV or ENOTDIR)."""
    if not parts:
        return os.open(".", flags | SAFELY, dir_fd=root)
    if _kernel_resolves():
        return _openat2(root, "/".join(parts), (flags | SAFELY) & ~os.O_NOFOLLOW)  # it would hide ELOOP
    return _open_by_name(root, parts, flags)


def _open_by_name(root: int, parts: list[str], flags: int) -> int:
    current = os.dup(root)
    for number, part in enumerate(parts, 1):
        try:
            below = os.open(part, (flags if number == len(parts) else DIRECTORY) | SAFELY, dir_fd=current)
        except NotADirectoryError as error:
            # ODIRECTORY with O_NOFOLLOW says of a link that it is no directory: say what it is.
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
    root = os.open("/", DIRECTORY)
    try:
        os.close(_openat2(root, ".", DIRECTORY))
        return True
    except OSError:
        return False
    finally:
        os.close(root)
