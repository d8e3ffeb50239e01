"""What the documents of all of FSx's resources share: how ids are made, and what is shown of them."""

import random
from collections.abc import Callable
from typing import Any

from ...faults import AwsError
from ...registry import Context

FILE_SYSTEM = "fsx.file-system"
ASSOCIATION = "fsx.association"
INDEX = "fsx.association-index"
TASK = "fsx.task"

Find = Callable[[Context, str], dict[str, Any]]


def new_id(prefix: str, digits: int = 17) -> str:
    """An id as FSx makes them: ``fs-`` and 17 hexadecimal digits."""
    return f"{prefix}-{random.getrandbits(4 * digits):0{digits}x}"


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A document as a response has it. Members of our own are dropped by the output shape."""
    return {name: value for name, value in document.items() if value not in (None, [])}


def of_region(ctx: Context, kind: str, id: str, code: str, what: str) -> dict[str, Any]:
    """A document of the request's region. Raises an error of this code."""
    found = ctx.store.get(kind, id)
    if found is None or found["region"] != ctx.region:
        raise AwsError(code, f"{what} '{id}' does not exist.")
    return found


def asked_for(ctx: Context, kind: str, ids: list[str] | None, find: Find) -> list[dict[str, Any]]:
    """What a Describe is about: each of the ids, which must exist, or without ids all of the request's region."""
    if ids:
        return [find(ctx, id) for id in ids]
    return [document for document in ctx.store.all(kind) if document["region"] == ctx.region]


def file_system(ctx: Context, id: str) -> dict[str, Any]:
    """A file system of the request's region, or FileSystemNotFound."""
    return of_region(ctx, FILE_SYSTEM, id, "FileSystemNotFound", "File system")


def internal_failure(error: Exception) -> dict[str, str]:
    """The FailureDetails of what ended by an error of the service's own. FSx documents no text for it."""
    return {"Message": f"InternalServerError: Amazon FSx encountered an internal error ({type(error).__name__})."}
