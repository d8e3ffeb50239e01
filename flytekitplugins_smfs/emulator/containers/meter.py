"""When a job's use of the machine is looked at, and whether it is over a limit. Standard library only."""

import math
import resource
import time

from ..cgroup import Cgroup
from . import usage
from .spec import ProcessSpec

_LOOK_SECONDS = 0.5
_NOTE_SECONDS = 60.0
"""SageMaker's metrics of an instance have a point a minute."""
_SHARE_OF_TIME = 0.02
"""Of all time, spent with measuring at most: large trees of files are looked at less often."""


class Meter:
    """Measures the descendants of a process and the directories of its volume."""

    def __init__(self, pid: int, spec: ProcessSpec, group: Cgroup | None) -> None:
        self._pid = pid
        self._volume = spec.volume
        self._limits = spec.limits
        self._by_kernel = group.controlled if group is not None else frozenset()
        self._started = self._noted = time.time()
        self._cpu = self._cpu_noted = 0.0
        self._latest = usage.Usage(0, 0.0, 0, 0, 0)
        self._disk_due = self._started
        self.due = self._started + _LOOK_SECONDS
        self.exceeded: str | None = None
        """The limit that the job is over: "Memory", "Processes" or "Disk"."""

    def look(self) -> usage.Usage | None:
        """Measure if it is time to; the answer is a measurement that is to be kept, once a minute."""
        began = time.time()
        if began < self.due:
            return None
        self._measure(began)
        self.due = time.time() + max(_LOOK_SECONDS, (time.time() - began) / _SHARE_OF_TIME)
        if began - self._noted < _NOTE_SECONDS:
            return None
        return self._noted_at(began)

    def last(self) -> usage.Usage:
        """The measurement at the end: all processor time there was since the last one, and what is on disk."""
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._cpu = max(self._cpu, spent.ru_utime + spent.ru_stime)
        disk = usage.allocated(self._volume)
        memory = max(self._latest.memory_bytes, 0) or spent.ru_maxrss << 10
        self._latest = usage.Usage(0, 0.0, memory, disk, self._latest.processes)
        self._check(disk=disk)
        return self._noted_at(time.time())

    def _measure(self, now: float) -> None:
        pids = usage.descendants(self._pid)
        self._cpu = max(self._cpu, usage.cpu_seconds([self._pid, *pids]))
        memory = usage.memory(pids, None if "memory" in self._by_kernel else self._limits.memory_bytes)
        disk = self._latest.disk_bytes
        if now >= self._disk_due:
            disk = usage.allocated(self._volume)
            self._disk_due = time.time() + (time.time() - now) / _SHARE_OF_TIME
        self._latest = usage.Usage(int(now * 1000), 0.0, memory, disk, len(pids))
        self._check(memory, len(pids), disk)

    def _check(self, memory: int = 0, processes: int = 0, disk: int = 0) -> None:
        limits = self._limits
        over = {
            "Memory": "memory" not in self._by_kernel and memory > (limits.memory_bytes or math.inf),
            "Processes": "pids" not in self._by_kernel and processes > (limits.processes or math.inf),
            "Disk": disk > (limits.disk_bytes or math.inf),
        }
        self.exceeded = self.exceeded or next((name for name, is_over in over.items() if is_over), None)

    def _noted_at(self, now: float) -> usage.Usage:
        percent = 100 * (self._cpu - self._cpu_noted) / max(now - self._noted, 0.001)
        self._noted, self._cpu_noted = now, self._cpu
        latest = self._latest
        return usage.Usage(int(now * 1000), percent, latest.memory_bytes, latest.disk_bytes, latest.processes)
