"""How a log stream is described."""

from typing import Any

from ....logbook import Stream
from ....registry import Context


def described(ctx: Context, group: str, stream: Stream) -> dict[str, Any]:
    """A stream of DescribeLogStreams' answer."""
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": stream.first,
        "lastEventTimestamp": stream.last,
        "lastIngestionTime": stream.ingested,
        "uploadSequenceToken": str(stream.created),
        "arn": ctx.arn("logs", f"log-group:{group}:log-stream:{stream.name}"),
        "storedBytes": 0,
    }
