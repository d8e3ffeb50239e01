"""A data repository task: what is in S3 is made known to a Lustre file system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from flytekitplugins_smfs.values.base import Result, Timing, Value
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.shapes import Tags

Path = Annotated[str, Field(max_length=4096)]


class ImportSpec(Value):
    """Import of the metadata of files and directories that are in the linked S3 prefixes.

    Rules: https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateDataRepositoryTask.html
    """

    incidental: ClassVar[frozenset[str]] = frozenset({"file_system", "tags"})

    file_system: LustreFileSystem
    paths: Annotated[tuple[Path, ...], Field(max_length=100)] = ()
    """Paths of the file system, relative to its root, without a leading slash; none for everything that is linked."""
    tags: Tags = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        for path in self.paths:
            if path.startswith("/"):
                yield Problem("paths", f"{path!r} must be relative to the file system.", f"use {path.lstrip('/')!r}.")


class RepositoryImport(Result):
    """An import that has ended well."""

    task_id: str
    file_system_id: str
    files: int
    """How many files and directories were looked at."""
    failed: int
    """How many of them could not be imported."""
    timing: Timing
