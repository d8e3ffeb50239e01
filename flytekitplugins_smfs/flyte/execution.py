"""Which execution this is: what makes names and owner tags of a local run its own, and found again after a crash."""

from __future__ import annotations

import atexit
import collections
import fcntl
import getpass
import hashlib
import json
import logging
import os
import secrets
import sys
import tempfile
import threading
from pathlib import Path
from typing import TextIO

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_current: LocalExecution | None = None


class LocalExecution:
    """The local execution that this process is.

    A journal file, locked while the process lives, tells a later start of the same command in the same directory
    that this one died; that start then takes up its id, and so finds what it had made.
    """

    def __init__(self, directory: Path) -> None:
        self.pid = os.getpid()
        self.resumed = False
        self._calls: collections.Counter[str] = collections.Counter()
        self._given_up: dict[str, int] = {}
        self._file, self._path, self.id = self._take_up(directory) or self._begin(directory)

    def step(self, task: str) -> str:
        """The next step of this task: its name and how many times it was called before."""
        with _lock:
            index = self._calls[task]
            self._calls[task] += 1
        return f"{task}#{index}"

    def finish(self) -> None:
        """The process ends in good order: nobody has to take it up."""
        if self.pid == os.getpid() and not self._file.closed:
            self._path.unlink(missing_ok=True)
            self._file.close()

    def first_attempt(self, step: str) -> int:
        """The attempt to begin a step with: after those that an earlier start of the command gave up."""
        return self._given_up.get(step, 0)

    def keep(self, step: str, attempt: int) -> None:
        """An attempt was left before its end: let the next start of the same command find what it made, and not take
        up the attempt itself, which was asked to stop."""
        with _lock:
            self._given_up[step] = attempt + 1
            self._write(self._file)
        atexit.unregister(self.finish)

    def _write(self, file: TextIO) -> None:
        file.seek(0)
        file.write(json.dumps({"execution": self.id, "pid": self.pid, "cwd": os.getcwd(), "attempts": self._given_up}))
        file.truncate()
        file.flush()

    def _take_up(self, directory: Path) -> tuple[TextIO, Path, str] | None:
        for path in sorted(directory.glob(f"{_command()}.*.json")):
            file = path.open("r+")
            # A POSIX lock: it ends with the process and is not inherited by children.
            if _locked(file) and path.exists():
                self.resumed = True
                journal = json.loads(file.read())
                self._given_up = dict(journal.get("attempts", {}))
                return file, path, str(journal["execution"])
            file.close()
        return None

    def _begin(self, directory: Path) -> tuple[TextIO, Path, str]:
        token = secrets.token_hex(5)
        self.id = f"local/{_user()}/{token}"
        path = directory / f"{_command()}.{token}.json"
        hidden = path.with_suffix(".new")  # becomes visible only when it is locked and complete
        file = hidden.open("w+")
        _locked(file)
        self._write(file)
        hidden.rename(path)
        return file, path, self.id


def current() -> LocalExecution:
    """This process's execution; begun, or taken up, at the first call."""
    global _current
    with _lock:
        if _current is None or _current.pid != os.getpid():
            _current = LocalExecution(_directory())
            atexit.register(_current.finish)
        return _current


def _directory() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    directory = Path(state) / "smfs" / "runs"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return directory
    except OSError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix="smfs-runs-"))
        _log.warning("%s; a run that is killed cannot be taken up again by the next one.", error)
        return elsewhere


def _command() -> str:
    """What is run and where, as 16 hex digits: arguments may hold what should not lie about in a file."""
    return hashlib.sha256(json.dumps([sys.argv, os.getcwd()]).encode()).hexdigest()[:16]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        return str(os.getuid())


def _locked(file: TextIO) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
