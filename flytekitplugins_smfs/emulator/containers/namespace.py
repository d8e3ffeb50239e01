"""A private file tree, process list and, if asked for, network for a job. Standard library only; Linux only.

Root needs no user namespace; anybody else gets one. Where neither is allowed ``enter`` raises OSError.
"""

import fcntl
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..beneath import DIRECTORY, Outside, names, open_beneath
from .spec import Bind
from .system import call, change_root, mount, set_mount_attributes

_NEW_MOUNTS, _NEW_PROCESSES, _NEW_USERS, _NEW_NETWORK = 0x00020000, 0x20000000, 0x10000000, 0x40000000
_NEW_NAMES, _NEW_MESSAGES = 0x04000000, 0x08000000
_SET_INTERFACE_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41
_SET_INTERFACE_ADDRESS, _SET_INTERFACE_MASK = 0x8916, 0x891C
_BIND, _RECURSIVE, _PRIVATE, _REMOUNT = 0x1000, 0x4000, 0x40000, 0x20
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXECUTION = 0x1, 0x2, 0x4, 0x8
_KEPT_ON_REMOUNT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
"""statvfs flags and the mount flags that must be repeated when a mount is made read-only inside a user namespace."""
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "nvidia*", "kfd", "dri")
_DEVICE_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
_SEALED = ("sys", "sysrq-trigger", "irq", "bus", "fs")
"""Of /proc: what changes the machine for everybody, whoever is its root."""


def enter(users: int | None = None) -> None:
    """Let the next child of this process be process 1 of a process list of its own, with the right to ``separate``.

    ``users`` is the user namespace (a descriptor) of a network that it will be in.
    """
    if users is not None and os.fstat(users).st_ino != os.stat("/proc/self/ns/user").st_ino:
        call("setns", users, _NEW_USERS)
    _unshare(_NEW_PROCESSES)


def separate(network: bool = True, shared: int | None = None) -> None:
    """In that child: mounts, host name and shared memory of its own; what it mounts is seen nowhere else.

    Without ``network`` it has no other interface than a loopback of its own. ``shared`` is the network namespace (a
    descriptor) that it shares with others instead.
    """
    if shared is not None:
        call("setns", shared, _NEW_NETWORK)
    call("unshare", _NEW_MOUNTS | _NEW_MESSAGES | _NEW_NAMES | (0 if network else _NEW_NETWORK))
    mount(None, "/", None, _RECURSIVE | _PRIVATE)
    if not network:
        _raise_loopback()


def make_network(listening: list[tuple[str, int]]) -> tuple[list[int], list[socket.socket]]:
    """Make a network with no other interface than a loopback, and sockets that listen in it at addresses and ports.

    Answers descriptors of its user and network namespaces, for as long as which it is there, and the sockets: this
    process itself stays where it is. Raises OSError.
    """
    here, there = socket.socketpair()
    with here:
        child = os.fork()
        if child == 0:
            try:
                socket.send_fds(there, [b"x"], _network(listening))
            except OSError as error:
                there.sendall(f"-{error}".encode())
            os._exit(0)
        there.close()
        answer, found, *_ = socket.recv_fds(here, 1 << 10, 2 + len(listening), socket.MSG_CMSG_CLOEXEC)
        os.waitpid(child, 0)
    if answer != b"x":
        raise OSError(f"no network for the job: {answer[1:].decode()}")
    return found[:2], [socket.socket(fileno=place) for place in found[2:]]


def _network(listening: list[tuple[str, int]]) -> list[int]:
    """In a child that ends thereafter: the descriptors."""
    _unshare(_NEW_NETWORK)
    _raise_loopback()
    places = []
    for number, address in enumerate(dict.fromkeys(address for address, _ in listening)):
        if not address.startswith("127."):
            _add_address(f"lo:{number}", address)
    for address, port in listening:
        place = socket.socket()
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((address, port))
        place.listen(128)
        places.append(place.detach())
    return [_own("user"), _own("net"), *places]


