"""The process groups that outlive the server: each leaves a JSON file under ``<state>/processes`` and is found by it.

The file is ``{"name": job name, "pid": leader of the group, "started": epoch seconds, "identity": ...}``. The identity
tells a living process from another that got its number later, also where somebody has set the clock meanwhile.
"""

import json
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from . import cgroup
from .files import replace_json

log = logging.getLogger(__name__)

_CLOCK_TOLERANCE = 0.05


@dataclass(frozen=True)
class ProcessGroup:
    """A recorded group: the name it goes by, the pid of its leader and when that was created (epoch seconds)."""

    name: str
    pid: int
    started: float
    identity: str = ""
    group: str = ""
    """Its control group, if it has one."""

    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            same = identity(self.pid) == self.identity if self.identity else self._began_then(process)
            return same and not has_ended(process)
        except psutil.NoSuchProcess:
            return False

    def _began_then(self, process: psutil.Process) -> bool:
        """For records of earlier versions."""
        return abs(process.create_time() - self.started) < _CLOCK_TOLERANCE


def identity(pid: int) -> str:
    """What tells a process from all that had or will have its number: the boot, and when it began by its own clock.

    Raises psutil.NoSuchProcess.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}:{fields[19]}"
    except (FileNotFoundError, ProcessLookupError, NotADirectoryError):
        return str(psutil.Process(pid).create_time())  # not Linux, or no such process


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or only waits for a parent to take notice."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def record(directory: Path, name: str, pid: int, group: str = "") -> ProcessGroup:
    """Write down a group whose leader is ``pid``. ``forget`` it when it has ended."""
    recorded = ProcessGroup(name, pid, psutil.Process(pid).create_time(), identity(pid), group)
    replace_json(_file(directory, name, pid), recorded.__dict__)
    return recorded


def forget(directory: Path, name: str, pid: int, group: str = "") -> None:
    """Remove the record of a group that has ended, and its control group with whatever still runs there."""
    if group:
        cgroup.remove(Path(group))
    _file(directory, name, pid).unlink(missing_ok=True)


def live(directory: Path) -> list[ProcessGroup]:
    """The recorded groups whose leader lives."""
    return [group for group in _recorded(directory) if group.alive()]


def kill_all(directory: Path, deadline_seconds: float = 10.0) -> list[ProcessGroup]:
    """SIGKILL every recorded group and wait until all are gone. Returns those that are not."""
    victims = live(directory)
    for group in victims:
        for process in _family(group):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group.pid, signal.SIGKILL)
    until = time.monotonic() + deadline_seconds
    while any(group.alive() for group in victims) and time.monotonic() < until:
        time.sleep(0.02)
    remaining = [group for group in victims if group.alive()]
    for group in victims:
        if group not in remaining:
            forget(directory, group.name, group.pid, group.group)
    sweep(directory)
    return remaining


def sweep(directory: Path) -> None:
    """End what is left of groups whose leader was lost. Their records stay for who asks after them."""
    for group in _recorded(directory):
        if group.group and not group.alive():
            cgroup.remove(Path(group.group))
    cgroup.sweep(directory)


def _family(group: ProcessGroup) -> list[psutil.Process]:
    try:
        leader = psutil.Process(group.pid)
        return [*leader.children(recursive=True), leader]
    except psutil.NoSuchProcess:
        return []


def _file(directory: Path, name: str, pid: int) -> Path:
    return directory / f"{name}.{pid}.json"


def _recorded(directory: Path) -> Iterator[ProcessGroup]:
    for file in sorted(directory.glob("*.json")):
        try:
            yield ProcessGroup(**json.loads(file.read_text()))
        except FileNotFoundError:
            continue
        except (ValueError, TypeError) as problem:
            log.error("%s is damaged, its processes cannot be found by it: %s", file, problem)
