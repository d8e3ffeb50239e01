"""Tags of log groups, by their ARN and, as it was done once, by their name."""

from typing import Any

from ....registry import Context
from ..service import bad, name_of, require, service
from .record import change, properties
from .rules import check_tags


@service.operation("TagResource")
def tag_resource(ctx: Context, request: dict[str, Any]) -> None:
    """Add or replace tags."""
    _tag(ctx, _named(ctx, request["resourceArn"]), request["tags"])


@service.operation("UntagResource")
def untag_resource(ctx: Context, request: dict[str, Any]) -> None:
    """Remove tags; those that are not there are no error."""
    _untag(ctx, _named(ctx, request["resourceArn"]), request["tagKeys"])


@service.operation("ListTagsForResource")
def list_tags_for_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The tags of a group."""
    return {"tags": _tags(ctx, _named(ctx, request["resourceArn"]))}


@service.operation("TagLogGroup")
def tag_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """TagResource, by name."""
    require(ctx, request["logGroupName"])
    _tag(ctx, request["logGroupName"], request["tags"])


@service.operation("UntagLogGroup")
def untag_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """UntagResource, by name."""
    require(ctx, request["logGroupName"])
    _untag(ctx, request["logGroupName"], request["tags"])


@service.operation("ListTagsLogGroup")
def list_tags_log_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource, by name."""
    require(ctx, request["logGroupName"])
    return {"tags": _tags(ctx, request["logGroupName"])}


def _named(ctx: Context, arn: str) -> str:
    if not arn.startswith("arn:") or ":log-group:" not in arn:
        raise bad(f"{arn} is not the ARN of a log group.")
    name = name_of(ctx, arn)
    require(ctx, name)
    return name


def _tags(ctx: Context, name: str) -> dict[str, str]:
    return dict(properties(ctx, name).get("tags", {}))


def _tag(ctx: Context, name: str, tags: dict[str, str]) -> None:
    with ctx.store.transaction():
        all_tags = {**_tags(ctx, name), **tags}
        check_tags(all_tags)
        change(ctx, name, tags=all_tags)


def _untag(ctx: Context, name: str, keys: list[str]) -> None:
    with ctx.store.transaction():
        change(ctx, name, tags={key: value for key, value in _tags(ctx, name).items() if key not in keys})
