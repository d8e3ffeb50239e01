"""Making, listing and deleting log streams."""

from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..service import BAD, PAGE, bad, group_of, require, service
from .record import described


@service.operation("CreateLogStream")
def create_log_stream(ctx: Context, request: dict[str, Any]) -> None:
    """Make a stream in a group that exists."""
    require(ctx, request["logGroupName"])
    if not ctx.logs.create_stream(request["logGroupName"], request["logStreamName"]):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


@service.operation("DescribeLogStreams")
def describe_log_streams(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the streams of a group, by name or by last event."""
    group = group_of(ctx, request)
    by_time = request.get("orderBy") == "LastEventTime"
    if by_time and request.get("logStreamNamePrefix"):
        raise bad("Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = ctx.logs.streams(group, request.get("logStreamNamePrefix", ""))
    streams.sort(
        key=lambda s: (s.last or 0, s.name) if by_time else (0, s.name), reverse=request.get("descending", False)
    )
    items, token = page(streams, request.get("limit", PAGE), request.get("nextToken"), BAD)
    return {"logStreams": [described(ctx, group, stream) for stream in items], "nextToken": token}


@service.operation("DeleteLogStream")
def delete_log_stream(ctx: Context, request: dict[str, Any]) -> None:
    """Remove a stream and its events."""
    require(ctx, request["logGroupName"], request["logStreamName"])
    ctx.logs.delete_stream(request["logGroupName"], request["logStreamName"])
