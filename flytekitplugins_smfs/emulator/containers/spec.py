"""What the server tells a supervisor, and what the supervisor leaves behind. Standard library only."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..files import replace_json


@dataclass(frozen=True)
class Bind:
    """A directory (or file) of the machine that appears at another place inside the job.

    With ``below`` the source is a path below that directory, and reached without following a link.
    """

    source: str
    target: str
    read_only: bool = False
    below: str | None = None


@dataclass(frozen=True)
class Limits:
    """What a job may use. None is no limit.

    Processes, memory and disk are of the whole job; open files, CPU time and a file's size of each process.
    """

    memory_bytes: int | None = None
    processes: int | None = None
    disk_bytes: int | None = None
    open_files: int | None = None
    cpu_seconds: int | None = None
    file_bytes: int | None = None


@dataclass(frozen=True)
class ProcessSpec:
    """One container: what to run, where its ``/opt/ml`` lies, what it may touch and use, and when it must end.

    ``isolated`` asks for a private mount and process namespace; without it nothing is mounted and the environment
    variables must carry the real paths. Without ``network`` an isolated job has only a loopback interface of its own;
    ``joins`` is the directory of a network that it shares with the other hosts of its job.
    ``readable`` and ``writable`` are paths as the job sees them, for the walls of ``containers.walls``. ``volume`` are
    the directories whose disk space is the job's. ``notice`` is the first line of the log. ``deadline`` is an epoch
    time.
    """

    command: list[str]
    environment: dict[str, str]
    directory: str
    binds: list[Bind] = field(default_factory=list)
    isolated: bool = True
    network: bool = True
    joins: str | None = None
    deadline: float | None = None
    grace_seconds: float = 120.0
    readable: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)
    walled: bool = True
    volume: list[str] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    hostname: str | None = None
    notice: str | None = None

    def write(self, path: Path) -> None:
        replace_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> "ProcessSpec":
        values = json.loads(path.read_text())
        binds = [Bind(**bind) for bind in values["binds"]]
        return cls(**{**values, "binds": binds, "limits": Limits(**values["limits"])})


@dataclass(frozen=True)
class ExitRecord:
    """How a process ended. ``code`` is 128 + n for a death by signal n; ``error`` says why it could not be started.

    ``reason`` is what ended it: ``Exited`` (by itself), ``Deadline``, the limit that it went over (``Memory``,
    ``Processes``, ``Disk``), the reason given with a stop request, or ``Lost`` where nobody wrote a record: then
    ``ended`` is the time of its last sign.
    """

    code: int
    reason: str
    started: float
    ended: float
    error: str | None = None


@dataclass(frozen=True)
class Folder:
    """The directory of one supervised process and the files in it."""

    path: Path

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def lock(self) -> Path:
        """Held for as long as the supervisor lives: the kernel lets it go whatever kills the supervisor."""
        return self.path / "lock"

    @property
    def supervisor(self) -> Path:
        return self.path / "supervisor.json"

    @property
    def stop(self) -> Path:
        return self.path / "stop.json"

    @property
    def exit(self) -> Path:
        return self.path / "exit.json"

    @property
    def root(self) -> Path:
        """An empty directory: where the job's own root is mounted, in its namespace."""
        return self.path / "root"

    @property
    def usage(self) -> Path:
        """One line of JSON per measurement: ``Usage`` of ``containers.usage``."""
        return self.path / "usage.log"

    @property
    def log(self) -> Path:
        """One line per line of output, each after its time in epoch milliseconds and a blank."""
        return self.path / "output.log"
