"""Archives of jobs: only what is the job's own is packed, what is unpacked stays in its place, and both have an end."""

import os
import posixpath
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from .guard import Outside, Tree


class TooLarge(Exception):
    """The content is larger than what the job's volume could hold."""


def pack(tree: Tree, folders: Iterable[str], target: BinaryIO, limit: int) -> int:
    """Write a tar.gz of what lies below some folders of a tree; answer the number of members.

    Of a name that is in several folders the first counts. Regular files are packed, and symbolic links that lead to a
    place in the same archive; other links, pipes, sockets and devices are left out. Raises TooLarge as soon as the
    files' sizes come to more than ``limit`` bytes (a file of holes has no end otherwise).
    """
    seen: set[str] = set()
    size = 0
    with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as tar:
        for folder in folders:
            for name, status in sorted(tree.files(folder)):
                size += status.st_size
                if size > limit:
                    raise TooLarge(f"{name} and what is packed before it have {size} bytes, more than {limit}")
                if name not in seen:
                    seen.add(name)
                    _add(tar, tree, f"{folder}/{name}", name)
            for name, status in sorted(tree.odd(folder)):
                if stat.S_ISLNK(status.st_mode) and name not in seen and _adds_link(tar, tree, folder, name, status):
                    seen.add(name)
    return len(seen)


def unpack(source: Path | BinaryIO, directory: Path, limit: int) -> list[str]:
    """Unpack a tar archive below a directory; answer what was left out, and why.

    Left out are members that would lie outside (absolute, with ``..``, over a link), links that lead outside, pipes,
    sockets and devices. Raises tarfile.TarError for what is no archive, TooLarge over ``limit`` bytes.
    """
    left_out = []
    size = 0
    with tarfile.open(source) if isinstance(source, Path) else tarfile.open(fileobj=source) as archive:
        for member in archive:
            size += member.size
            if size > limit:
                raise TooLarge(f"the archive unpacks to more than {limit} bytes")
            if posixpath.isabs(member.name):  # the filter would put it below the directory without its slash
                left_out.append(f"{member.name}: an absolute path")
                continue
            try:
                archive.extract(member, directory, filter="data")
            except (tarfile.FilterError, KeyError, FileExistsError, IsADirectoryError, NotADirectoryError) as problem:
                left_out.append(f"{member.name}: {problem}")
    return left_out


def _add(tar: tarfile.TarFile, tree: Tree, path: str, name: str) -> None:
    try:
        with tree.read(path) as file:
            member = tar.gettarinfo(arcname=name, fileobj=file)
            member.type = tarfile.REGTYPE  # a second name of a file is a file of its own: readers need no links
            member.linkname = ""
            member.size = os.fstat(file.fileno()).st_size
            tar.addfile(_as_root(member), file)
    except (FileNotFoundError, Outside):
        return  # it went, or became something else, since it was seen


def _adds_link(tar: tarfile.TarFile, tree: Tree, folder: str, name: str, status: os.stat_result) -> bool:
    target = tree.link(f"{folder}/{name}")
    if target is None or posixpath.isabs(target):
        return False
    if posixpath.normpath(posixpath.join(posixpath.dirname(name), target)).startswith(".."):
        return False
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode, member.mtime = tarfile.SYMTYPE, target, 0o777, int(status.st_mtime)
    tar.addfile(_as_root(member))
    return True


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member