def _own(kind: str) -> int:
    return os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _unshare(kinds: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    try:
        call("unshare", kinds)
    except PermissionError:
        call("unshare", kinds | _NEW_USERS)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def arrange(root: Path, readable: list[str], binds: list[Bind]) -> None:
    """Inside the namespace: a root of nothing but what is named, in ``root``, an empty directory; then live in it.

    Readable paths appear where they are, read-only, if they are there; a symbolic link (``/bin``) stays one. Besides
    there are a small /dev, an own /proc, and /sys to read.
    """
    mount("tmpfs", str(root), "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=16m")
    shown = [*(Bind(path, path, read_only=True) for path in readable), Bind("/sys", "/sys", read_only=True), *binds]
    for bind in sorted(shown, key=lambda bind: bind.target.count("/")):  # what is inside another comes after it
        _show(root, bind)
    _make_devices(root / "dev")
    _make_proc(root / "proc")
    change_root(str(root))
    mount(None, "/", None, _BIND | _REMOUNT | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def _show(root: Path, bind: Bind) -> None:
    """Make a bind in the new root. A readable path that is not there is left out, as is one inside of a link."""
    if bind.source != bind.target:
        _bind(bind, root)
    elif os.path.islink(bind.source):
        target = root / bind.target.lstrip("/")
        if os.path.lexists(target):  # inside of what is shown already
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(os.readlink(bind.source))
    elif os.path.realpath(bind.source) == bind.source and os.path.exists(bind.source):
        _bind(bind, root)


def _bind(bind: Bind, root: Path) -> None:
    target = root / bind.target.lstrip("/")
    with _source(bind) as source:
        if not target.exists():
            if os.path.isdir(source):
                target.mkdir(parents=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
        mount(source, str(target), None, _BIND | _RECURSIVE)
    wanted = _NO_SUID | (_READ_ONLY if bind.read_only else 0) | (0 if bind.target.startswith("/dev/") else _NO_DEVICES)
    try:
        set_mount_attributes(str(target), wanted)
    except OSError:  # before Linux 5.12: this mount alone, and what it has must be repeated
        found = os.statvfs(target).f_flag
        kept = sum(flag for seen, flag in _KEPT_ON_REMOUNT.items() if found & seen)
        mount(None, str(target), None, _BIND | _REMOUNT | wanted | kept)


@contextmanager
def _source(bind: Bind) -> Iterator[str]:
    """The source of a bind. Below a directory that other jobs write to, no link is followed."""
    if bind.below is None:
        yield bind.source
        return
    root = os.open(bind.below, DIRECTORY | os.O_CLOEXEC)
    try:
        place = open_beneath(root, names(bind.source), DIRECTORY)
    except Outside as problem:
        raise OSError(str(problem)) from None
    finally:
        os.close(root)
    try:
        yield f"/proc/self/fd/{place}"
    finally:
        os.close(place)


def _make_devices(directory: Path) -> None:
    """What a program expects of /dev, and nothing that is a disk."""
    directory.mkdir()
    for pattern in _DEVICES:
        for device in sorted(Path("/dev").glob(pattern)):
            _bind(Bind(str(device), f"/dev/{device.name}"), directory.parent)
    for name, target in _DEVICE_LINKS.items():
        directory.joinpath(name).symlink_to(target)
    for name, kind, options in (("shm", "tmpfs", "mode=1777"), ("pts", "devpts", "newinstance,ptmxmode=0666,mode=620")):
        directory.joinpath(name).mkdir()
        with suppress(OSError):  # no terminals are made then
            mount(kind, str(directory / name), kind, _NO_SUID | _NO_EXECUTION, options)


def _make_proc(directory: Path) -> None:
    directory.mkdir()
    try:
        mount("proc", str(directory), "proc", _NO_SUID | _NO_DEVICES | _NO_EXECUTION)
    except PermissionError:  # a masked /proc (as in a container) may not be mounted anew: then the old one is shown
        mount("/proc", str(directory), None, _BIND | _RECURSIVE)
    for name in _SEALED:
        sealed = str(directory / name)
        with suppress(OSError):
            mount(sealed, sealed, None, _BIND | _RECURSIVE)
            mount(None, sealed, None, _BIND | _REMOUNT | _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_EXECUTION)
    for name in ("kcore", "keys", "timer_list", "kmsg"):
        place = directory / name
        with suppress(OSError):
            if stat.S_ISREG(place.stat().st_mode):
                mount("/dev/null", str(place), None, _BIND)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_INTERFACE_FLAGS, struct.pack("16sH14x", b"lo", _UP_AND_RUNNING))


def _add_address(name: str, address: str) -> None:
    """Give this namespace another address of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((_SET_INTERFACE_ADDRESS, address), (_SET_INTERFACE_MASK, "255.255.255.255")):
            place = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", name.encode(), place))
