"""The two sides of a link: objects below a prefix of a bucket, and files below a path of a file system.

Names are relative to the link and the same on both sides. A name that ends in a slash is a folder's marker in S3 and a
directory on the file system.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from ...guard import Outside, Tree, is_plain
from ...objects import ObjectStore, S3Error, Stored
from ...objects.files import copy_whole

Seen = list[int] | None
"""Modification time in ns, size and, of an object, its change number; None for what is not there."""

_MODE, _MTIME = "file-permissions", "file-mtime"
"""The metadata in which FSx keeps a file's mode (octal, type included) and times ("...ns").

https://docs.aws.amazon.com/fsx/latest/LustreGuide/posix-metadata-support.html
"""
_DEFAULT_MODE = 0o755
"""Of a file whose object says none (same page)."""


@dataclass(frozen=True)
class Bucket:
    """The objects of a link. ``prefix`` is empty or ends in a slash."""

    store: ObjectStore
    name: str
    prefix: str

    def look(self, name: str) -> Seen:
        """What is there now."""
        with suppress(S3Error):  # a key that cannot be holds nothing
            found = self.store.contents.find(self.name, self.prefix + name)
            return _seen(found) if found else None
        return None

    def all(self) -> dict[str, Seen]:
        """Every object, by name."""
        return {self._name(found): _seen(found) for found in self.store.listing.every(self.name, self.prefix)}

    def changed(self, since: int) -> tuple[int, dict[str, Seen] | None]:
        """The latest change number, and what was written or deleted after ``since``; None if that is not known."""
        changes = self.store.changes(self.name, self.prefix, since)
        if not changes.complete:
            return changes.number, None
        deleted: dict[str, Seen] = {key[len(self.prefix) :]: None for key in changes.deleted}
        return changes.number, {**deleted, **{self._name(found): _seen(found) for found in changes.written}}

    def remove(self, name: str) -> None:
        """Take an object away; none is fine."""
        self.store.contents.delete(self.name, self.prefix + name)

    def _name(self, found: Stored) -> str:
        return found.key[len(self.prefix) :]


@dataclass(frozen=True)
class System:
    """The files of a link: a tree that no link leads out of, and the path in it that names are below."""

    tree: Tree
    path: str

    def at(self, name: str) -> str:
        """The path of a name in the tree."""
        return f"{self.path}/{name}"

    def look(self, name: str) -> Seen:
        """What is there now, if that is a regular file."""
        try:
            status = self.tree.status(self.at(name))
        except Outside:
            return None
        if status is None or name.endswith("/") or not stat.S_ISREG(status.st_mode):
            return None
        return [status.st_mtime_ns, status.st_size]

    def all(self) -> dict[str, Seen]:
        """Every regular file, by name."""
        return {name: [status.st_mtime_ns, status.st_size] for name, status in self.tree.files(self.path)}

    def remove(self, name: str) -> None:
        """Remove a file; none is fine, and a directory that took its place stays."""
        with suppress(Outside, OSError):
            self.tree.remove(self.at(name))


def bring(bucket: Bucket, system: System, name: str) -> bool:
    """Make an object a file, with its time; readers see the old one or the new one, never a part.

    False where that cannot be: it went meanwhile, no file can have its name, or a link or directory is in its way.
    """
    if not is_plain(name) or "//" in f"/{name}":
        return False
    try:
        if name.endswith("/"):
            system.tree.make_directory(system.at(name))
            return True
        found, descriptor = bucket.store.open(bucket.name, bucket.prefix + name)
        with os.fdopen(descriptor, "rb") as content, system.tree.replacing(system.at(name)) as copy:
            copy_whole(content.fileno(), copy.fileno())
            mode, modified = _posix(found)
            os.fchmod(copy.fileno(), mode)
            os.utime(copy.fileno(), ns=(modified, modified))
    except S3Error as error:
        if error.status != 404:
            raise
        return False
    except (Outside, FileExistsError, FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    return True


def send(system: System, bucket: Bucket, name: str) -> bool:
    """Make a file an object, with its mode and times as metadata. False where that cannot be."""
    try:
        with system.tree.read(system.at(name)) as content:
            status = os.fstat(content.fileno())
            metadata = {
                "file-atime": f"{status.st_atime_ns}ns",
                "file-group": str(status.st_gid),
                _MTIME: f"{status.st_mtime_ns}ns",
                "file-owner": str(status.st_uid),
                _MODE: f"{status.st_mode:07o}",
                "user-agent": "aws-fsx-lustre",
            }
            bucket.store.put_open(bucket.name, bucket.prefix + name, content.fileno(), metadata)
    except S3Error as error:
        if error.status >= 500 or error.code == "NoSuchBucket":
            raise
        return False
    except (Outside, FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    return True


def wanted(names: Iterator[str], paths: list[str]) -> list[str]:
    """Those names that are one of the paths, or below one; all without any."""
    inside = [path.strip("/") for path in paths] or [""]
    return sorted(
        name for name in names if any(path == "" or name == path or name.startswith(f"{path}/") for path in inside)
    )


def _seen(found: Stored) -> Seen:
    return [int(found.modified * 1_000_000_000), found.size, found.change]


def _posix(found: Stored) -> tuple[int, int]:
    """Mode and modification time (ns) of the file that an object becomes."""
    metadata = found.about.metadata
    mode, modified = _DEFAULT_MODE, int(found.modified * 1_000_000_000)
    with suppress(ValueError):
        mode = int(metadata.get(_MODE, ""), 8) & 0o777
    with suppress(ValueError):
        modified = int(metadata.get(_MTIME, "").removesuffix("ns"))
    return mode, modified if 0 <= modified < 2**63 else int(found.modified * 1_000_000_000)
