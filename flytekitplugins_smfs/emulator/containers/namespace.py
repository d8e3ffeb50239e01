"""A private mount and process namespace for a job, through the C library. Standard library only; Linux only.

Root needs no user namespace; anybody else gets one. Where neither is allowed ``enter`` raises OSError.
"""

import ctypes
import fcntl
import os
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

from .spec import Bind

_NEW_MOUNTS, _NEW_PROCESSES, _NEW_USERS, _NEW_NETWORK = 0x00020000, 0x20000000, 0x10000000, 0x40000000
_SET_INTERFACE_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41
_BIND, _RECURSIVE, _PRIVATE, _REMOUNT, _READ_ONLY = 0x1000, 0x4000, 0x40000, 0x20, 0x1
_PROC_FLAGS = 0xE
_DIE_WITH_PARENT = 1
_KEPT_ON_REMOUNT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""statvfs flags and the mount flags that must be repeated when a mount is made read-only inside a user namespace."""


def enter(network: bool = True) -> None:
    """Give this process and its later children new namespaces; the first child becomes process 1 of its own.

    Without ``network`` they have no other interface than a loopback of their own.
    """
    flags = _NEW_MOUNTS | _NEW_PROCESSES | (0 if network else _NEW_NETWORK)
    uid, gid = os.getuid(), os.getgid()
    try:
        _call("unshare", flags)
    except PermissionError:
        _call("unshare", flags | _NEW_USERS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)
    if not network:
        _raise_loopback()


def arrange(binds: list[Bind]) -> None:
    """Inside the namespace: make every bind, in order, then a /proc of our own.

    The first target may be missing on this machine (``/opt/ml``); nothing is created outside the namespace for it.
    """
    for bind in binds:
        target = Path(bind.target)
        if not target.exists():
            if bind is binds[0]:
                _shadow(target.parent)
            target.mkdir(parents=True)
        _mount(bind.source, bind.target, None, _BIND | _RECURSIVE)
        if bind.read_only:
            status = os.statvfs(bind.target).f_flag
            kept = sum(mount for found, mount in _KEPT_ON_REMOUNT.items() if status & found)
            _mount(None, bind.target, None, _BIND | _REMOUNT | _READ_ONLY | kept)
    with suppress(
        PermissionError
    ):  # a masked /proc (as in a container) may not be mounted anew: then the old one stays
        _mount("proc", "/proc", "proc", _PROC_FLAGS)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies. Nothing where the kernel cannot."""
    if sys.platform == "linux":
        _call("prctl", _DIE_WITH_PARENT, 9)


def _shadow(directory: Path) -> None:
    """Cover a directory with an empty one of this namespace that shows the same entries."""
    original = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        entries = [(entry.name, entry.is_symlink(), entry.is_dir()) for entry in os.scandir(directory)]
        _mount("tmpfs", str(directory), "tmpfs", 0)
        for name, is_link, is_folder in entries:
            shown = directory / name
            if is_link:
                shown.symlink_to(os.readlink(name, dir_fd=original))
                continue
            shown.mkdir() if is_folder else shown.touch()
            _mount(f"/proc/self/fd/{original}/{name}", str(shown), None, _BIND | _RECURSIVE)
    finally:
        os.close(original)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_INTERFACE_FLAGS, struct.pack("16sH14x", b"lo", _UP_AND_RUNNING))


def _mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    encode = [None if text is None else text.encode() for text in (source, target, kind)]
    _call("mount", *encode, flags, None)


def _call(name: str, *arguments: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
