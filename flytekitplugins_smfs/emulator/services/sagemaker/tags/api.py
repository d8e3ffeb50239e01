"""Tags of SageMaker's resources, by ARN."""

from typing import Any

from ....registry import Context
from ..paging import page
from ..service import service
from .record import add, listed, load, remove
from .rules import MOST


@service.operation("AddTags")
def add_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """AddTags: those of the same key are replaced; answers with all tags the resource has now."""
    return {"Tags": listed(add(ctx, request["ResourceArn"], request["Tags"]))}


@service.operation("ListTags")
def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTags, in pages of MaxResults."""
    tags, token = page(listed(load(ctx, request["ResourceArn"])["tags"]), request, default=MOST)
    return {"Tags": tags, "NextToken": token}


@service.operation("DeleteTags")
def delete_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTags: keys that are not there are ignored."""
    remove(ctx, request["ResourceArn"], request["TagKeys"])
    return {}
