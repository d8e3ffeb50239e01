"""SageMaker: training jobs that really run, tuning jobs that really search, their tags, and the search for them."""

from .service import service

__all__ = ["service"]
