"""A process that outlives the server: started once, found again by its files, and written down to be ended at last."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from .. import processes
from ..files import is_locked

_STARTING_SECONDS = 60
_ROOT = str(Path(__file__).parents[3])
_CLEAN = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""Its environment; a job's is in its spec. Nothing of the server's, and so of the user's, is passed on."""


class NotStarted(Exception):
    """The process could not be started; the text says why."""


@dataclass(frozen=True)
class Detached:
    """A process of ``program`` (a module here), which works in ``folder`` and goes by ``name`` among others.

    It writes ``{"pid": ..., "group": control group, if it has one}`` to ``process``, and holds ``lock`` for as long as
    it lives.
    """

    program: str
    folder: Path
    name: str
    registry: Path
    process: Path
    lock: Path

    def launch(self) -> None:
        """Start it and return when it says that it is ready. Raises NotStarted."""
        with self.folder.joinpath(f"{self.program}.log").open("ab") as log:
            try:
                subprocess.run(
                    self._command(),
                    env=_CLEAN,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    check=True,
                    timeout=_STARTING_SECONDS,
                )
            except subprocess.SubprocessError as error:
                raise NotStarted(f"the {self.program} of {self.name} did not start: {error}") from error

    def _command(self) -> list[str]:
        program = f"flytekitplugins_smfs.emulator.containers.{self.program}"
        return [
            *("nice", "-n", "5"),  # jobs may take the whole machine, but who asks after them is answered first
            sys.executable,
            "-ISc",  # neither the user's variables nor site-packages: the standard library alone, which starts at once
            f"import sys; sys.path.append({_ROOT!r}); from {program} import main; main()",
            str(self.folder),
            str(self.registry),
        ]

    def write_down(self) -> None:
        """Have it ended with all others, if it lives."""
        if self.alive() and not self.registry.joinpath(f"{self.name}.{self.pid()}.json").exists():
            with suppress(psutil.NoSuchProcess):  # it may have ended meanwhile
                processes.record(self.registry, self.name, self.pid(), self._said().get("group", ""))

    def forget(self) -> None:
        """It has ended: what it may have left in its control group ends, too."""
        if self.process.exists():
            said = self._said()
            processes.forget(self.registry, self.name, said["pid"], said.get("group", ""))

    def alive(self) -> bool:
        """Whether it lives."""
        return self.process.exists() and is_locked(self.lock)

    def signal(self, number: int) -> None:
        """Send it a signal; nothing if it is gone."""
        with suppress(ProcessLookupError):
            os.kill(self.pid(), number)

    def pid(self) -> int:
        return int(self._said()["pid"])

    def _said(self) -> dict[str, Any]:
        return dict(json.loads(self.process.read_text()))
