"""The SageMaker runtime: what is asked of endpoints."""

from .service import service

__all__ = ["service"]
