"""The removal of a Lustre file system."""

from __future__ import annotations

from flytekitplugins_smfs.values.base import Value
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.lustre.link import RepositoryLink


class DeleteSpec(Value):
    """A Lustre file system to delete, with its links; the data behind the links stays in S3."""

    file_system: LustreFileSystem
    include_adopted: bool = False
    """Delete it even if it existed before this execution."""
    links: tuple[RepositoryLink, ...] | None = None
    """Those that were made with it. They matter where the file system is adopted and stays: then they go alone."""
