"""Where everything of one embedded account lies on disk."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..places import state_home

_OWN = (
    "buckets",
    "filesystems",
    "jobs",
    "keys.db",
    "objects",
    "processes",
    "state.db",
    "calls.db",
    "settings.",
    "images",
    "sagemaker.yaml",
    "server.",
    "s3.log",
    "rclone.",
    "forgotten.",
)
"""How the names of all that belongs to the state begin."""


def default_state() -> Path:
    """``$SMFS_EMULATOR_STATE``, or ``smfs-emulator`` where the user's state is."""
    named = os.environ.get("SMFS_EMULATOR_STATE")
    return Path(named) if named else state_home() / "smfs-emulator"


@dataclass(frozen=True)
class Paths:
    """The state directory and its rooms. ``create`` makes them."""

    state: Path

    @property
    def buckets(self) -> Path:
        """Where versions up to 0.2 kept S3's objects: a directory per bucket, a file per object."""
        return self.state / "buckets"

    @property
    def objects(self) -> Path:
        """The store of S3's objects; see the room of that name."""
        return self.state / "objects"

    @property
    def keys(self) -> Path:
        """The table of access keys."""
        return self.state / "keys.db"

    @property
    def filesystems(self) -> Path:
        """One directory per file system, named by its id."""
        return self.state / "filesystems"

    @property
    def jobs(self) -> Path:
        """One directory per training job."""
        return self.state / "jobs"

    @property
    def images(self) -> Path:
        """One directory per set of requirements that images list, named by its hash."""
        return self.state / "images"

    @property
    def processes(self) -> Path:
        """One small JSON file per process group that outlives the server; see ``processes``."""
        return self.state / "processes"

    @property
    def database(self) -> Path:
        return self.state / "state.db"

    @property
    def calls(self) -> Path:
        """The record of the AWS calls that were received."""
        return self.state / "calls.db"

    @property
    def settings(self) -> Path:
        return self.state / "settings.json"

    @property
    def server(self) -> Path:
        """What the running server says of itself."""
        return self.state / "server.json"

    @property
    def log(self) -> Path:
        return self.state / "server.log"

    @property
    def s3_log(self) -> Path:
        """What the S3 server says."""
        return self.state / "s3.log"

    @property
    def lock(self) -> Path:
        """Held by the running server."""
        return self.state / "server.lock"

    def foreign(self) -> list[str]:
        """What is in the state directory and was not put there by an emulator."""
        if not self.state.is_dir():
            return []
        return sorted(entry.name for entry in self.state.iterdir() if not entry.name.startswith(_OWN))

    def forget_files(self) -> Path:
        """Put what jobs and file systems hold out of the way, at once. Answers the directory, for removal."""
        forgotten = Path(tempfile.mkdtemp(prefix="forgotten.", dir=self.state))
        for directory in (self.filesystems, self.jobs, self.processes):
            directory.rename(forgotten / directory.name)
            directory.mkdir()
        return forgotten

    def remove(self) -> None:
        """Remove all state, and nothing foreign."""
        for entry in list(self.state.iterdir()) if self.state.is_dir() else []:
            if entry.name.startswith(_OWN):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if not self.foreign():
            self.state.rmdir()

    def create(self) -> None:
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.state.chmod(0o700)  # keys, and whatever jobs read and wrote, are nobody else's
        for directory in (self.filesystems, self.jobs, self.processes):
            directory.mkdir(exist_ok=True)
        for forgotten in self.state.glob("forgotten.*"):  # left by a server that was killed
            shutil.rmtree(forgotten, ignore_errors=True)
