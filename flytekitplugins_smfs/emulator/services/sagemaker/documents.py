"""What the documents of all of SageMaker's resources share."""

from typing import Any

from ...registry import Context
from ...store import Doc


def identity(ctx: Context, name: str) -> str:
    """The id of a job's document, turns and directory: its name, with the region if that is not the account's own."""
    return name if ctx.region == ctx.settings.region else f"{name}@{ctx.region}"


def begun(ctx: Context, kind: str, name: str, request: dict[str, Any]) -> Doc:
    """What the document of every new job has; ``kind`` is how its ARN names it."""
    now = ctx.now()
    return {
        "id": identity(ctx, name),
        "region": ctx.region,
        "name": name,
        "arn": ctx.arn("sagemaker", f"{kind}/{name}"),
        "request": request,
        "status": "InProgress",
        "created": now,
        "modified": now,
        "ended": None,
        "failure": None,
        "stop": False,
    }


def of_region(ctx: Context, kind: str) -> list[Doc]:
    """The documents of a kind that the request's region has."""
    return [doc for doc in ctx.store.all(kind) if doc["region"] == ctx.region]


def later(ctx: Context, doc: Doc) -> float:
    """A LastModifiedTime for a document whose status changes: never the one it had, even within a millisecond."""
    return max(ctx.now(), float(doc["modified"]) + 0.001)
