"""The file systems a job mounts, whichever service they belong to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...guard import Tree, is_plain
from ...registry import Context

_LUSTRE = "fsx.file-system"
_LUSTRE_PORTS = (988, *range(1018, 1024))


@dataclass(frozen=True)
class FileSystem:
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

        Lustre paths begin with the file system's mount name: ``/<MountName>/...``.
        """
        parts = [part for part in path.split("/") if part]
        if not parts or parts[0] != self.mount_name or not is_plain(path):
            return None
        with Tree(self.root) as tree:
            return self.root.joinpath(*parts[1:]) if tree.is_directory("/".join(parts[1:])) else None


def find(ctx: Context, source: dict[str, Any]) -> FileSystem | None:
    """The file system of a FileSystemDataSource, or None if there is none of that id."""
    doc = ctx.store.get(_LUSTRE, source["FileSystemId"])
    if doc is None:
        return None
    interfaces = ctx.ec2.interfaces(doc["NetworkInterfaceIds"])
    subnets = [ctx.ec2.subnet(id) for id in doc["SubnetIds"]]
    return FileSystem(
        id=doc["FileSystemId"],
        available=doc["Lifecycle"] in ("AVAILABLE", "UPDATING"),
        mount_name=doc["LustreConfiguration"]["MountName"],
        zones=frozenset(subnet.zone for subnet in subnets if subnet is not None),
        groups=sorted({group for interface in interfaces for group in interface.groups}),
        ports=_LUSTRE_PORTS,
        root=ctx.paths.filesystems / doc["FileSystemId"],
    )
