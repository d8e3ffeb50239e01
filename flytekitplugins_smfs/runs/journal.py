"""The file by which a later start of the same command finds that an execution died, and what it was."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from flytekitplugins_smfs.places import state_home

_log = logging.getLogger(__name__)
_ours: set[Path] = set()
_lock = threading.Lock()


@dataclass
class Journal:
    """One execution's record, locked for as long as its process lives."""

    path: Path
    file: TextIO
    execution: str
    attempts: dict[str, int] = field(default_factory=dict)
    """Step -> the attempt to begin it with: after those that an earlier start gave up."""
    ending: bool = False
    """Whether the removal of what it made was begun: then it is not taken up, only seen through."""

    def write(self) -> None:
        """Make the file say what this says."""
        fields = {"execution": self.execution, "pid": os.getpid(), "cwd": os.getcwd(), "attempts": self.attempts}
        self.file.seek(0)
        self.file.write(json.dumps({**fields, "ending": self.ending}))
        self.file.truncate()
        self.file.flush()

    def close(self, *, keep: bool = False) -> None:
        """Nobody has to take it up, unless it is kept."""
        with _lock:
            if not self.file.closed:
                if not keep:
                    self.path.unlink(missing_ok=True)
                self.file.close()
            _ours.discard(self.path)


def begin(directory: Path, call: str, execution: str, token: str) -> Journal:
    """A new one. It becomes visible when it is locked and complete."""
    path = directory / f"{command()}.{call}.{token}.json"
    hidden = path.with_suffix(".new")
    file = hidden.open("w+")
    _locked(file)
    journal = Journal(path, file, execution)
    journal.write()
    with _lock:
        _ours.add(path)
    hidden.rename(path)
    return journal


def dead(directory: Path, call: str, *, first: bool) -> Iterator[Journal]:
    """Those that a dead process left of this call of this command; each is locked, for the caller to close.

    The `first` call of a process is also that of a release that kept one for each process.
    """
    patterns = [f"{command()}.{call}.*.json", *([f"{command()}.*.json"] if first else [])]
    for path in sorted({path for pattern in patterns for path in directory.glob(pattern)}):
        parts = path.name.split(".")
        if len(parts) == 4 and parts[1] != call:
            continue
        journal = _taken(path)
        if journal is not None:
            yield journal


def _taken(path: Path) -> Journal | None:
    with _lock:  # opening and closing one of our own would give up its lock
        if path in _ours:
            return None
        try:
            file = path.open("r+")
        except OSError:
            return None
        if not (_locked(file) and path.exists()):
            file.close()
            return None
        _ours.add(path)
    journal = _read(path, file)
    if journal is None:
        _set_aside(path, file)
    return journal


def _read(path: Path, file: TextIO) -> Journal | None:
    try:
        fields: Any = json.loads(file.read())
        attempts = {str(step): int(number) for step, number in dict(fields.get("attempts", {})).items()}
        execution = fields["execution"]
        known = isinstance(execution, str) and execution
        return Journal(path, file, execution, attempts, bool(fields.get("ending", False))) if known else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _set_aside(path: Path, file: TextIO) -> None:
    aside = path.with_suffix(".unreadable")
    _log.warning("%s cannot be read; it is set aside as %s. `smfs ls` shows what is left of its run.", path, aside.name)
    path.rename(aside)
    file.close()
    with _lock:
        _ours.discard(path)


def command() -> str:
    """What is run and where, as 16 hex digits: arguments may hold what should not lie about in a file."""
    return digest([sys.argv, os.getcwd()])


def digest(plain: Any) -> str:
    """16 hex digits of plain data."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:16]


def new_token() -> str:
    """Ten hex digits that no other execution has."""
    return secrets.token_hex(5)


def directory() -> Path:
    """Where journals lie."""
    found = state_home() / "smfs" / "runs"
    try:
        found.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=found):
            return found
    except OSError as error:
        elsewhere = Path(tempfile.mkdtemp(prefix="smfs-runs-"))
        _log.warning("%s; a run that is killed cannot be taken up again by the next one.", error)
        return elsewhere


def _locked(file: TextIO) -> bool:
    """A POSIX lock: it ends with the process and is not inherited by children."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
