"""Moves files between a bucket's prefix and a directory of a file system, both ways and without ping-pong.

An index keeps, per name, what both sides looked like when they last agreed. A side that differs from the index has
changed; what a policy does not carry over is recorded as seen. Objects are not searched for changes: the index knows
the store's change number up to which it has followed.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ...guard import Tree
from ...objects import ObjectStore
from .sides import Bucket, Seen, System, bring, send, wanted

log = logging.getLogger(__name__)

Index = dict[str, Any]
"""``since``: the change number followed up to; ``pending``: names whose object changed and was not dealt with yet;
``names``: name -> what the bucket and the file system had."""

_NOTED_CHANGES = 1000
"""How far the store may go on before an index is written anew only to say so."""
_SETTLED_NS = 100_000_000
"""A file that changed more recently is still being written, perhaps; it is exported at the next look."""


@dataclass(frozen=True)
class Link:
    """A bucket of the store, the key prefix in it, a file system's directory and the path in that."""

    objects: ObjectStore
    bucket: str
    prefix: str
    root: Path
    path: str = ""

    def has_bucket(self) -> bool:
        """Whether the bucket is there."""
        return self.objects.buckets.find(self.bucket) is not None

    @contextmanager
    def open(self) -> Iterator[tuple[Bucket, System]]:
        """Both sides, of which no link leads out: symbolic links, pipes, sockets and devices are not carried over."""
        prefix = f"{self.prefix}/" if self.prefix else ""
        with Tree(self.root) as root:
            yield Bucket(self.objects, self.bucket, prefix), System(root, self.path)


@dataclass(frozen=True)
class Count:
    """How many files a task carried over, and the names of those that it could not."""

    done: int
    failed: list[str]


def baseline(link: Link) -> Index:
    """An index that takes everything there is as seen."""
    with link.open() as (bucket, system):
        since = bucket.changed(0)[0]  # before the listing: what comes meanwhile is seen again, which does no harm
        objects, files = bucket.all(), system.all()
        names = {name: [objects.get(name), files.get(name)] for name in {*objects, *files}}
        return {"since": since, "pending": [], "names": names}


def import_all(link: Link) -> Index:
    """Copy every object into the file system."""
    index = baseline(link)
    with link.open() as (bucket, system):
        for name, seen in sorted(index["names"].items()):
            if seen[0] is not None:
                _told(bring(bucket, system, name), bucket, name)
                index["names"][name] = [seen[0], system.look(name)]
    return index


def import_paths(link: Link, paths: Iterable[str]) -> Count:
    """Copy the objects of these paths, or below them, into the file system."""
    with link.open() as (bucket, system):
        names = wanted(iter(bucket.all()), list(paths))
        failed = [name for name in names if not bring(bucket, system, name)]
        return Count(len(names) - len(failed), failed)


def export_paths(link: Link, paths: Iterable[str]) -> Count:
    """Copy the files of these paths, or below them, to the bucket."""
    with link.open() as (bucket, system):
        names = wanted(iter(system.all()), list(paths))
        failed = [name for name in names if not send(system, bucket, name)]
        return Count(len(names) - len(failed), failed)


def synchronize(link: Link, index: Index, import_events: set[str], export_events: set[str]) -> bool:
    """Carry over what changed on either side since the index was written, and update it. True if anything had."""
    if not import_events and not export_events:
        return False
    with link.open() as (bucket, system):
        return _Turn(bucket, system, index, import_events, export_events).take()


@dataclass
class _Turn:
    """One look at both sides."""

    bucket: Bucket
    system: System
    index: Index
    import_events: set[str]
    export_events: set[str]

    def take(self) -> bool:
        if "since" not in self.index:
            self.index = _renewed(self.bucket, self.index)
        since, objects = self._objects()
        names: dict[str, list[Seen]] = self.index["names"]
        files = self.system.all()
        moved = {name for name in {*files, *names} if files.get(name) != names.get(name, [None, None])[1]}
        pending = []
        changed = bool(since - self.index["since"] > _NOTED_CHANGES)
        for name in sorted({*objects, *moved}):
            known = names.get(name, [None, None])
            now = [objects.get(name, known[0]), files.get(name)]
            if now == known:
                continue
            if self._unsettled(known, now):
                pending += [name] if name in objects else []
                continue
            changed = True
            self._carry(name, known, now)
        self.index.update(since=since, pending=pending)
        return changed

    def _objects(self) -> tuple[int, dict[str, Seen]]:
        """What may have changed in the bucket. Where that is forgotten, everything is compared."""
        since, objects = self.bucket.changed(self.index["since"])
        names = self.index["names"]
        if objects is None:
            everything = self.bucket.all()
            return since, {name: everything.get(name) for name in {*everything, *names}}
        return since, {**{name: self.bucket.look(name) for name in self.index["pending"]}, **objects}

    def _unsettled(self, known: list[Seen], now: list[Seen]) -> bool:
        file = now[1]
        moved = file is not None and file != known[1] and bool(self.export_events)
        return moved and file is not None and time.time_ns() - file[0] < _SETTLED_NS

    def _carry(self, name: str, known: list[Seen], now: list[Seen]) -> None:
        object_event, file_event = _event(known[0], now[0]), _event(known[1], now[1])
        side = _winner(object_event, file_event, now)
        if side == "bucket" and object_event in self.import_events:
            if now[0] is None:
                self.system.remove(name)
            else:
                _told(bring(self.bucket, self.system, name), self.bucket, name)
        elif side == "file system" and file_event in self.export_events:
            if now[1] is None:
                self.bucket.remove(name)
            else:
                _told(send(self.system, self.bucket, name), self.bucket, name)
        # Seen is what was looked at, and what this turn itself wrote to the other side.
        seen = [now[0], self.system.look(name)] if side == "bucket" else [self.bucket.look(name), now[1]]
        if seen == [None, None]:
            self.index["names"].pop(name, None)
        else:
            self.index["names"][name] = seen


def _renewed(bucket: Bucket, old: Index) -> Index:
    """An index of a version that knew no change numbers: objects that were known are taken as seen."""
    since = bucket.changed(0)[0]
    objects = bucket.all()
    names = {name: [objects.get(name) if seen[0] else None, seen[1]] for name, seen in old.items()}
    pending = [name for name in objects if name not in names]
    old.clear()
    old.update(since=since, pending=pending, names=names)
    return old


def _told(done: bool, bucket: Bucket, name: str) -> None:
    if not done:
        log.warning("s3://%s/%s%s and the file of that name stay apart: one of the two cannot be", bucket.name,
                    bucket.prefix, name)  # fmt: skip


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
