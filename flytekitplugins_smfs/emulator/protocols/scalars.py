"""Values that no wire format has: bytes and times."""

import base64
from datetime import UTC, datetime


def read_blob(text: str) -> bytes:
    """The bytes of base64. Raises ValueError if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("A blob is not base64.") from None


def read_timestamp(value: str | float) -> float:
    """Epoch seconds of a number of them, or of ISO 8601 text. Raises ValueError for what is no time since year 1."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        datetime.fromtimestamp(value, UTC)
        return value
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{str(value)[:100]!r} is not a timestamp.") from None


def timestamp_text(value: float | datetime) -> str:
    """ISO 8601 in UTC, from a datetime or epoch seconds."""
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
