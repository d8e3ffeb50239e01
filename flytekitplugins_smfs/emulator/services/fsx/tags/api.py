"""Tags of file systems, associations and tasks, by ARN."""

from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..documents import ASSOCIATION, FILE_SYSTEM, TASK
from ..service import service
from .rules import check_tags

_MOST = 50
_KINDS = {"file-system": FILE_SYSTEM, "association": ASSOCIATION, "task": TASK}


@service.operation("TagResource")
def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags; those with the same key are replaced."""
    check_tags(request["Tags"])
    with ctx.store.transaction():
        kind, id, document = _resource(ctx, request["ResourceARN"])
        new = {tag["Key"]: tag for tag in request["Tags"]}
        tags = [*(tag for tag in document["Tags"] if tag["Key"] not in new), *new.values()]
        if len(tags) > _MOST:
            raise AwsError("BadRequest", f"A resource cannot have more than {_MOST} tags.")
        ctx.store.update(kind, id, Tags=tags)
    return {}


@service.operation("UntagResource")
def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Remove tags by key."""
    with ctx.store.transaction():
        kind, id, document = _resource(ctx, request["ResourceARN"])
        kept = [tag for tag in document["Tags"] if tag["Key"] not in request["TagKeys"]]
        ctx.store.update(kind, id, Tags=kept)
    return {}


@service.operation("ListTagsForResource")
def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the tags of a resource."""
    _, _, document = _resource(ctx, request["ResourceARN"])
    items, token = page(document["Tags"], request.get("MaxResults", _MOST), request.get("NextToken"))
    return {"Tags": items, "NextToken": token}


def _resource(ctx: Context, arn: str) -> tuple[str, str, dict[str, Any]]:
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] != "fsx":
        raise AwsError("NotServiceResourceError", f"{arn} is not a resource of Amazon FSx.", ResourceARN=arn)
    path = parts[5].split("/")
    kind, id = _KINDS.get(path[0]), path[-1]
    document = ctx.store.get(kind, id) if kind else None
    if kind is None or document is None or document["ResourceARN"] != arn:
        raise AwsError("ResourceNotFound", f"The resource {arn} does not exist.", ResourceARN=arn)
    return kind, id, document
