"""CloudWatch Logs: groups, streams and events, with the tokens and texts of the API reference."""

from .service import service

__all__ = ["service"]
