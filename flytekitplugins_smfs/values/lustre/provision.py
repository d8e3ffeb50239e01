"""A Lustre file system together with its links to S3: one step of a workflow instead of several."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from flytekitplugins_smfs.values.base import Result, Value
from flytekitplugins_smfs.values.errors import Problem
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.lustre.link import MAX_LINKS, LinkOptions, RepositoryLink, overlap

__all__ = ["LinkOptions", "LinkedFileSystem", "ProvisionSpec"]


def _by_path(given: Any) -> Any:
    """A task's input may be a promise, and a promise has no place within a value: so paths may map to S3 prefixes."""
    if not isinstance(given, dict):
        return given
    return [{"path": path, "repository": repository} for path, repository in given.items()]


class ProvisionSpec(Value):
    """A Lustre file system to create, and what is linked to it."""

    file_system: LustreSpec = LustreSpec()
    links: Annotated[tuple[LinkOptions, ...], Field(min_length=1, max_length=MAX_LINKS), BeforeValidator(_by_path)]
    """One to eight; given as a mapping of paths to S3 prefixes, each has the default options."""

    def problems(self) -> Iterator[Problem]:
        version = self.file_system.file_system_type_version
        if version == "2.10":
            yield Problem("file_system", f"a file system of version {version} cannot be linked to S3.", "use 2.12.")
        for one, other in combinations(self.links, 2):
            if overlap(one.path, other.path):
                rule = f"{other.path} overlaps {one.path}; AWS links no path within another."
                yield Problem("links", rule, "use paths that lie beside each other.")
            if overlap(*(f"/{link.repository.partition('://')[2]}" for link in (one, other))):
                rule = f"{other.repository} overlaps {one.repository}; AWS links no prefix within another."
                yield Problem("links", rule, "link what holds both once, or use prefixes that lie beside each other.")


class LinkedFileSystem(Result):
    """A Lustre file system that is there, with its links."""

    file_system: LustreFileSystem
    links: tuple[RepositoryLink, ...]
    """In the order in which they were asked for."""
