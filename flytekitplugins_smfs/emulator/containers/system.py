"""Calls to the Linux kernel that Python has no function for, through the C library. Each raises OSError."""

import ctypes
import os
import signal
import sys

_C = ctypes.CDLL(None, use_errno=True)

_DIE_WITH_PARENT, _DROP_FROM_BOUNDING, _NO_NEW_PRIVILEGES, _SUBREAPER, _AMBIENT = 1, 24, 38, 36, 47
_CLEAR_ALL_AMBIENT = 4
_CAPABILITY_VERSION_3 = 0x20080522
_MOST_CAPABILITIES = 64
_MOUNT_SETATTR = 442
_AT_RECURSIVE, _AT_CURRENT_DIRECTORY = 0x8000, -100
_DETACH = 2


class _MountAttributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace"))


def call(name: str, *arguments: object) -> int:
    """Call a function of the C library."""
    try:
        function = getattr(_C, name)
    except AttributeError:
        raise OSError(f"{name}: not in this C library") from None
    return _checked(name, function(*arguments))


def kernel(number: int, name: str, *arguments: object) -> int:
    """Make a system call that is the same number on every architecture (all that were added since Linux 5.1)."""
    return _checked(name, _C.syscall(number, *arguments))


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    call("mount", *encoded, flags, None if options is None else options.encode())


def set_mount_attributes(target: str, attributes: int) -> None:
    """Set MOUNT_ATTR_* flags on a mount and all mounts below it (Linux 5.12)."""
    wanted = _MountAttributes(attributes, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    path = target.encode()
    kernel(_MOUNT_SETATTR, "mount_setattr", _AT_CURRENT_DIRECTORY, path, _AT_RECURSIVE, ctypes.byref(wanted), size)


def change_root(directory: str) -> None:
    """Make a mount the root of this mount namespace, and let go of the old one."""
    os.chdir(directory)
    call("pivot_root", b".", b".")
    call("umount2", b".", _DETACH)
    os.chdir("/")


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Ask the kernel to send this process a signal when its parent dies. Nothing where the kernel cannot."""
    if sys.platform == "linux":
        call("prctl", _DIE_WITH_PARENT, int(number))


def adopt_orphans() -> None:
    """Become the parent of all descendants that lose theirs. Nothing where the kernel cannot."""
    if sys.platform == "linux":
        call("prctl", _SUBREAPER, 1)


def drop_privileges() -> None:
    """Give up every capability, for good: no program that is executed later brings one back."""
    if sys.platform != "linux":
        return
    for capability in range(_MOST_CAPABILITIES):
        try:
            call("prctl", _DROP_FROM_BOUNDING, capability, 0, 0, 0)
        except OSError:
            break  # the first number that the kernel does not know; or not a root of any kind, who has none to drop
    call("prctl", _AMBIENT, _CLEAR_ALL_AMBIENT, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())
    call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
