"""The tags in the documents of FSx's resources."""

from collections.abc import Iterator
from typing import Any

from ....faults import AwsError
from ....registry import Context
from ....tagging import Tagged
from ..documents import ASSOCIATION, FILE_SYSTEM, TASK
from ..service import service
from .rules import MOST, check_tags

_KINDS = {"file-system": FILE_SYSTEM, "association": ASSOCIATION, "task": TASK}


def add(ctx: Context, arn: str, tags: list[dict[str, str]]) -> None:
    """Add tags; those with the same key are replaced."""
    check_tags(tags)
    with ctx.store.transaction():
        kind, id, document = _found(ctx, arn)
        new = {tag["Key"]: tag for tag in tags}
        all_tags = [*(tag for tag in document["Tags"] if tag["Key"] not in new), *new.values()]
        if len(all_tags) > MOST:
            raise AwsError("BadRequest", f"A resource cannot have more than {MOST} tags.")
        ctx.store.update(kind, id, Tags=all_tags)


def remove(ctx: Context, arn: str, keys: list[str]) -> None:
    """Remove tags by key; those that are not there are passed over."""
    with ctx.store.transaction():
        kind, id, document = _found(ctx, arn)
        ctx.store.update(kind, id, Tags=[tag for tag in document["Tags"] if tag["Key"] not in keys])


def resource(ctx: Context, arn: str) -> dict[str, Any]:
    """The document of what an ARN names. Raises NotServiceResourceError or ResourceNotFound."""
    return _found(ctx, arn)[2]


def _found(ctx: Context, arn: str) -> tuple[str, str, dict[str, Any]]:
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] != "fsx":
        raise AwsError("NotServiceResourceError", f"{arn} is not a resource of Amazon FSx.", ResourceARN=arn)
    path = parts[5].split("/")
    kind, id = _KINDS.get(path[0]), path[-1]
    document = ctx.store.get(kind, id) if kind else None
    if kind is None or document is None or document["ResourceARN"] != arn:
        raise AwsError("ResourceNotFound", f"The resource {arn} does not exist.", ResourceARN=arn)
    return kind, id, document


def _resources(ctx: Context) -> Iterator[tuple[str, dict[str, str]]]:
    for kind in _KINDS.values():
        for document in ctx.store.all(kind):
            if document["region"] == ctx.region:
                yield document["ResourceARN"], {tag["Key"]: tag["Value"] for tag in document["Tags"]}


service.tagged = Tagged(
    _resources,
    lambda ctx, arn, tags: add(ctx, arn, [{"Key": key, "Value": value} for key, value in tags.items()]),
    remove,
)
