"""The file systems that a job can mount, whichever service they belong to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .guard import Tree, is_plain

if TYPE_CHECKING:
    from .registry import Context


@dataclass(frozen=True)
class Mount:
    """What a job needs to know of a file system. ``root`` is its directory on this machine."""

    id: str
    available: bool
    mount_name: str
    zones: frozenset[str]
    groups: list[str]
    ports: tuple[int, ...]
    root: Path

    def directory(self, path: str) -> Path | None:
        """Where a channel's DirectoryPath lies, or None when it is not on the file system.

        Paths of a file system that has a mount name (Lustre) begin with it: ``/<MountName>/...``.
        """
        parts = [part for part in path.split("/") if part]
        if not is_plain(path):
            return None
        if self.mount_name:
            if parts[:1] != [self.mount_name]:
                return None
            parts = parts[1:]
        with Tree(self.root) as tree:
            return self.root.joinpath(*parts) if tree.is_directory("/".join(parts)) else None


Find = Callable[["Context", str], Mount | None]
"""The file system of an id, as a job of the context's region would mount it; None if there is none."""
