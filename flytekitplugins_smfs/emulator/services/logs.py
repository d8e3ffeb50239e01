"""."""

from ..registry import Service

service = Service("logs")
