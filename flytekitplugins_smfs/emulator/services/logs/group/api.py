"""Making, listing and deleting log groups; their retention and their key."""

from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..service import BAD, PAGE, name_of, require, service
from .record import change, class_of, described, forget, properties
from .rules import check_listing, check_retention, check_tags


@service.operation("CreateLogGroup")
def create_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """Make a group. Whether there is such a key is not looked up."""
    name = request["logGroupName"]
    check_tags(request.get("tags", {}))
    with ctx.store.transaction():
        if not ctx.logs.create_group(name):
            raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
        given = {"tags": request.get("tags"), "key": request.get("kmsKeyId"), "class": request.get("logGroupClass")}
        change(ctx, name, **given)


@service.operation("DescribeLogGroups")
def describe_log_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through groups by prefix, pattern, identifiers and class."""
    check_listing(request)
    pattern = request.get("logGroupNamePattern", "").lower()
    chosen = {name_of(ctx, identifier) for identifier in request.get("logGroupIdentifiers", [])}
    groups = [
        group
        for group in ctx.logs.groups(request.get("logGroupNamePrefix", ""))
        if pattern in group.name.lower() and (not chosen or group.name in chosen)
    ]
    if wanted := request.get("logGroupClass"):
        groups = [group for group in groups if class_of(properties(ctx, group.name)) == wanted]
    items, token = page(groups, request.get("limit", PAGE), request.get("nextToken"), BAD)
    return {"logGroups": [described(ctx, group) for group in items], "nextToken": token}


@service.operation("DeleteLogGroup")
def delete_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """Remove a group and all in it."""
    with ctx.store.transaction():
        require(ctx, request["logGroupName"])
        ctx.logs.delete_group(request["logGroupName"])
        forget(ctx, request["logGroupName"])


@service.operation("PutRetentionPolicy")
def put_retention_policy(ctx: Context, request: dict[str, Any]) -> None:
    """Events are shown and taken up to an age of so many days."""
    require(ctx, request["logGroupName"])
    check_retention(request["retentionInDays"])
    change(ctx, request["logGroupName"], retention=request["retentionInDays"])


@service.operation("DeleteRetentionPolicy")
def delete_retention_policy(ctx: Context, request: dict[str, Any]) -> None:
    """Events never expire again."""
    require(ctx, request["logGroupName"])
    change(ctx, request["logGroupName"], retention=None)


@service.operation("AssociateKmsKey")
def associate_kms_key(ctx: Context, request: dict[str, Any]) -> None:
    """Keep the key of a group. Whether there is such a key is not looked up."""
    change(ctx, _keyed(ctx, request), key=request["kmsKeyId"])


@service.operation("DisassociateKmsKey")
def disassociate_kms_key(ctx: Context, request: dict[str, Any]) -> None:
    """A group without a key."""
    change(ctx, _keyed(ctx, request), key=None)


def _keyed(ctx: Context, request: dict[str, Any]) -> str:
    name = request.get("logGroupName") or name_of(ctx, request.get("resourceIdentifier", ""))
    require(ctx, name)
    return name
