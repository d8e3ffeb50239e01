"""The FSx service object, the kinds of documents it keeps and what all its parts need."""

import random
import time
from typing import Any

from ...faults import AwsError
from ...registry import Context, Service

service = Service("fsx")

FILE_SYSTEM = "fsx.file-system"
ASSOCIATION = "fsx.association"
INDEX = "fsx.association-index"
TASK = "fsx.task"

_TOKENS = "fsx.token"
_TOKEN_SECONDS = 600.0


def new_id(prefix: str, digits: int = 17) -> str:
    """An id as FSx makes them: ``fs-`` and 17 hexadecimal digits."""
    return f"{prefix}-{random.getrandbits(4 * digits):0{digits}x}"


def file_system(ctx: Context, id: str) -> dict[str, Any]:
    """A file system of the request's region, or FileSystemNotFound."""
    found = ctx.store.get(FILE_SYSTEM, id)
    if found is None or found["region"] != ctx.region:
        raise AwsError("FileSystemNotFound", f"File system '{id}' does not exist.")
    return found


def earlier_answer(ctx: Context, operation: str, request: dict[str, Any]) -> str | None:
    """The id that this client token made before.

    Raises IncompatibleParameterError if the same token came with other parameters. FSx forgets tokens after minutes.
    """
    token = request.get("ClientRequestToken")
    known = ctx.store.get(_TOKENS, f"{operation}/{ctx.region}/{token}") if token else None
    if known is None or known["time"] < time.time() - _TOKEN_SECONDS:
        return None
    changed = [
        name for name in sorted({*known["request"], *request}) if known["request"].get(name) != request.get(name)
    ]
    if changed:
        raise AwsError(
            "IncompatibleParameterError",
            "A request with the same client request token but different parameters was made before.",
            Parameter=changed[0],
        )
    return str(known["made"])


def remember(ctx: Context, operation: str, request: dict[str, Any], made: str) -> None:
    """Keep what a client token made."""
    if token := request.get("ClientRequestToken"):
        document = {"request": request, "made": made, "time": time.time()}
        ctx.store.put(_TOKENS, f"{operation}/{ctx.region}/{token}", document)


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A document as a response has it. Members of our own are dropped by the output shape."""
    return {name: value for name, value in document.items() if value not in (None, [])}
