"""CloudWatch metrics: data points in, statistics out."""

from .service import service

__all__ = ["service"]
