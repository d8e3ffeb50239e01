"""A data repository association: an S3 prefix that appears as a directory of a Lustre file system, and its paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from flytekitplugins_smfs.values.base import Result, Timing, Value
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem
from flytekitplugins_smfs.values.shapes import Tags
from flytekitplugins_smfs.values.uris import S3Uri, join, normal_path, s3_bucket_and_key

RepositoryEvent = Literal["NEW", "CHANGED", "DELETED"]
RepositoryEvents = Annotated[tuple[RepositoryEvent, ...], Field(max_length=3)]
ALL_EVENTS: tuple[RepositoryEvent, ...] = ("NEW", "CHANGED", "DELETED")


MAX_LINKS = 8
"""How many a file system has at most. https://docs.aws.amazon.com/fsx/latest/LustreGuide/create-dra-linked-data-repo.html"""


class LinkOptions(Value):
    """An S3 prefix, and how and where it appears on a file system.

    Rules: https://docs.aws.amazon.com/fsx/latest/APIReference/API_CreateDataRepositoryAssociation.html
    """

    incidental: ClassVar[frozenset[str]] = frozenset({"tags"})

    repository: S3Uri
    path: str = "/ns1"
    batch_import_meta_data_on_create: bool = True
    imported_file_chunk_size_mib: Annotated[int, Field(ge=1, le=512000)] = 1024
    auto_import: RepositoryEvents = ALL_EVENTS
    auto_export: RepositoryEvents = ALL_EVENTS
    tags: Tags = Field(default_factory=dict)

    def problems(self) -> Iterator[Problem]:
        if not self.path.startswith("/"):
            yield Problem("path", f"{self.path!r} must begin with '/'.", f"use '/{self.path}'.")
        elif len(self.path) > 4096 or any(part in (".", "..") for part in self.path.split("/")):
            yield Problem("path", "at most 4,096 characters, without '.' or '..' parts.")
        elif set(self.path) & set("\0\r\n\x85\u2028\u2029"):
            yield Problem("path", "NUL and line breaks are not allowed.")


class LinkSpec(LinkOptions):
    """A data repository association: an S3 prefix that appears as a directory of the file system."""

    incidental: ClassVar[frozenset[str]] = frozenset({"file_system", "tags"})

    file_system: LustreFileSystem

    def problems(self) -> Iterator[Problem]:
        yield from super().problems()
        if self.file_system.deployment_type == "SCRATCH_1":
            yield Problem("file_system", "SCRATCH_1 cannot be linked to S3.", "use SCRATCH_2 or PERSISTENT_2.")


class RepositoryLink(Result):
    """A data repository association that is there."""

    association_id: str
    file_system: LustreFileSystem
    repository: S3Uri
    path: str
    adopted: bool = False
    timing: Timing

    def directory_path(self, uri: str) -> str:
        """The DirectoryPath (`/<mount name><path>/<rest>`) at which the object or prefix `uri` is found."""
        return directory_path(self.file_system.mount_name, {self.path: self.repository}, uri)

    def s3_uri(self, directory: str) -> str:
        """The S3 URI behind a DirectoryPath; the inverse of `directory_path`."""
        return s3_uri(self.file_system.mount_name, {self.path: self.repository}, directory)


def overlap(one: str, other: str) -> bool:
    """Whether two paths of a file system are the same or one lies within the other: AWS links no two such."""
    first, second = (normal_path(path).rstrip("/") + "/" for path in (one, other))
    return first.startswith(second) or second.startswith(first)


def directory_path(mount_name: str, links: dict[str, str], uri: str) -> str:
    """Map an S3 URI to the Lustre DirectoryPath, through the link with the longest matching prefix.

    `links` maps file-system paths to S3 URIs. Raises InvalidSpec when no link holds the URI.
    """
    bucket, key = s3_bucket_and_key(uri)
    matches: list[tuple[int, str, str]] = []
    for path, repository in links.items():
        link_bucket, link_key = s3_bucket_and_key(repository)
        prefix = link_key.strip("/")
        if bucket == link_bucket and (not prefix or key.strip("/") == prefix or key.startswith(prefix + "/")):
            matches.append((len(prefix), path, key[len(prefix) :]))
    if not matches:
        listed = ", ".join(f"{path} -> {repository}" for path, repository in links.items()) or "none"
        raise InvalidSpec("The S3 URI", [Problem("uri", f"{uri} is behind no link of the file system ({listed}).")])
    _, path, rest = max(matches)
    return join("/" + mount_name, path, rest)


def s3_uri(mount_name: str, links: dict[str, str], directory: str) -> str:
    """Map a Lustre DirectoryPath back to its S3 URI, through the link with the longest matching path."""
    whole = normal_path(directory)
    root = "/" + mount_name
    matches: Sequence[tuple[int, str, str]] = [
        (len(base), repository, whole[len(base) :])
        for base, repository in ((join(root, path), repository) for path, repository in links.items())
        if whole == base or whole.startswith(base + "/")
    ]
    if not matches:
        raise InvalidSpec("The directory", [Problem("directory", f"{directory} is under no linked path of {root}.")])
    _, repository, rest = max(matches)
    return repository.rstrip("/") + ("/" + rest.strip("/") if rest.strip("/") else "/" * repository.endswith("/"))


class UnlinkSpec(Value):
    """A data repository association to delete."""

    link: RepositoryLink
    include_adopted: bool = False
    """Delete it even if it existed before this execution."""
    delete_data_in_file_system: bool = False
