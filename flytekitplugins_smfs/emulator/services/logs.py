"""CloudWatch Logs: groups, streams and events, with the tokens and texts of the API reference."""

import base64
import shlex
from collections.abc import Callable
from typing import Any

from ..faults import AwsError, NotImplementedByEmulator
from ..logbook import Event, Position
from ..paging import page
from ..registry import Context, Service

service = Service("logs")

_BAD = "InvalidParameterException"
_PAGE = 50
_EVENTS = 10_000
_FAR = 2**62


@service.operation("CreateLogGroup")
def create_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """Make a group."""
    if not ctx.logs.create_group(request["logGroupName"]):
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")


@service.operation("CreateLogStream")
def create_log_stream(ctx: Context, request: dict[str, Any]) -> None:
    """Make a stream in a group that exists."""
    _require(ctx, request["logGroupName"])
    if not ctx.logs.create_stream(request["logGroupName"], request["logStreamName"]):
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")


@service.operation("DeleteLogGroup")
def delete_log_group(ctx: Context, request: dict[str, Any]) -> None:
    """Remove a group and all in it."""
    _require(ctx, request["logGroupName"])
    ctx.logs.delete_group(request["logGroupName"])


@service.operation("DeleteLogStream")
def delete_log_stream(ctx: Context, request: dict[str, Any]) -> None:
    """Remove a stream and its events."""
    _require(ctx, request["logGroupName"], request["logStreamName"])
    ctx.logs.delete_stream(request["logGroupName"], request["logStreamName"])


@service.operation("PutLogEvents")
def put_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add events, which must come in the order of their timestamps."""
    _require(ctx, request["logGroupName"], request["logStreamName"])
    events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
    times = [timestamp for timestamp, _ in events]
    if times != sorted(times):
        raise AwsError(_BAD, "Log events in a single PutLogEvents request must be in chronological order.")
    ctx.logs.append(request["logGroupName"], request["logStreamName"], events)
    return {"nextSequenceToken": str(int(ctx.now() * 1000))}


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
    items, token = page(groups, request.get("limit", _PAGE), request.get("nextToken"), _BAD)
    return {"logGroups": items, "nextToken": token}


@service.operation("DescribeLogStreams")
def describe_log_streams(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the streams of a group, by name or by last event."""
    group = _group_of(ctx, request)
    by_time = request.get("orderBy") == "LastEventTime"
    if by_time and request.get("logStreamNamePrefix"):
        raise AwsError(_BAD, "Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = ctx.logs.streams(group, request.get("logStreamNamePrefix", ""))
    streams.sort(
        key=lambda s: (s.last or 0, s.name) if by_time else (0, s.name), reverse=request.get("descending", False)
    )
    shown = [
        {
            "logStreamName": stream.name,
            "creationTime": stream.created,
            "firstEventTimestamp": stream.first,
            "lastEventTimestamp": stream.last,
            "lastIngestionTime": stream.ingested,
            "uploadSequenceToken": str(stream.created),
            "arn": ctx.arn("logs", f"log-group:{group}:log-stream:{stream.name}"),
            "storedBytes": 0,
        }
        for stream in streams
    ]
    items, token = page(shown, request.get("limit", _PAGE), request.get("nextToken"), _BAD)
    return {"logStreams": items, "nextToken": token}


@service.operation("GetLogEvents")
def get_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A page of a stream. As on AWS the end is reached when the token that comes back is the one that was sent."""
    group, stream = _group_of(ctx, request), request["logStreamName"]
    _require(ctx, group, stream)
    limit = request.get("limit", _EVENTS)
    window = (request.get("startTime", 0), request.get("endTime", _FAR))
    token = request.get("nextToken")
    forward, position = _read_token(token) if token else (request.get("startFromHead", False), None)
    if forward:
        events = ctx.logs.after(group, [stream], position or (-1, 0), limit, *window)
    else:
        events = ctx.logs.before(group, [stream], position or (_FAR, 0), limit, *window)
    if events:
        first, last = events[0].position, events[-1].position
    else:
        first = last = position or (0, 0)
    return {
        "events": [_shown(event) for event in events],
        "nextForwardToken": _token("f", last),
        "nextBackwardToken": _token("b", first),
    }


@service.operation("FilterLogEvents")
def filter_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Events of many streams of a group that match a pattern of words."""
    group = _group_of(ctx, request)
    names = request.get("logStreamNames")
    streams = names or [s.name for s in ctx.logs.streams(group, request.get("logStreamNamePrefix", ""))]
    for name in names or []:
        _require(ctx, group, name)
    matches = _matcher(request.get("filterPattern", ""))
    window = (request.get("startTime", 0), request.get("endTime", _FAR))
    limit = request.get("limit", _EVENTS)
    position = _read_token(request["nextToken"])[1] if request.get("nextToken") else (-1, 0)
    found: list[Event] = []
    while len(found) < limit:
        batch = ctx.logs.after(group, streams, position, _EVENTS, *window)
        if not batch:
            return _filtered(found, None)
        for event in batch:
            position = event.position
            if matches(event.message):
                found.append(event)
                if len(found) == limit:
                    break
    more = ctx.logs.after(group, streams, position, 1, *window)
    return _filtered(found, _token("f", position) if more else None)


def _filtered(events: list[Event], token: str | None) -> dict[str, Any]:
    shown = [{**_shown(e), "logStreamName": e.stream, "eventId": f"{e.id:056}"} for e in events]
    return {"events": shown, "searchedLogStreams": [], "nextToken": token}


def _shown(event: Event) -> dict[str, Any]:
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


def _require(ctx: Context, group: str, stream: str | None = None) -> None:
    if not ctx.logs.has_group(group):
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    if stream is not None and not ctx.logs.has_stream(group, stream):
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")


def _group_of(ctx: Context, request: dict[str, Any]) -> str:
    """The group that a request names, or identifies by its ARN."""
    identifier = request.get("logGroupIdentifier", "")
    name = request.get("logGroupName") or identifier.partition(":log-group:")[2].removesuffix(":*") or identifier
    if not name:
        raise AwsError(_BAD, "Exactly one of logGroupName and logGroupIdentifier must be specified.")
    _require(ctx, name)
    return str(name)


def _token(direction: str, position: Position) -> str:
    number = base64.b16encode(f"{position[0]}:{position[1]}".encode()).decode()
    return f"{direction}/{number}/s"


def _read_token(token: str) -> tuple[bool, Position]:
    try:
        direction, number, _ = token.split("/")
        timestamp, id = base64.b16decode(number).decode().split(":")
        return direction == "f", (int(timestamp), int(id))
    except ValueError:
        raise AwsError(_BAD, "The specified nextToken is invalid.") from None


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Words that must all be there, ``-word`` that must not, ``?word`` of which one must."""
    if pattern.lstrip().startswith(("{", "[", "%")):
        raise NotImplementedByEmulator(f"the filter pattern {pattern!r}; only words are")
    words = shlex.split(pattern)
    needed = [word for word in words if word[0] not in "-?"]
    banned = [word[1:] for word in words if word[0] == "-"]
    either = [word[1:] for word in words if word[0] == "?"]

    def matches(message: str) -> bool:
        if needed:
            wanted = all(word in message for word in needed)
        else:
            wanted = not either or any(word in message for word in either)
        return wanted and not any(word in message for word in banned)

    return matches
