"""A control group of a job's own, where this process may make one (cgroup version 2). Standard library only.

A group's name says which state directory it belongs to and which supervisor it has, so that groups whose supervisor was
killed are found again and removed, with all that still runs in them.
"""

import os
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_MEMBERSHIP = Path("/proc/self/cgroup")
_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
_ENDING_SECONDS = 5.0
_LOOK_SECONDS = 0.01
_OPTIONAL = ("memory.swap.max",)
"""Not there where the machine has no swap, or does not count it."""


class Cgroup:
    """A control group. ``controlled`` says which of "memory" and "pids" the kernel limits in it."""

    def __init__(self, path: Path, controlled: frozenset[str]) -> None:
        self.path = path
        self.controlled = controlled

    @classmethod
    def create(cls, registry: Path, memory_bytes: int | None, processes: int | None) -> "Cgroup | None":
        """A new group with limits for a job of this process, or None where none can be made.

        ``registry`` is the directory of the state's processes. A group that holds processes can have no groups with
        limits below it: the new one is made beside this process's own, else below it (then only to end its members
        together).
        """
        for parent in _places():
            path = parent / f"{_prefix(registry)}{os.getpid()}-{_began(os.getpid())}"
            try:
                path.mkdir()
            except OSError:
                continue
            with suppress(OSError):
                path.joinpath("cgroup.kill").stat()  # Linux 5.14; without it the group serves nothing
                return cls(path, _limit(path, memory_bytes, processes))
            path.rmdir()
        return None

    def enter(self) -> None:
        """Move this process into the group; its later children are in it, too. Raises OSError."""
        self.path.joinpath("cgroup.procs").write_text("0")

    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a member because of the group's limit."""
        with suppress(OSError):
            events = self.path.joinpath("memory.events").read_text().split()
            return int(dict(zip(events[::2], events[1::2], strict=True)).get("oom_kill", 0)) > 0
        return False

    def end(self) -> None:
        """Kill all members."""
        with suppress(OSError):
            self.path.joinpath("cgroup.kill").write_text("1")


def remove(path: Path) -> None:
    """End all members of a group and remove it; nothing if it is not there. One whose members do not end stays."""
    until = time.monotonic() + _ENDING_SECONDS
    while path.exists() and time.monotonic() < until:
        Cgroup(path, frozenset()).end()
        try:
            path.rmdir()
        except OSError:  # busy: it still has members
            time.sleep(_LOOK_SECONDS)


def sweep(registry: Path) -> None:
    """Remove the groups of a state's processes whose supervisor is gone, if they are where groups are made now."""
    for place in _places():
        for path in place.glob(f"{_prefix(registry)}[0-9]*-*"):
            pid, _, began = path.name.removeprefix(_prefix(registry)).partition("-")
            if _began(int(pid)) != began:
                remove(path)


def _prefix(registry: Path) -> str:
    return f"smfs-{zlib.crc32(os.path.realpath(registry).encode()):08x}-"


def _began(pid: int) -> str:
    """When a process began, in ticks since the boot; empty if it is gone or is over."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    return ""


def _places() -> Iterator[Path]:
    """Where groups may be made."""
    own = _own()
    if own is not None:
        yield from (own.parent, own)


def _own() -> Path | None:
    with suppress(OSError):
        for line in _MEMBERSHIP.read_text().splitlines():
            number, _, path = line.split(":", 2)
            if number == "0":
                groups = [mount / path.lstrip("/") for mount in _MOUNTS]
                return next((group for group in groups if (group / "cgroup.procs").exists()), None)
    return None


def _limit(path: Path, memory_bytes: int | None, processes: int | None) -> frozenset[str]:
    """Write the limits; answer those that the kernel took. Its word for no limit is "max"."""
    wanted = {
        "memory": [("memory.max", memory_bytes), ("memory.oom.group", 1), ("memory.swap.max", 0)],
        "pids": [("pids.max", processes)],
    }
    taken = set()
    for controller, files in wanted.items():
        with suppress(OSError):
            for name, value in files:
                if value is not None and (name not in _OPTIONAL or path.joinpath(name).exists()):
                    file = os.open(path / name, os.O_WRONLY)
                    try:
                        os.write(file, str(value).encode())
                    finally:
                        os.close(file)
            taken.add(controller)
    return frozenset(taken)
