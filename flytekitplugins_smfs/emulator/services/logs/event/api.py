"""Putting, reading and filtering log events."""

from typing import Any

from ....faults import AwsError
from ....logbook import Event
from ....registry import Context
from ..service import BAD, group_of, require, service
from .pattern import matcher
from .record import read_token, shown, token_of

_EVENTS = 10_000
_FAR = 2**62


@service.operation("PutLogEvents")
def put_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add events, which must come in the order of their timestamps."""
    require(ctx, request["logGroupName"], request["logStreamName"])
    events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
    times = [timestamp for timestamp, _ in events]
    if times != sorted(times):
        raise AwsError(BAD, "Log events in a single PutLogEvents request must be in chronological order.")
    ctx.logs.append(request["logGroupName"], request["logStreamName"], events)
    return {"nextSequenceToken": str(int(ctx.now() * 1000))}


@service.operation("GetLogEvents")
def get_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A page of a stream. As on AWS the end is reached when the token that comes back is the one that was sent."""
    group, stream = group_of(ctx, request), request["logStreamName"]
    require(ctx, group, stream)
    limit = request.get("limit", _EVENTS)
    window = (request.get("startTime", 0), request.get("endTime", _FAR))
    token = request.get("nextToken")
    forward, position = read_token(token) if token else (request.get("startFromHead", False), None)
    if forward:
        events = ctx.logs.after(group, [stream], position or (-1, 0), limit, *window)
    else:
        events = ctx.logs.before(group, [stream], position or (_FAR, 0), limit, *window)
    if events:
        first, last = events[0].position, events[-1].position
    else:
        first = last = position or (0, 0)
    return {
        "events": [shown(event) for event in events],
        "nextForwardToken": token_of("f", last),
        "nextBackwardToken": token_of("b", first),
    }


@service.operation("FilterLogEvents")
def filter_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Events of many streams of a group that match a pattern of words."""
    group = group_of(ctx, request)
    names = request.get("logStreamNames")
    streams = names or [s.name for s in ctx.logs.streams(group, request.get("logStreamNamePrefix", ""))]
    for name in names or []:
        require(ctx, group, name)
    matches = matcher(request.get("filterPattern", ""))
    window = (request.get("startTime", 0), request.get("endTime", _FAR))
    limit = request.get("limit", _EVENTS)
    position = read_token(request["nextToken"])[1] if request.get("nextToken") else (-1, 0)
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
    return _filtered(found, token_of("f", position) if more else None)


def _filtered(events: list[Event], token: str | None) -> dict[str, Any]:
    found = [{**shown(e), "logStreamName": e.stream, "eventId": f"{e.id:056}"} for e in events]
    return {"events": found, "searchedLogStreams": [], "nextToken": token}
