"""Moves files between a bucket's prefix and a directory of a file system, both ways and without ping-pong.

An index keeps, per file, what both sides looked like when they last agreed. A side that differs from the index has
changed; what a policy does not carry over is recorded as seen.
"""

import os
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...storage import TEMPORARY_PREFIX

Seen = list[int] | None
"""Modification time in ns and size; None for a file that is not there."""

Index = dict[str, list[Seen]]
"""Path relative to the link -> what the bucket and the file system had."""

_COPYING = ".fsx-copying-"
_SETTLED_NS = 100_000_000
"""A file that changed more recently is still being written, perhaps; it is exported at the next look."""


@dataclass(frozen=True)
class Link:
    """A bucket's directory, the key prefix in it, and the file system's directory."""

    bucket: Path
    prefix: str
    directory: Path

    @property
    def objects(self) -> Path:
        return self.bucket / self.prefix if self.prefix else self.bucket


def baseline(link: Link) -> Index:
    """An index that takes everything there is as seen."""
    objects, files = _files(link.objects), _files(link.directory)
    return {name: [objects.get(name), files.get(name)] for name in {*objects, *files}}


def import_all(link: Link) -> Index:
    """Copy every object into the file system."""
    index = baseline(link)
    for name in index:
        if index[name][0] is not None:
            _copy(link.objects / name, link.directory / name)
            index[name] = _both(link, name)
    return index


def import_paths(link: Link, names: Iterable[str]) -> int:
    """Copy the named objects (or those below a named prefix) into the file system; answer how many."""
    return _copy_named(link.objects, link.directory, names)


def export_paths(link: Link, names: Iterable[str]) -> int:
    """Copy the named files (or those below a named directory) to the bucket; answer how many."""
    return _copy_named(link.directory, link.objects, names)


def synchronize(link: Link, index: Index, import_events: set[str], export_events: set[str]) -> bool:
    """Carry over what changed on either side since the index was written, and update it. True if anything had."""
    if not import_events and not export_events:
        return False
    objects, files = _files(link.objects), _files(link.directory)
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
            _carry(link.objects / name, link.directory / name, now[0])
        elif side == "file system" and file_event in export_events:
            _carry(link.directory / name, link.objects / name, now[1])
            _prune(link, name)
        _record(index, name, _both(link, name), now, side)
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


def _carry(source: Path, target: Path, seen: Seen) -> None:
    if seen is None:
        target.unlink(missing_ok=True)
    else:
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its modification time; readers see the old one or the new one, never a part."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{_COPYING}{target.name}")
    try:
        shutil.copy2(source, temporary)
        temporary.replace(target)
    except FileNotFoundError:
        temporary.unlink(missing_ok=True)


def _copy_named(source: Path, target: Path, names: Iterable[str]) -> int:
    wanted = [name.strip("/") for name in names] or [""]
    count = 0
    for name in _files(source):
        if any(name == path or path == "" or name.startswith(f"{path}/") for path in wanted):
            _copy(source / name, target / name)
            count += 1
    return count


def _prune(link: Link, name: str) -> None:
    """S3 has no directories: remove those that an export's deletion left empty."""
    directory = (link.objects / name).parent
    while directory != link.bucket and directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent


def _both(link: Link, name: str) -> list[Seen]:
    return [_look(link.objects / name), _look(link.directory / name)]


def _look(path: Path) -> Seen:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return [status.st_mtime_ns, status.st_size]


def _files(root: Path) -> dict[str, Seen]:
    """Every regular file below a directory, by its relative path."""
    found: dict[str, Seen] = {}
    pending = [(str(root), "")]
    while pending:
        directory, prefix = pending.pop()
        for entry in _entries(directory):
            if entry.name.startswith((TEMPORARY_PREFIX, _COPYING)):
                continue
            if entry.is_dir():
                pending.append((entry.path, f"{prefix}{entry.name}/"))
                continue
            with suppress(FileNotFoundError):
                status = entry.stat()
                found[prefix + entry.name] = [status.st_mtime_ns, status.st_size]
    return found


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
