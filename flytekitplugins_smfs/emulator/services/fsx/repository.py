"""Moves files between a bucket's prefix and a directory of a file system, both ways and without ping-pong.

An index keeps, per file, what both sides looked like when they last agreed. A side that differs from the index has
changed; what a policy does not carry over is recorded as seen.
"""

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...guard import Outside, Tree
from ...storage import TEMPORARY_PREFIX

Seen = list[int] | None
"""Modification time in ns and size; None for a file that is not there."""

Index = dict[str, list[Seen]]
"""Path relative to the link -> what the bucket and the file system had."""

_SETTLED_NS = 100_000_000
"""A file that changed more recently is still being written, perhaps; it is exported at the next look."""


@dataclass(frozen=True)
class Link:
    """A bucket's directory, the key prefix in it, a file system's directory and the path in that."""

    bucket: Path
    prefix: str
    root: Path
    path: str = ""

    @contextmanager
    def open(self) -> Iterator[tuple["Side", "Side"]]:
        """Both sides, of which no link leads out: symbolic links, pipes, sockets and devices are not carried over."""
        with Tree(self.bucket) as bucket, Tree(self.root) as root:
            yield Side(bucket, self.prefix), Side(root, self.path)


@dataclass(frozen=True)
class Side:
    """One side of a link: a tree, and the path in it that names are below."""

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
        if status is None or not stat.S_ISREG(status.st_mode):
            return None
        return [status.st_mtime_ns, status.st_size]

    def files(self) -> dict[str, Seen]:
        """Every regular file, by its relative path."""
        return {
            name: [status.st_mtime_ns, status.st_size]
            for name, status in self.tree.files(self.path)
            if not name.rpartition("/")[2].startswith(TEMPORARY_PREFIX)
        }


def baseline(link: Link) -> Index:
    """An index that takes everything there is as seen."""
    with link.open() as (bucket, system):
        objects, files = bucket.files(), system.files()
        return {name: [objects.get(name), files.get(name)] for name in {*objects, *files}}


def import_all(link: Link) -> Index:
    """Copy every object into the file system."""
    index = baseline(link)
    with link.open() as (bucket, system):
        for name in index:
            if index[name][0] is not None:
                _copy(bucket, system, name)
                index[name] = [bucket.look(name), system.look(name)]
    return index


def import_paths(link: Link, names: Iterable[str]) -> int:
    """Copy the named objects (or those below a named prefix) into the file system; answer how many."""
    with link.open() as (bucket, system):
        return _copy_named(bucket, system, names)


def export_paths(link: Link, names: Iterable[str]) -> int:
    """Copy the named files (or those below a named directory) to the bucket; answer how many."""
    with link.open() as (bucket, system):
        return _copy_named(system, bucket, names)


def synchronize(link: Link, index: Index, import_events: set[str], export_events: set[str]) -> bool:
    """Carry over what changed on either side since the index was written, and update it. True if anything had."""
    if not import_events and not export_events:
        return False
    with link.open() as (bucket, system):
        return _synchronize(link, bucket, system, index, import_events, export_events)


def _synchronize(
    link: Link, bucket: Side, system: Side, index: Index, import_events: set[str], export_events: set[str]
) -> bool:
    objects, files = bucket.files(), system.files()
    changed = False
    for name in {*objects, *files, *index}:
        known = index.get(name, [None, None])
        now = [objects.get(name), files.get(name)]
        if now == known:
            continue
        file_event = _event(known[1], now[1])
        if file_event and export_events and now[1] and time.time_ns() - now[1][0] < _SETTLED_NS:
            continue
        changed = True
        side = _winner(_event(known[0], now[0]), file_event, now)
        if side == "bucket" and _event(known[0], now[0]) in import_events:
            _carry(bucket, system, name, now[0])
        elif side == "file system" and file_event in export_events:
            _carry(system, bucket, name, now[1])
            _prune(link, name)
        _record(index, name, [bucket.look(name), system.look(name)], now, side)
    return changed


def _record(index: Index, name: str, after: list[Seen], before: list[Seen], side: str) -> None:
    """Take as seen what was looked at, and what this turn itself wrote to the other side."""
    seen = [before[0], after[1]] if side == "bucket" else [after[0], before[1]]
    if seen == [None, None]:
        index.pop(name, None)
    else:
        index[name] = seen


def _winner(object_event: str | None, file_event: str | None, now: list[Seen]) -> Literal["bucket", "file system"]:
    """Which side's change counts; of two, the later one."""
    if object_event and file_event:
        later = (now[0] or [0])[0] >= (now[1] or [0])[0]
        return "bucket" if later else "file system"
    return "bucket" if object_event else "file system"


def _event(before: Seen, now: Seen) -> str | None:
    if before == now:
        return None
    if before is None:
        return "NEW"
    return "DELETED" if now is None else "CHANGED"


def _carry(source: Side, target: Side, name: str, seen: Seen) -> None:
    if seen is None:
        with suppress(Outside, OSError):  # a directory of that name took its place: there is nothing to remove
            target.tree.remove(target.at(name))
    else:
        _copy(source, target, name)


def _copy(source: Side, target: Side, name: str) -> bool:
    """Copy a file with its modification time; readers see the old one or the new one, never a part.

    False where that cannot be: it went meanwhile, or a link or a directory is in its way.
    """
    try:
        with source.tree.read(source.at(name)) as file, target.tree.replacing(target.at(name)) as copy:
            status = os.fstat(file.fileno())
            shutil.copyfileobj(file, copy)
            copy.flush()
            os.fchmod(copy.fileno(), stat.S_IMODE(status.st_mode) & 0o777)
            os.utime(copy.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
    except (Outside, FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    return True


def _copy_named(source: Side, target: Side, names: Iterable[str]) -> int:
    wanted = [name.strip("/") for name in names] or [""]
    count = 0
    for name in source.files():
        if any(name == path or path == "" or name.startswith(f"{path}/") for path in wanted):
            count += _copy(source, target, name)
    return count


def _prune(link: Link, name: str) -> None:
    """S3 has no directories: remove those that an export's deletion left empty."""
    directory = (link.bucket / link.prefix / name).parent
    while directory != link.bucket and directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
