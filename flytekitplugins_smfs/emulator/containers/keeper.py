"""The process between a supervisor and a job's command: it sets the stage, raises the walls and reaps orphans."""

import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path

from ..cgroup import Cgroup
from . import landlock, namespace, system, usage
from .spec import Limits, ProcessSpec

NOT_STARTED = 125
_NOT_FOUND = 127
_ORPHANED = signal.SIGUSR2


def start(spec: ProcessSpec, root: Path, output: int, group: Cgroup | None, network: int | None = None) -> int:
    """Fork the keeper: process 1 of its namespace where it has one. When it dies, all below it die.

    ``network`` is a namespace that it shares with others. Answers its pid when the command runs. Raises OSError when it
    cannot be started.
    """
    setup_read, setup_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(setup_read)
        _keep(spec, root, output, setup_write, group, network)
    os.close(setup_write)
    with os.fdopen(setup_read, "rb") as setup:
        problem = setup.read().decode()
    if problem:
        os.waitpid(pid, 0)
        raise OSError(problem)
    return pid


def end_descendants() -> None:
    """Kill all that came from this process, which adopts orphans, and wait until they are gone."""
    while left := usage.descendants(os.getpid()):
        for pid in left:
            _signal(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def exit_code(status: int) -> int:
    """What a shell says of a wait status: 128 + n for a death by signal n."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _keep(spec: ProcessSpec, root: Path, output: int, setup: int, group: Cgroup | None, network: int | None) -> None:
    """In the keeper: set the stage, run the command, pass SIGTERM on, reap orphans, exit as the command did."""
    try:
        if spec.isolated:  # then it is process 1, which takes all others along
            system.die_with_parent()
        else:
            system.adopt_orphans()
            signal.signal(_ORPHANED, _on_orphaned)
            system.die_with_parent(_ORPHANED)
        if group is not None:
            group.enter()
        if spec.isolated:
            namespace.separate(spec.network, network)
            if spec.hostname:
                socket.sethostname(spec.hostname)
            namespace.arrange(root, spec.readable, spec.binds)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        command = os.fork()
    except OSError as error:
        os.write(setup, str(error).encode() or b"unknown")
        os._exit(NOT_STARTED)
    if command == 0:
        _execute(spec, setup)
    os.close(setup)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, lambda *_: _signal(command, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == command:
            with suppress(ProcessLookupError):
                os.killpg(command, signal.SIGKILL)
            os._exit(exit_code(status))


def _on_orphaned(*_: object) -> None:
    """The supervisor is gone: nobody else would end what the job has started."""
    end_descendants()
    os._exit(128 + signal.SIGKILL)


def _execute(spec: ProcessSpec, setup: int) -> None:
    """In the command's process: raise the walls, and become it."""
    try:
        os.setsid()
        system.die_with_parent()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, _ORPHANED, signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        _limit(spec.limits)
        system.drop_privileges()
        if spec.walled and landlock.version():
            # A root of the job's own holds nothing that it may not read.
            readable = ["/"] if spec.isolated else [*spec.readable, "/proc", "/sys"]
            landlock.restrict(readable, spec.writable, spec.network)
    except (OSError, ValueError) as error:
        os.write(setup, f"{error}".encode() or b"unknown")
        os._exit(NOT_STARTED)
    try:
        os.chdir(spec.directory)
        os.execvpe(spec.command[0], spec.command, spec.environment)
    except OSError as error:
        os.write(2, f"{spec.command[0]}: {error.strerror}\n".encode())
    os._exit(_NOT_FOUND)


def _limit(limits: Limits) -> None:
    """The limits that the kernel keeps for each process, and no memory images of crashed ones."""
    wanted = {
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        if value is not None:
            most = resource.getrlimit(kind)[1]
            least = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.setrlimit(kind, (least, least))


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
