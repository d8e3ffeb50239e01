"""."""

from ..registry import Service

service = Service("cloudwatch")
