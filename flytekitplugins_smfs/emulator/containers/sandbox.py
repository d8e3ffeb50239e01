"""The server's side of a job process: start it, look at it, stop it, read its output. All state is in its folder."""

import json
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..files import replace_json
from .detached import Detached
from .listening import listening
from .spec import ExitRecord, Folder
from .usage import Usage


class Sandbox:
    """One supervised process. Any number of these may look at one folder; the folder is the truth."""

    def __init__(self, path: Path, name: str, registry: Path) -> None:
        self.folder = folder = Folder(path)
        self._supervisor = Detached("supervisor", path, name, registry, folder.supervisor, folder.lock)

    def start(self) -> None:
        """Start the process of the folder's spec unless it was started before. Raises NotStarted."""
        if not self.started():
            self._supervisor.launch()
        self._supervisor.write_down()

    def started(self) -> bool:
        """Whether there was ever a process here."""
        return self.folder.supervisor.exists() or self.folder.exit.exists()

    def alive(self) -> bool:
        """Whether the supervisor lives."""
        return self._supervisor.alive()

    def outcome(self) -> ExitRecord | None:
        """How it ended, or None while it runs. A supervisor that died without a record counts as killed."""
        if self.folder.exit.exists():
            record = ExitRecord(**json.loads(self.folder.exit.read_text()))
        elif self.alive() or self.folder.exit.exists():
            return None
        else:
            record = ExitRecord(137, "Lost", 0.0, self._last_sign(), "the process vanished without an exit record")
        self._supervisor.forget()
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
        self._supervisor.signal(signal.SIGTERM)

    def listens(self, address: str, ports: Iterable[int]) -> bool:
        """Whether it runs, and somebody in its network listens at all of these ports of an IPv4 address."""
        if not self.alive():
            return False
        process = json.loads(self.folder.supervisor.read_text())["process"]
        return set(ports) <= set(listening(process, address))

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
