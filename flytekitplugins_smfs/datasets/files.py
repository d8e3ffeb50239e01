"""The files of a local directory, as keys under a prefix."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flytekitplugins_smfs.values.errors import InvalidSpec, Problem

MAX_KEY_BYTES = 1024
MAX_OBJECT_BYTES = 5 * 1024**4
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class LocalFile:
    """A file to send: its `key` is its path relative to the directory, with forward slashes."""

    key: str
    path: Path
    size: int


def scan(source: Path) -> list[LocalFile]:
    """All files under `source`, sorted by key. Links are followed; a link back to a parent is not walked again.

    Raises InvalidSpec with everything that cannot be sent: a missing or empty directory, broken links, pipes and
    sockets, files that cannot be read, names that S3 does not take.
    """
    if not source.is_dir():
        rule = f"{source} is not a directory." if source.exists() else f"{source} does not exist."
        raise InvalidSpec("The directory to upload", [Problem("source", rule, "give a directory that holds files.")])
    files: list[LocalFile] = []
    problems: list[Problem] = []
    for path in _walk(source, source, frozenset(), problems):
        found = _local_file(source, path)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            files.append(found)
    if not files and not problems:
        problems.append(Problem("source", f"{source} holds no files.", "put the data there first."))
    if problems:
        raise InvalidSpec("The directory to upload", problems)
    return sorted(files, key=lambda file: file.key)


def _walk(root: Path, directory: Path, above: frozenset[str], problems: list[Problem]) -> Iterator[Path]:
    here = os.path.realpath(directory)
    if here in above:
        return
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError as error:
        fix = "make it readable, or leave it out."
        problems.append(Problem(_name(root, directory), f"cannot be listed ({error.strerror}).", fix))
        return
    for entry in entries:
        path = directory / entry.name
        if path.is_dir():  # not entry.is_dir(), which raises for a link to itself
            yield from _walk(root, path, above | {here}, problems)
        else:
            yield path


def _local_file(root: Path, path: Path) -> LocalFile | Problem:
    name = _name(root, path)
    try:
        found = path.stat()
    except OSError as error:
        broken = f"cannot be read ({error.strerror})"
        if path.is_symlink():
            broken = (
                "is a link that leads round in a circle"
                if error.errno == errno.ELOOP
                else "is a link to something that does not exist"
            )
        return Problem(name, f"{broken}.", "repair it, or remove it.")
    if not stat.S_ISREG(found.st_mode):
        return Problem(name, "is neither a file nor a directory.", "remove it, or upload another directory.")
    if not os.access(path, os.R_OK):
        return Problem(name, "cannot be read (permission denied).", "make it readable, or remove it.")
    if found.st_size > MAX_OBJECT_BYTES:
        return Problem(name, "is larger than an S3 object may be (5 TiB).", "split it.")
    key = path.relative_to(root).as_posix()
    try:
        too_long = len(key.encode()) > MAX_KEY_BYTES
    except UnicodeEncodeError:
        return Problem(name, "has a name that is not valid UTF-8.", "rename it.")
    if too_long:
        return Problem(name, f"has a path of more than {MAX_KEY_BYTES} bytes.", "shorten it.")
    if CONTROL.search(key):
        return Problem(name, "has a control character in its name.", "rename it.")
    return LocalFile(key, path, found.st_size)


def check_fit(source: Path, files: Iterable[LocalFile], prefix: str) -> None:
    """Raise InvalidSpec with every file whose key, with `prefix` before it, is longer than S3 allows."""
    room = MAX_KEY_BYTES - len(f"{prefix}/".encode() if prefix else b"")
    long = [file for file in files if len(file.key.encode()) > room]
    if long:
        rule = f"has a path of more than {room} bytes, all that {MAX_KEY_BYTES} leave beside the destination's prefix."
        fix = "shorten it, or the prefix."
        raise InvalidSpec("The directory to upload", [Problem(_name(source, one.path), rule, fix) for one in long])


def _name(root: Path, path: Path) -> str:
    """The path for a message, printable whatever it holds."""
    name = path.relative_to(root.parent).as_posix()
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in name
    )
