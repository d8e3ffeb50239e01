"""What the documents of all of SageMaker's resources share."""

from ...registry import Context
from ...store import Doc


def identity(ctx: Context, name: str) -> str:
    """The id of a job's document, turns and directory: its name, with the region if that is not the account's own."""
    return name if ctx.region == ctx.settings.region else f"{name}@{ctx.region}"


def of_region(ctx: Context, kind: str) -> list[Doc]:
    """The documents of a kind that the request's region has."""
    return [doc for doc in ctx.store.all(kind) if doc["region"] == ctx.region]


def later(ctx: Context, doc: Doc) -> float:
    """A LastModifiedTime for a document whose status changes: never the one it had, even within a millisecond."""
    return max(ctx.now(), float(doc["modified"]) + 0.001)
