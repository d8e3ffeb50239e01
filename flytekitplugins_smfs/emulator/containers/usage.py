"""What a job uses, measured from /proc and its directories. Standard library only: every supervisor loads it."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_BLOCK = 512
"""Bytes in st_blocks, whatever the file system's own blocks are."""


@dataclass(frozen=True)
class Usage:
    """A measurement. CPU is the percentage of one processor (200 for two), the others are bytes; time in ms."""

    time: int
    cpu_percent: float
    memory_bytes: int
    disk_bytes: int
    processes: int


def descendants(pid: int) -> list[int]:
    """All living descendants of a process, parents first. Those that end meanwhile may be among them."""
    found: list[int] = []
    pending = [pid]
    while pending:
        children = list(_children(pending.pop()))
        found += children
        pending += children
    return found


def memory(pids: Iterable[int], limit: int | None) -> int:
    """Bytes that processes hold in memory.

    Counted is what is resident, and what they share for each of them: only when that is over the limit is it worth the
    time to count shared pages once.
    """
    pids = list(pids)
    resident = sum(_resident(pid) for pid in pids)
    return resident if limit is None or resident <= limit else sum(_proportional(pid) for pid in pids)


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of processes and of the children they have waited for."""
    total = 0
    for pid in pids:
        total += sum(int(number) for number in _stat(pid)[11:15])
    return total / _TICKS


def allocated(directories: Iterable[str]) -> int:
    """Bytes of disk that everything below some directories takes; a file with several names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    pending = list(directories)
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                with suppress(OSError):  # it went meanwhile
                    status = entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif status.st_nlink > 1:
                        if (status.st_dev, status.st_ino) in seen:
                            continue
                        seen.add((status.st_dev, status.st_ino))
                    total += status.st_blocks * _BLOCK
    return total


def _children(pid: int) -> Iterator[int]:
    """From the kernel's own list; by looking at every process where it has none (CONFIG_PROC_CHILDREN)."""
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(ProcessLookupError), open(f"/proc/{pid}/task/{task}/children") as file:
                yield from map(int, file.read().split())
    except FileNotFoundError:
        if os.path.isdir(f"/proc/{pid}"):
            yield from (other for other in _all() if _stat(other)[1:2] == [str(pid)])


def _all() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _stat(pid: int) -> list[str]:
    """The fields of /proc/pid/stat from the third on (state, parent, ...); empty if it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _resident(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * _PAGE if fields else 0


def _proportional(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next((int(line.split()[1]) << 10 for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return _resident(pid)
