"""Putting, reading and filtering log events."""

from typing import Any

from ....logbook import Event, Streams
from ....registry import Context
from ..group.record import check_standard, properties
from ..service import group_of, require, service
from .pattern import matcher
from .record import FAR, fitting, found, read_token, shown, token_of
from .rules import check_choice, oldest_shown, taken

_EVENTS = 10_000


@service.operation("PutLogEvents")
def put_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add events, which must come in the order of their timestamps. Those of the wrong time are left out and told."""
    group, stream = request["logGroupName"], request["logStreamName"]
    require(ctx, group, stream)
    now = int(ctx.now() * 1000)
    given = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
    batch = taken(given, now, properties(ctx, group).get("retention"))
    ctx.logs.append(group, stream, batch.events)
    return {"nextSequenceToken": str(now), "rejectedLogEventsInfo": batch.rejected or None}


@service.operation("GetLogEvents")
def get_log_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A page of a stream. As on AWS the end is reached when the token that comes back is the one that was sent."""
    group, stream = group_of(ctx, request), request["logStreamName"]
    require(ctx, group, stream)
    check_standard(ctx, group, "GetLogEvents")
    limit, window = request.get("limit", _EVENTS), _window(ctx, group, request)
    token = request.get("nextToken")
    forward, position = read_token(token) if token else (request.get("startFromHead", False), None)
    if forward:
        events = fitting(ctx.logs.after(group, [stream], position or (-1, 0), limit, *window))
    else:
        events = fitting(ctx.logs.before(group, [stream], position or (FAR, 0), limit, *window)[::-1])[::-1]
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
    """Events of many streams of a group that match a pattern, in the order of their times."""
    check_choice(request)
    group = group_of(ctx, request)
    check_standard(ctx, group, "FilterLogEvents")
    streams: Streams = request.get("logStreamNames") or request.get("logStreamNamePrefix", "")
    for name in request.get("logStreamNames", []):
        require(ctx, group, name)
    matches, window = matcher(request.get("filterPattern", "")), _window(ctx, group, request)
    limit = request.get("limit", _EVENTS)
    position = read_token(request["nextToken"])[1] if request.get("nextToken") else (-1, 0)
    matching: list[Event] = []
    while len(matching) < limit and (batch := ctx.logs.after(group, streams, position, _EVENTS, *window)):
        for event in batch:
            position = event.position
            if matches(event.message):
                matching.append(event)
                if len(matching) == limit:
                    break
        page = fitting(matching)
        if len(page) < len(matching):
            matching, position = page, page[-1].position
            break
    more = ctx.logs.after(group, streams, position, 1, *window)
    token = token_of("f", position) if more else None
    return {"events": [found(event) for event in matching], "searchedLogStreams": [], "nextToken": token}


def _window(ctx: Context, group: str, request: dict[str, Any]) -> tuple[int, int]:
    """From when to before when (epoch milliseconds) events are asked for that the group still shows."""
    oldest = oldest_shown(int(ctx.now() * 1000), properties(ctx, group).get("retention"))
    return min(max(request.get("startTime", 0), oldest), FAR), min(request.get("endTime", FAR), FAR)
