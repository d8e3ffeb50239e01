"""Making, listing and deleting log groups."""

from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..service import BAD, PAGE, require, service


@service.operation("CreateLogGroup")
def create_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """Make a group."""
    if not ctx.logs.create_group(request["logGroupName"]):
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


@service.operation("DescribeLogGroups")
def describe_log_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through groups by prefix or pattern."""
    groups = [
        {
            "logGroupName": group.name,
            "creationTime": group.created,
            "metricFilterCount": 0,
            "arn": ctx.arn("logs", f"log-group:{group.name}:*"),
            "logGroupArn": ctx.arn("logs", f"log-group:{group.name}"),
            "storedBytes": 0,
            "logGroupClass": "STANDARD",
        }
        for group in ctx.logs.groups(request.get("logGroupNamePrefix", ""))
        if request.get("logGroupNamePattern", "").lower() in group.name.lower()
    ]
    items, token = page(groups, request.get("limit", PAGE), request.get("nextToken"), BAD)
    return {"logGroups": items, "nextToken": token}


@service.operation("DeleteLogGroup")
def delete_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """Remove a group and all in it."""
    require(ctx, request["logGroupName"])
    ctx.logs.delete_group(request["logGroupName"])
