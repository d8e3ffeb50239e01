"""Taking in what an older version kept: one directory per bucket, one file per object."""

import os
from collections.abc import Iterator
from pathlib import Path

from . import names
from .checksums import CRC64NVME
from .errors import S3Error
from .intake import take_in_path
from .records import About
from .store import ObjectStore

_UNFINISHED = ".rclone_temp_put_"
_CONTENT_TYPE = {"content-type": "binary/octet-stream"}


def adopt(store: ObjectStore, tree: Path, region: str) -> list[str]:
    """Make objects of the files of an older state, each removed once it is an object; may be killed and repeated.

    Returns what could not be taken in, as relative paths: links and devices, names that no key or bucket can have.
    """
    left: list[str] = []
    if not tree.is_dir():
        return left
    for bucket in sorted(entry for entry in tree.iterdir() if entry.is_dir() and not entry.is_symlink()):
        try:
            store.buckets.ensure(bucket.name, region)
        except S3Error:
            left.append(bucket.name)
            continue
        for path in _files(bucket):
            if not _adopt_file(store, bucket.name, path, path.relative_to(bucket)):
                left.append(str(path.relative_to(tree)))
    _remove_empty(tree)
    return left


def _adopt_file(store: ObjectStore, bucket: str, path: Path, name: Path) -> bool:
    if path.name.startswith(_UNFINISHED):
        path.unlink()
        return True
    try:
        key = name.as_posix()
        names.check_key(key)
        modified = path.lstat().st_mtime
        content = take_in_path(store.files, path, [CRC64NVME])
    except (OSError, S3Error, UnicodeEncodeError):
        return False
    store.contents.put(bucket, key, content, About(_CONTENT_TYPE, checksums=content.checksums), modified=modified)
    path.unlink()
    return True


def _files(directory: Path) -> Iterator[Path]:
    for folder, _, names_there in os.walk(directory):
        for name in sorted(names_there):
            yield Path(folder, name)


def _remove_empty(tree: Path) -> None:
    """Remove the folders that hold nothing any more, and the tree itself."""
    for folder, _, _ in os.walk(tree, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)
