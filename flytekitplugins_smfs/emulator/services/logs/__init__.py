"""CloudWatch Logs: groups, streams and events, with the tokens and texts of the API reference."""

from .event import api as events
from .group import api as groups
from .service import service
from .stream import api as streams

__all__ = ["events", "groups", "service", "streams"]
