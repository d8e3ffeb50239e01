"""``python -m ...emulator.containers.supervisor FOLDER``: runs one job process and outlives the server.

It detaches, starts the process described by ``spec.json``, writes each line of its output with the time, enforces the
deadline and stop requests (SIGTERM, then SIGKILL after the grace), and leaves ``exit.json``. When the supervisor itself
is killed, the kernel kills the process and lets go of the lock. Standard library only: every job pays for its start.
"""

import fcntl
import json
import os
import selectors
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from . import namespace
from .spec import ExitRecord, Folder, ProcessSpec, write_json

_NOT_STARTED = 125
_NOT_FOUND = 127
_CHUNK = 1 << 16
_BYTES_PER_SECOND = 4 << 20
"""As fast as a job may print for long, so that it does not fill the disk. Its writes wait, as on a slow console."""
_LONGEST_LINE = 200_000
"""Bytes; CloudWatch cuts events at 256 KB."""


class Output:
    """The process's output, cut into lines and written with the time each was read."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Write the complete lines; keep the rest. Empty data means the end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > _LONGEST_LINE):
            lines.append(self._rest)
            self._rest = b""
        stamp = b"%d " % (time.time() * 1000)
        self._file.write(b"".join(stamp + line.rstrip(b"\r")[:_LONGEST_LINE] + b"\n" for line in lines))


class Supervisor:
    """One process from its start to its exit record."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._spec = ProcessSpec.read(folder.spec)
        self._started = time.time()
        self._reason: str | None = None
        self._kill_at: float | None = None
        self._asked_to_stop = False

    def run(self, ready: int) -> None:
        """Start the process, tell ``ready``, and stay until it has ended."""
        signal.signal(signal.SIGTERM, self._on_term)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        output_read, output_write = os.pipe()
        try:
            if self._spec.isolated:
                namespace.enter(self._spec.network)
            self._pid = _start(self._spec, output_write)
        except OSError as error:
            self._record(_NOT_STARTED, str(error))
            os.write(ready, b"x")
            return
        os.close(output_write)
        write_json(self._folder.supervisor, {"pid": os.getpid(), "process": self._pid, "started": self._started})
        os.write(ready, b"x")
        os.close(ready)
        self._record(self._watch(output_read, wake_read))

    def _watch(self, output_read: int, wake_read: int) -> int:
        """Copy output and keep the deadlines until the process is gone; its exit code."""
        output = Output(self._folder.log)
        selector = selectors.DefaultSelector()
        selector.register(output_read, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        status = None
        while status is None:
            for key, _ in selector.select(self._patience()):
                data = os.read(key.fd, _CHUNK)
                if key.fd == output_read and data:
                    output.feed(data)
                    if len(data) == _CHUNK:
                        time.sleep(_CHUNK / _BYTES_PER_SECOND)
                elif key.fd == output_read:
                    selector.unregister(output_read)
            self._keep_deadlines()
            pid, found = os.waitpid(self._pid, os.WNOHANG)
            status = found if pid else None
        os.set_blocking(output_read, False)
        with suppress(BlockingIOError):
            while data := os.read(output_read, _CHUNK):
                output.feed(data)
        output.feed(b"")
        return _exit_code(status)

    def _patience(self) -> float | None:
        """Seconds until something must be done without an event."""
        due = [when for when in (self._kill_at, self._spec.deadline if self._reason is None else None) if when]
        return max(min(due) - time.time(), 0) if due else None

    def _keep_deadlines(self) -> None:
        now = time.time()
        if self._asked_to_stop:
            self._asked_to_stop = False
            request = json.loads(self._folder.stop.read_text()) if self._folder.stop.exists() else {}
            self._terminate(request.get("reason", "Stopped"), request.get("grace_seconds", self._spec.grace_seconds))
        if self._reason is None and self._spec.deadline and now >= self._spec.deadline:
            self._terminate("Deadline", self._spec.grace_seconds)
        if self._kill_at is not None and now >= self._kill_at:
            os.kill(self._pid, signal.SIGKILL)
            self._kill_at = now + 1

    def _terminate(self, reason: str, grace_seconds: float) -> None:
        """Send SIGTERM and set the time of SIGKILL; a second request can only shorten the grace."""
        kill_at = time.time() + grace_seconds
        if self._reason is None:
            self._reason = reason
            os.kill(self._pid, signal.SIGTERM)
        self._kill_at = min(kill_at, self._kill_at or kill_at)

    def _on_term(self, *_: object) -> None:
        self._asked_to_stop = True

    def _record(self, code: int, error: str | None = None) -> None:
        exited = ExitRecord(code, self._reason or "Exited", self._started, time.time(), error)
        write_json(self._folder.exit, asdict(exited))


def _start(spec: ProcessSpec, output: int) -> int:
    """Fork the process's keeper: process 1 of its namespace where it has one. When it dies, all below it die."""
    setup_read, setup_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(setup_read)
        _keep(spec, output, setup_write)
    os.close(setup_write)
    with os.fdopen(setup_read, "rb") as setup:
        problem = setup.read().decode()
    if problem:
        os.waitpid(pid, 0)
        raise OSError(problem)
    return pid


def _keep(spec: ProcessSpec, output: int, setup: int) -> None:
    """In the keeper: set the stage, run the command, pass SIGTERM on, reap orphans, exit as the command did."""
    try:
        namespace.die_with_parent()
        if spec.isolated:
            namespace.arrange(spec.binds)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        command = os.fork()
    except OSError as error:
        os.write(setup, str(error).encode() or b"unknown")
        os._exit(_NOT_STARTED)
    if command == 0:
        _execute(spec)
    os.close(setup)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, lambda *_: _signal(command, signal.SIGTERM))
    while True:
        pid, status = os.wait()
        if pid == command:
            with suppress(ProcessLookupError):
                os.killpg(command, signal.SIGKILL)
            os._exit(_exit_code(status))


def _execute(spec: ProcessSpec) -> None:
    """In the command's process: become it."""
    try:
        os.setsid()
        namespace.die_with_parent()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(spec.directory)
        os.execvpe(spec.command[0], spec.command, spec.environment)
    except OSError as error:
        os.write(2, f"{spec.command[0]}: {error.strerror}\n".encode())
    os._exit(_NOT_FOUND)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main() -> None:
    """Detach; return to the caller once the process runs or has failed to start."""
    folder = Folder(Path(sys.argv[1]))
    ready_read, ready_write = os.pipe()
    if os.fork() != 0:
        os.close(ready_write)
        os.read(ready_read, 1)
        os._exit(0)
    os.setsid()
    with folder.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Supervisor(folder).run(ready_write)


if __name__ == "__main__":
    main()
