"""What the documents of all of FSx's resources share: how ids are made, and what is shown of them."""

import random
from typing import Any

from ...faults import AwsError
from ...registry import Context

FILE_SYSTEM = "fsx.file-system"
ASSOCIATION = "fsx.association"
INDEX = "fsx.association-index"
TASK = "fsx.task"


def new_id(prefix: str, digits: int = 17) -> str:
    """An id as FSx makes them: ``fs-`` and 17 hexadecimal digits."""
    return f"{prefix}-{random.getrandbits(4 * digits):0{digits}x}"


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A document as a response has it. Members of our own are dropped by the output shape."""
    return {name: value for name, value in document.items() if value not in (None, [])}


def file_system(ctx: Context, id: str) -> dict[str, Any]:
    """A file system of the request's region, or FileSystemNotFound."""
    found = ctx.store.get(FILE_SYSTEM, id)
    if found is None or found["region"] != ctx.region:
        raise AwsError("FileSystemNotFound", f"File system '{id}' does not exist.")
    return found


def internal_failure(error: Exception) -> dict[str, str]:
    """The FailureDetails of what ended by an error of the service's own. FSx documents no text for it."""
    return {"Message": f"InternalServerError: Amazon FSx encountered an internal error ({type(error).__name__})."}
