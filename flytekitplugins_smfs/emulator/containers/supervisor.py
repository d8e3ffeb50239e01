"""``supervisor FOLDER REGISTRY``: runs one job process and outlives the server.

It detaches, starts the process described by ``spec.json``, writes each line of its output with the time, enforces the
deadline, the limits and stop requests (SIGTERM, then SIGKILL after the grace), measures what it uses, and leaves
``exit.json``. When the supervisor itself is killed, the kernel kills the process and lets go of the lock. Standard
library only: every job pays for its start.
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

from .. import cgroup
from ..cgroup import Cgroup
from ..files import replace_json
from . import keeper, namespace, network, system, usage
from .meter import Meter
from .output import Output
from .spec import ExitRecord, Folder, ProcessSpec

_CHUNK = 1 << 16
_BYTES_PER_SECOND = 4 << 20
"""As fast as a job may print for long, so that it does not fill the disk. Its writes wait, as on a slow console."""


class Supervisor:
    """One process from its start to its exit record."""

    def __init__(self, folder: Folder, registry: Path) -> None:
        self._folder = folder
        self._spec = ProcessSpec.read(folder.spec)
        self._started = time.time()
        self._reason: str | None = None
        self._kill_at: float | None = None
        self._error: str | None = None
        self._asked_to_stop = False
        self._member: network.Membership | None = None
        self._group = Cgroup.create(registry, self._spec.limits.memory_bytes, self._spec.limits.processes)

    def run(self, ready: int) -> None:
        """Start the process, tell ``ready``, and stay until it has ended."""
        signal.signal(signal.SIGTERM, self._on_term)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        output_read, output_write = os.pipe()
        try:
            system.adopt_orphans()
            if self._spec.isolated:
                self._folder.root.mkdir(exist_ok=True)
                self._member = network.join(Path(self._spec.joins)) if self._spec.joins else None
                namespace.enter(self._member.users if self._member else None)
            shared = self._member.network if self._member else None
            self._pid = keeper.start(self._spec, self._folder.root, output_write, self._group, shared)
        except OSError as error:
            self._end_all()
            self._record(keeper.NOT_STARTED, str(error))
            os.write(ready, b"x")
            return
        os.close(output_write)
        self._meter = Meter(self._pid, self._spec, self._group)
        group = str(self._group.path) if self._group is not None else ""
        replace_json(self._folder.supervisor, {"pid": os.getpid(), "process": self._pid, "group": group})
        os.write(ready, b"x")
        os.close(ready)
        code = self._watch(output_read, wake_read)
        self._note(self._meter.last())
        self._reason = self._reason or self._meter.exceeded
        self._record(code, self._error if self._reason == "Lost" else None)

    def _watch(self, output_read: int, wake_read: int) -> int:
        """Copy output and keep the deadlines until the process is gone; its exit code."""
        output = Output(self._folder.log)
        if self._spec.notice:
            output.feed(f"{self._spec.notice}\n".encode())
        selector = selectors.DefaultSelector()
        selector.register(output_read, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        if self._member is not None:
            selector.register(self._member.connection, selectors.EVENT_READ)
        status = None
        while status is None:
            for key, _ in selector.select(self._patience()):
                data = os.read(key.fd, _CHUNK)
                if self._member is not None and key.fileobj is self._member.connection:
                    selector.unregister(key.fileobj)
                    self._give_up("the job's network was lost")
                elif key.fd == output_read and data:
                    output.feed(data)
                    if len(data) == _CHUNK:
                        time.sleep(_CHUNK / _BYTES_PER_SECOND)
                elif key.fd == output_read:
                    selector.unregister(output_read)
            self._keep_deadlines()
            self._keep_limits()
            status = self._reaped()
        self._end_all()
        os.set_blocking(output_read, False)
        with suppress(BlockingIOError):
            while data := os.read(output_read, _CHUNK):
                output.feed(data)
        output.feed(b"")
        return keeper.exit_code(status)

    def _reaped(self) -> int | None:
        """The keeper's wait status if it has ended. Orphans that came to this process are waited for, too."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == self._pid:
                    return found[1]
        return None

    def _end_all(self) -> None:
        """Kill what is left of the job, whatever it has detached itself from, and wait until it is gone."""
        if self._group is not None:
            self._group.end()
        keeper.end_descendants()
        if self._group is not None:
            if self._group.out_of_memory() and self._reason is None:
                self._reason = "Memory"
            cgroup.remove(self._group.path)

    def _keep_limits(self) -> None:
        """Measure when it is time to, and kill a job that is over a limit."""
        found = self._meter.look()
        if found is not None:
            self._note(found)
        if self._meter.exceeded and self._reason is None:
            self._reason = self._meter.exceeded
            self._kill_at = time.time()
            self._keep_deadlines()

    def _give_up(self, error: str) -> None:
        """End a job that cannot go on, for no fault of its own."""
        self._reason, self._error = self._reason or "Lost", error
        self._kill_at = time.time()

    def _note(self, measured: usage.Usage) -> None:
        with self._folder.usage.open("a") as file:
            file.write(json.dumps(asdict(measured)) + "\n")

    def _patience(self) -> float | None:
        """Seconds until something must be done without an event."""
        due = [self._meter.due, self._kill_at, self._spec.deadline if self._reason is None else None]
        return max(min(when for when in due if when) - time.time(), 0)

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
        replace_json(self._folder.exit, asdict(exited))


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
        Supervisor(folder, Path(sys.argv[2])).run(ready_write)


if __name__ == "__main__":
    main()
