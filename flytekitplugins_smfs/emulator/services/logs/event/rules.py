"""What PutLogEvents and FilterLogEvents refuse, or leave out.

Sources: API reference of PutLogEvents and FilterLogEvents; the texts are those that clients quote in public reports.
"""

from dataclasses import dataclass
from typing import Any

from ..service import bad

_DAY = 86_400_000
_LARGEST_BATCH = 2**20
_OVERHEAD = 26
_PAST = 14 * _DAY
_FUTURE = 2 * 3_600_000


@dataclass(frozen=True)
class Batch:
    """The (timestamp, message) pairs of a request that are taken, and what is told of the others."""

    events: list[tuple[int, str]]
    rejected: dict[str, int]


def size(message: str) -> int:
    """What an event counts, in bytes."""
    return len(message.encode("utf-8", "replace")) + _OVERHEAD


def taken(events: list[tuple[int, str]], now: int, retention: int | None) -> Batch:
    """What of a batch is taken at ``now`` (epoch milliseconds) by a group that keeps so many days.

    Raises for a batch that is out of order, too large, or of over a day.
    """
    times = [timestamp for timestamp, _ in events]
    if times != sorted(times):
        raise bad("Log events in a single PutLogEvents request must be in chronological order.")
    sizes = [size(message) for _, message in events]
    if max(sizes) > _LARGEST_BATCH:
        raise bad(f"Log event too large: {max(sizes)} bytes exceeds limit of {_LARGEST_BATCH}")
    if sum(sizes) > _LARGEST_BATCH:
        raise bad(f"Upload too large: {sum(sizes)} bytes exceeds limit of {_LARGEST_BATCH}")
    too_old = sum(time < now - _PAST for time in times)
    expired = sum(time < now - retention * _DAY for time in times) if retention is not None else 0
    first, last = max(too_old, expired), sum(time <= now + _FUTURE for time in times)
    if first < last and times[last - 1] - times[first] > _DAY:
        raise bad("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    rejected = {
        # Both ends are exclusive, the start is inclusive, says the API reference.
        **({"tooOldLogEventEndIndex": too_old} if too_old else {}),
        **({"expiredLogEventEndIndex": expired} if expired else {}),
        **({"tooNewLogEventStartIndex": last} if last < len(times) else {}),
    }
    return Batch(events[first:last], rejected)


def check_choice(request: dict[str, Any]) -> None:
    """Streams are chosen by their names or by a prefix."""
    if "logStreamNames" in request and "logStreamNamePrefix" in request:
        raise bad("Only one of logStreamNames and logStreamNamePrefix can be specified.")


def oldest_shown(now: int, retention: int | None) -> int:
    """The time (epoch milliseconds) before which a group shows nothing."""
    return now - retention * _DAY if retention is not None else 0
