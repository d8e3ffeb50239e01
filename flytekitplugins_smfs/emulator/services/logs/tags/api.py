"""Tags of log groups, by their ARN and, as it was done once, by their name."""

from typing import Any

from ....registry import Context
from ..service import require, service
from .record import add, group_named, remove, tags_of


@service.operation("TagResource")
def tag_resource(ctx: Context, request: dict[str, Any]) -> None:
    """Add or replace tags."""
    add(ctx, group_named(ctx, request["resourceArn"]), request["tags"])


@service.operation("UntagResource")
def untag_resource(ctx: Context, request: dict[str, Any]) -> None:
    """Remove tags; those that are not there are no error."""
    remove(ctx, group_named(ctx, request["resourceArn"]), request["tagKeys"])


@service.operation("ListTagsForResource")
def list_tags_for_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The tags of a group."""
    return {"tags": tags_of(ctx, group_named(ctx, request["resourceArn"]))}


@service.operation("TagLogGroup")
def tag_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """TagResource, by name."""
    require(ctx, request["logGroupName"])
    add(ctx, request["logGroupName"], request["tags"])


@service.operation("UntagLogGroup")
def untag_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """UntagResource, by name."""
    require(ctx, request["logGroupName"])
    remove(ctx, request["logGroupName"], request["tags"])


@service.operation("ListTagsLogGroup")
def list_tags_log_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource, by name."""
    require(ctx, request["logGroupName"])
    return {"tags": tags_of(ctx, request["logGroupName"])}
