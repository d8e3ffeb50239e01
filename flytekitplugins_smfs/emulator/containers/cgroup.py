"""A control group of a job's own, where this process may make one (cgroup version 2). Standard library only."""

import os
from contextlib import suppress
from pathlib import Path

from .spec import Limits

_MEMBERSHIP = Path("/proc/self/cgroup")
_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


class Cgroup:
    """A control group. ``controlled`` says which of "memory" and "pids" the kernel limits in it."""

    def __init__(self, path: Path, controlled: frozenset[str]) -> None:
        self.path = path
        self.controlled = controlled

    @classmethod
    def create(cls, name: str, limits: Limits, beside: Path | None = None) -> "Cgroup | None":
        """A new group with limits, or None where none can be made.

        A group that holds processes can have no groups with limits below it: the new one is made beside this process's
        own, else below it (then only to end its members together).
        """
        own = _own() if beside is None else beside
        for parent in (own.parent, own) if own is not None else ():
            path = parent / f"smfs-{name}"
            try:
                path.mkdir()
            except OSError:
                continue
            with suppress(OSError):
                path.joinpath("cgroup.kill").stat()  # Linux 5.14; without it the group serves nothing
                return cls(path, _limit(path, limits))
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
        """Kill all members, and remove the group as soon as it is empty (``remove``)."""
        with suppress(OSError):
            self.path.joinpath("cgroup.kill").write_text("1")

    def remove(self) -> None:
        """Remove the group. One that still has members stays."""
        with suppress(OSError):
            self.path.rmdir()


def _own() -> Path | None:
    with suppress(OSError):
        for line in _MEMBERSHIP.read_text().splitlines():
            number, _, path = line.split(":", 2)
            if number == "0":
                groups = [mount / path.lstrip("/") for mount in _MOUNTS]
                return next((group for group in groups if (group / "cgroup.procs").exists()), None)
    return None


def _limit(path: Path, limits: Limits) -> frozenset[str]:
    """Write the limits; answer those that the kernel took. Its word for no limit is "max"."""
    wanted = {
        "memory": [("memory.max", limits.memory_bytes), ("memory.oom.group", 1)],
        "pids": [("pids.max", limits.processes)],
    }
    taken = set()
    for controller, files in wanted.items():
        with suppress(OSError):
            for name, value in files:
                if value is not None:
                    file = os.open(path / name, os.O_WRONLY)
                    try:
                        os.write(file, str(value).encode())
                    finally:
                        os.close(file)
            taken.add(controller)
    return frozenset(taken)
