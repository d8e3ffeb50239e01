"""Tags of SageMaker's resources, by ARN."""

from typing import Any

from ...faults import AwsError
from ...registry import Context
from .paging import page
from .service import service

_TAGS = "sagemaker.tags"
_MOST = 50


def put_tags(ctx: Context, arn: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
    """Add tags to a resource; those of the same key are replaced. Raises ResourceLimitExceeded over 50."""
    with ctx.store.transaction():
        doc = ctx.store.get(_TAGS, arn) or {"tags": {}}
        doc["tags"].update({tag["Key"]: tag["Value"] for tag in tags})
        if len(doc["tags"]) > _MOST:
            raise AwsError("ValidationException", f"A resource cannot have more than {_MOST} tags.")
        ctx.store.put(_TAGS, arn, doc)
    return _listed(doc["tags"])


@service.operation("AddTags")
def add_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """AddTags: answers with all tags the resource has now."""
    return {"Tags": put_tags(ctx, request["ResourceArn"], request["Tags"])}


@service.operation("ListTags")
def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTags, in pages of MaxResults."""
    doc = ctx.store.get(_TAGS, request["ResourceArn"]) or {"tags": {}}
    tags, token = page(_listed(doc["tags"]), request, default=50)
    return {"Tags": tags, "NextToken": token}


@service.operation("DeleteTags")
def delete_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTags: keys that are not there are ignored."""
    with ctx.store.transaction():
        doc = ctx.store.get(_TAGS, request["ResourceArn"]) or {"tags": {}}
        doc["tags"] = {key: value for key, value in doc["tags"].items() if key not in request["TagKeys"]}
        ctx.store.put(_TAGS, request["ResourceArn"], doc)
    return {}


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
