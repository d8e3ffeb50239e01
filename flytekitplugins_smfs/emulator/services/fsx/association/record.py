"""An association's document, and what it links."""

from typing import Any

from ....registry import Context
from ..documents import ASSOCIATION, of_region
from ..repository import Link


def association(ctx: Context, id: str) -> dict[str, Any]:
    """An association of the request's region. Raises DataRepositoryAssociationNotFound."""
    return of_region(ctx, ASSOCIATION, id, "DataRepositoryAssociationNotFound", "Data repository association")


def link_of(ctx: Context, document: dict[str, Any]) -> Link:
    """The prefix and the directory that an association links."""
    bucket, _, prefix = document["DataRepositoryPath"].removeprefix("s3://").partition("/")
    root = ctx.paths.filesystems / document["FileSystemId"]
    return Link(ctx.objects, bucket, prefix.strip("/"), root, document["FileSystemPath"].strip("/"))


def linked(ctx: Context, file_system_id: str) -> list[dict[str, Any]]:
    """All associations of a file system."""
    return [document for document in ctx.store.all(ASSOCIATION) if document["FileSystemId"] == file_system_id]


def associations_of(ctx: Context, file_system_id: str) -> list[dict[str, Any]]:
    """The associations of a file system that work now."""
    return [document for document in linked(ctx, file_system_id) if document["Lifecycle"] == "AVAILABLE"]


def matches(document: dict[str, Any], filter: dict[str, Any]) -> bool:
    """Whether an association is one that a filter of the request asks for."""
    values = {"file-system-id": document["FileSystemId"], "data-repository-type": "S3", "file-cache-id": None}
    return values[filter["Name"]] in filter.get("Values", [])


def normal(path: str) -> str:
    """A FileSystemPath as it is kept: one slash between names, and none at the end."""
    return "/" + "/".join(part for part in path.split("/") if part)
