"""A container job: what stands between a request of any service and the processes that carry it out.

A service says what is to run, where, with what mounted and what kept; this module says how that is done on this
machine: in a root of its own where the system allows it, at real paths where it does not.
"""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import environment, walls
from .environment import Image
from .pip_settings import PipSettings
from .routes import Route
from .sandbox import Sandbox
from .spec import Bind, Limits, ProcessSpec

FILES = "/opt/ml"
"""What a container of SageMaker has its inputs and outputs below."""
_ENVIRONMENT, _HOME, _TEMPORARY = "/opt/environment", "/root", "/tmp"
_PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NETWORK = "network"
"""The folder of the network that the hosts of a job share, in the directory of the job."""
OWN_DIRECTORIES = {"ml": FILES, "home": _HOME, "tmp": _TEMPORARY, "environment": _ENVIRONMENT}
"""The directories of a host, and where a job with a root of its own sees them."""
_PASSED = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
"""Of the server's variables. How this machine's programs work at all; nothing that is the user's."""


@dataclass(frozen=True)
class Host:
    """One container of a job: its name, and the address the others reach it at."""

    name: str
    address: str = "127.0.0.1"


@dataclass(frozen=True)
class Mount:
    """A directory of this machine that a host sees below ``/opt/ml``. With ``below`` the source is a path in that."""

    source: str
    target: str
    read_only: bool
    below: str | None = None

    @property
    def place(self) -> Path:
        return Path(self.below or "/", self.source.lstrip("/"))


@dataclass(frozen=True)
class Output:
    """A directory below ``/opt/ml`` that goes to S3: at the end, or (``continuous``) as it changes.

    What is ``of_success`` is kept only of a job that has not failed, but then also if it is empty.
    """

    folder: str
    url: str
    continuous: bool = False
    of_success: bool = False


@dataclass(frozen=True)
class Software:
    """What runs in the hosts. This interpreter (``sys.executable``) stands for that of the job's own environment."""

    command: list[str]
    image: Image


@dataclass(frozen=True)
class ContainerJob:
    """What a job is to the machine, whatever ``Software`` it runs.

    ``directory`` is where everything of it lies on this machine; a host has a directory in it.

    ``mounts`` and ``log_streams`` (of ``log_group``) are by host name. A host that listens at all ``ports`` is ready.
    With ``routes`` the hosts share a network of their own, from which they reach these servers and nothing else.
    ``deadline`` is an epoch time of the machine's clock, None for a service that runs until it is stopped.
    """

    name: str
    directory: Path
    hosts: tuple[Host, ...]
    role: str
    environment: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, list[Mount]] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    ports: tuple[int, ...] = ()
    log_group: str = ""
    log_streams: dict[str, str] = field(default_factory=dict)
    deadline: float | None = None
    grace_seconds: float = 120.0
    limits: Limits = field(default_factory=Limits)
    network: bool = True
    routes: tuple[Route, ...] | None = None

    def files(self, host: str) -> Path:
        """What a host sees as ``/opt/ml``, on this machine."""
        return self.directory / host / "ml"

    def sandbox(self, host: str, registry: Path) -> Sandbox:
        """The process of a host."""
        return Sandbox(self.directory / host, self.name, registry)

    def is_ready(self, host: Host, registry: Path) -> bool:
        """Whether a host runs, and listens at all of the job's ports."""
        return self.sandbox(host.name, registry).listens(host.address, self.ports)


@dataclass(frozen=True)
class Place:
    """Where a job finds its files: in a root of its own, or at the paths that this machine has them at."""

    isolated: bool
    directory: Path

    def shown(self, own: str) -> str:
        """The path of a host's directory ("ml", "home", "tmp", "environment") as the job has it."""
        return OWN_DIRECTORIES[own] if self.isolated else str(self.directory / own)

    @property
    def python(self) -> str:
        """The job's interpreter."""
        return f"{self.shown('environment')}/bin/python"


def prepare(job: ContainerJob, software: Software, host: Host, isolated: bool, pip: PipSettings) -> ProcessSpec:
    """Make a host's directories and its Python environment; what its supervisor is to do. ``FILES`` may be there."""
    place = Place(isolated, job.directory / host.name)
    for name in ("ml", "home", "tmp"):
        (place.directory / name).mkdir(parents=True, exist_ok=True)
    environment.make(place.directory / "environment", place.shown("environment"), software.image)
    if pip.configuration:
        (place.directory / "environment/pip.conf").write_text(pip.configuration)
    mounts = job.mounts.get(host.name, [])
    image = [*software.image.readable, *pip.readable]
    own = [place.shown(name) for name in OWN_DIRECTORIES]
    return ProcessSpec(
        command=[place.python if part == sys.executable else part for part in software.command],
        environment={**_variables(software, place, pip), **job.environment},
        directory=place.shown("ml"),
        binds=_binds(job, place, mounts) if isolated else [],
        isolated=isolated,
        network=job.network,
        joins=str(job.directory / NETWORK) if job.routes is not None else None,
        deadline=job.deadline,
        grace_seconds=job.grace_seconds,
        readable=walls.readable(image if isolated else [*image, *_places(mounts, read_only=True)]),
        writable=walls.writable([*own, *_seen(mounts, isolated)], isolated),
        volume=[str(place.directory / name) for name in OWN_DIRECTORIES],
        limits=job.limits,
        hostname=host.name,
        notice=walls.notice(walls.available(), isolated),
    )


def _binds(job: ContainerJob, place: Place, mounts: list[Mount]) -> list[Bind]:
    own = [Bind(str(place.directory / name), target) for name, target in OWN_DIRECTORIES.items()]
    hosts = Bind(str(_hosts_file(job)), "/etc/hosts", read_only=True)
    given = [Bind(mount.source, mount.target, mount.read_only, mount.below) for mount in mounts]
    return [*own, Bind(str(place.directory / "tmp"), "/var/tmp"), hosts, *given]


def _seen(mounts: list[Mount], isolated: bool) -> list[str]:
    """The mounts that a job writes to, as it has them."""
    if not isolated:
        return _places(mounts, read_only=False)
    return [mount.target for mount in mounts if not mount.read_only]


def _places(mounts: list[Mount], read_only: bool) -> list[str]:
    return [str(mount.place) for mount in mounts if mount.read_only == read_only]


def _variables(software: Software, place: Place, pip: PipSettings) -> dict[str, str]:
    """What every container has; a job's own variables come on top."""
    own = place.shown("environment")
    return {
        **{name: os.environ[name] for name in _PASSED if name in os.environ},
        **pip.environment,
        "HOME": place.shown("home"),
        "TMPDIR": place.shown("tmp"),
        "USER": "root",
        "VIRTUAL_ENV": own,
        "PATH": os.pathsep.join([f"{own}/bin", *software.image.programs, _PROGRAMS]),
        "PYTHONUNBUFFERED": "1",
        "GIT_CONFIG_NOSYSTEM": "1",  # which it may not read, and git would end for that
    }


def _hosts_file(job: ContainerJob) -> Path:
    """The job's ``/etc/hosts``: a name for each host of the job and each server it reaches, and the machine's own."""
    lines = [f"{host.address} {host.name}" for host in job.hosts]
    lines += sorted({f"{route.address} {route.host}" for route in job.routes or () if route.named})
    path = job.directory / "hosts"
    system = Path("/etc/hosts")
    path.write_text("\n".join([*lines, system.read_text() if system.exists() else "127.0.0.1 localhost", ""]))
    return path
