"""Tags of file systems, associations and tasks, by ARN."""

from typing import Any

from ....paging import page
from ....registry import Context
from ..service import service
from .record import add, remove, resource
from .rules import MOST


@service.operation("TagResource")
def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags; those with the same key are replaced."""
    add(ctx, request["ResourceARN"], request["Tags"])
    return {}


@service.operation("UntagResource")
def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Remove tags by key."""
    remove(ctx, request["ResourceARN"], request["TagKeys"])
    return {}


@service.operation("ListTagsForResource")
def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the tags of a resource."""
    document = resource(ctx, request["ResourceARN"])
    items, token = page(document["Tags"], request.get("MaxResults", MOST), request.get("NextToken"))
    return {"Tags": items, "NextToken": token}
