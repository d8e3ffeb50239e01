"""Events and positions as answers and requests have them."""

import base64
from typing import Any

from ....faults import AwsError
from ....logbook import Event, Position
from ..service import BAD


def shown(event: Event) -> dict[str, Any]:
    """An event of an answer."""
    return {"timestamp": event.timestamp, "message": event.message, "ingestionTime": event.ingested}


def token_of(direction: str, position: Position) -> str:
    """The token that stands for a position, read forward ("f") or backward ("b") from."""
    number = base64.b16encode(f"{position[0]}:{position[1]}".encode()).decode()
    return f"{direction}/{number}/s"


def read_token(token: str) -> tuple[bool, Position]:
    """Whether a token leads forward, and from where."""
    try:
        direction, number, _ = token.split("/")
        timestamp, id = base64.b16decode(number).decode().split(":")
        return direction == "f", (int(timestamp), int(id))
    except ValueError:
        raise AwsError(BAD, "The specified nextToken is invalid.") from None
