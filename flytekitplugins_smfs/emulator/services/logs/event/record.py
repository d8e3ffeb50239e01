"""Events and positions as answers and requests have them."""

import base64
from collections.abc import Iterable
from typing import Any

from ....logbook import Event, Position
from ..service import bad
from .rules import size

FAR = 2**62
"""Later than any time, and further than any id."""
_LARGEST_PAGE = 2**20


def shown(event: Event) -> dict[str, Any]:
    """An event of an answer."""
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


def found(event: Event) -> dict[str, Any]:
    """An event of FilterLogEvents' answer."""
    return {**shown(event), "logStreamName": event.stream, "eventId": f"{event.id:056}"}


def fitting(events: Iterable[Event]) -> list[Event]:
    """The first events, as many as fit in an answer of 1 MiB, but one at least."""
    page: list[Event] = []
    room = _LARGEST_PAGE
    for event in events:
        room -= size(event.message)
        if room < 0 and page:
            break
        page.append(event)
    return page


def token_of(direction: str, position: Position) -> str:
    """The token that stands for a position, read forward ("f") or backward ("b") from."""
    number = base64.b16encode(f"{position[0]}:{position[1]}".encode()).decode()
    return f"{direction}/{number}/s"


def read_token(token: str) -> tuple[bool, Position]:
    """Whether a token leads forward, and from where."""
    try:
        direction, number, _ = token.split("/")
        timestamp, id = map(int, base64.b16decode(number).decode().split(":"))
    except ValueError:
        raise bad("The specified nextToken is invalid.") from None
    if direction not in ("f", "b") or not (abs(timestamp) <= FAR and abs(id) <= FAR):
        raise bad("The specified nextToken is invalid.")
    return direction == "f", (timestamp, id)
