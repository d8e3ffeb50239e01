"""Which files of a channel are read, and what they must not be.

Source: ``data_utils`` of AWS's public sagemaker-xgboost-container.
"""

import os
from pathlib import Path

from ..errors import UserError

_FOLDERS = 3
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_MARKS = {b"\xef\xbb\xbf": "UTF-8", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def data_files(channel: Path) -> list[Path]:
    """The files below a channel that hold anything, in the order of their paths.

    A hidden file anywhere fails the job, as in the container. Files more than three folders deep are left out with a
    warning.
    """
    found: list[Path] = []
    too_deep = False
    for folder, _, names in os.walk(channel, followlinks=True):
        depth = len(Path(folder).relative_to(channel).parts)
        for name in names:
            path = Path(folder, name)
            if name.startswith("."):
                where = path.relative_to(channel)
                raise UserError(f"Hidden file found in the data path! Remove that before training. ({where})")
            if path.is_file() and path.stat().st_size:
                too_deep = too_deep or depth >= _FOLDERS
                found += [path] if depth < _FOLDERS else []
    if too_deep:
        warn(
            f"The depth of folder {channel} exceed the limit {_FOLDERS}. Files in deeper sub dirs won't be loaded. "
            "Please adjust the folder structure accordingly."
        )
    return sorted(found)


def first_line(path: Path) -> str:
    """The first line of a text file, without what is no text."""
    with path.open(errors="ignore") as lines:
        return lines.readline()


def why_no_text(path: Path) -> str | None:
    """Why a file that should be plain text is none: compressed, or marked as Unicode. None if it looks like text."""
    with path.open("rb") as file:
        head = file.read(8)
    for magic, kind in _COMPRESSED.items():
        if head.startswith(magic):
            return f"'{path.name}' is compressed with {kind}; in File mode the algorithm reads plain text only"
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return f"'{path.name}' begins with the byte order mark of {encoding}; save it as plain text without one"
    return None


def warn(text: str) -> None:
    """A warning in the job's log."""
    print(f"WARNING:root:{text}", flush=True)


def warn_of_duplicates(train: Path, validation: Path) -> None:
    """Say which files of both channels have the same name and size: a score on data that was trained on says little."""
    for path in train.iterdir() if train.is_dir() and validation.is_dir() else ():
        other = validation / path.name
        if path.is_file() and other.is_file() and path.stat().st_size == other.stat().st_size:
            warn(
                f"Suspected identical files found. ({path} and {other} with same size {path.stat().st_size} bytes). "
                "Note: Duplicate data in the training set and validation set is usually not intentional and can impair "
                "the validity of the model evaluation by the validation score."
            )
