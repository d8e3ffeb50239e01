"""The server's side of a job process: start it, look at it, stop it, read its output. All state is in its folder."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from .. import processes
from ..files import replace_json
from .spec import ExitRecord, Folder
from .usage import Usage

_STARTING_SECONDS = 60
_SUPERVISOR = [
    *("nice", "-n", "5"),  # jobs may take the whole machine, but who asks after them is answered first
    sys.executable,
    "-ISc",  # neither the user's variables nor site-packages: it needs the standard library alone, and starts at once
    f"import sys; sys.path.append({str(Path(__file__).parents[3])!r}); "
    "from flytekitplugins_smfs.emulator.containers.supervisor import main; main()",
]
_CLEAN = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""A supervisor's environment; a job's is in its spec. Nothing of the server's, and so of the user's, is passed on."""


class SandboxError(Exception):
    """The supervisor could not be started."""


class Sandbox:
    """One supervised process. Any number of these may look at one folder; the folder is the truth."""

    def __init__(self, path: Path, name: str, registry: Path) -> None:
        self.folder = Folder(path)
        self._name = name
        self._registry = registry

    def start(self) -> None:
        """Start the process of the folder's spec unless it was started before. Raises SandboxError."""
        if not self.started():
            with self.folder.path.joinpath("supervisor.log").open("ab") as log:
                try:
                    subprocess.run(
                        [*_SUPERVISOR, str(self.folder.path)],
                        env=_CLEAN,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        check=True,
                        timeout=_STARTING_SECONDS,
                    )
                except subprocess.SubprocessError as error:
                    raise SandboxError(f"the supervisor of {self._name} did not start: {error}") from error
        if self.alive() and not self._registry.joinpath(f"{self._name}.{self._pid()}.json").exists():
            with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
                processes.record(self._registry, self._name, self._pid())

    def started(self) -> bool:
        """Whether there was ever a process here."""
        return self.folder.supervisor.exists() or self.folder.exit.exists()

    def alive(self) -> bool:
        """Whether the supervisor lives. The lock cannot lie: the kernel drops it with its holder."""
        if not self.folder.supervisor.exists():
            return False
        with self.folder.lock.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def outcome(self) -> ExitRecord | None:
        """How it ended, or None while it runs. A supervisor that died without a record counts as killed."""
        if self.folder.exit.exists():
            record = ExitRecord(**json.loads(self.folder.exit.read_text()))
        elif self.alive() or self.folder.exit.exists():
            return None
        else:
            record = ExitRecord(137, "Lost", 0.0, self._last_sign(), "the process vanished without an exit record")
        if self.folder.supervisor.exists():
            processes.forget(self._registry, self._name, self._pid())
        return record

    def _last_sign(self) -> float:
        """When there was last a sign of it, in epoch seconds. Nobody knows when it ended."""
        files = (self.folder.supervisor, self.folder.log, self.folder.usage)
        return max((file.stat().st_mtime for file in files if file.exists()), default=time.time())

    def stop(self, reason: str, grace_seconds: float) -> None:
        """Ask for SIGTERM now and SIGKILL after the grace. Does nothing to a process that has ended."""
        if self.folder.exit.exists() or not self.alive():
            return
        replace_json(self.folder.stop, {"reason": reason, "grace_seconds": grace_seconds})
        with suppress(ProcessLookupError):
            os.kill(self._pid(), signal.SIGTERM)

    def lines(self, offset: int) -> Iterator[tuple[int, int, str]]:
        """(offset behind the line, epoch milliseconds, text) of each complete line written since an offset."""
        if not self.folder.log.exists():
            return
        with self.folder.log.open("rb") as log:
            log.seek(offset)
            for line in log:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                stamp, _, text = line[:-1].partition(b" ")
                yield offset, int(stamp), text.decode(errors="replace")

    def usage(self, offset: int) -> Iterator[tuple[int, Usage]]:
        """(offset behind it, measurement) of each measurement written since an offset."""
        with suppress(FileNotFoundError), self.folder.usage.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                offset += len(line)
                yield offset, Usage(**json.loads(line))

    def _pid(self) -> int:
        pid: int = json.loads(self.folder.supervisor.read_text())["pid"]
        return pid
