"""Tags of SageMaker's resources, by ARN."""

from typing import Any

from ....registry import Context
from ..paging import page
from ..service import service
from .record import changed, listed, load
from .rules import MOST, check


@service.operation("AddTags")
def add_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """AddTags: those of the same key are replaced; answers with all tags the resource has now."""
    check(request["Tags"])
    added = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    return {"Tags": listed(changed(ctx, request["ResourceArn"], lambda tags: {**tags, **added}))}


@service.operation("ListTags")
def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTags, in pages of MaxResults."""
    tags, token = page(listed(load(ctx, request["ResourceArn"])["tags"]), request, default=MOST)
    return {"Tags": tags, "NextToken": token}


@service.operation("DeleteTags")
def delete_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTags: keys that are not there are ignored."""
    gone = set(request["TagKeys"])
    changed(ctx, request["ResourceArn"], lambda tags: {key: tags[key] for key in tags if key not in gone})
    return {}
