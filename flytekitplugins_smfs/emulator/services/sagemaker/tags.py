"""Tags of SageMaker's resources, by ARN."""

from collections.abc import Callable
from typing import Any

from ...faults import AwsError
from ...registry import Context
from ...store import Doc
from .paging import page
from .service import service

_TAGS = "sagemaker.tags"
_MOST = 50


def begin(ctx: Context, arn: str, tags: list[dict[str, str]]) -> None:
    """Give a new resource its tags. Only what has begun to have tags may be given more."""
    _check(tags)
    ctx.store.put(_TAGS, arn, {"tags": {tag["Key"]: tag["Value"] for tag in tags}})


def of(ctx: Context, arn: str) -> list[dict[str, str]]:
    """The tags of a resource now; none if it is gone."""
    return _listed((ctx.store.get(_TAGS, arn) or {"tags": {}})["tags"])


def end(ctx: Context, arn: str) -> None:
    """Forget the tags of a resource that is deleted."""
    ctx.store.delete(_TAGS, arn)


@service.operation("AddTags")
def add_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """AddTags: those of the same key are replaced; answers with all tags the resource has now."""
    _check(request["Tags"])
    added = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    return {"Tags": _listed(_changed(ctx, request["ResourceArn"], lambda tags: {**tags, **added}))}


@service.operation("ListTags")
def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTags, in pages of MaxResults."""
    tags, token = page(_listed(_load(ctx, request["ResourceArn"])["tags"]), request, default=_MOST)
    return {"Tags": tags, "NextToken": token}


@service.operation("DeleteTags")
def delete_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteTags: keys that are not there are ignored."""
    gone = set(request["TagKeys"])
    _changed(ctx, request["ResourceArn"], lambda tags: {key: tags[key] for key in tags if key not in gone})
    return {}


def _changed(ctx: Context, arn: str, change: Callable[[dict[str, str]], dict[str, str]]) -> dict[str, str]:
    with ctx.store.transaction():
        tags = change(_load(ctx, arn)["tags"])
        if len(tags) > _MOST:
            raise AwsError("ValidationException", f"A resource cannot have more than {_MOST} tags.")
        ctx.store.put(_TAGS, arn, {"tags": tags})
    return tags


def _load(ctx: Context, arn: str) -> Doc:
    doc = ctx.store.get(_TAGS, arn)
    if doc is None:
        raise AwsError("ValidationException", "Requested resource not found.")
    return doc


def _check(tags: list[dict[str, str]]) -> None:
    """Keys that begin with ``aws:`` are AWS's own; a key may be given once."""
    keys = [tag["Key"] for tag in tags]
    if any(key.lower().startswith("aws:") for key in keys):
        raise AwsError("ValidationException", "aws: prefixed tag key names are not allowed for external use.")
    if len(set(keys)) < len(keys):
        raise AwsError("ValidationException", "Duplicate tag keys are not allowed.")


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
