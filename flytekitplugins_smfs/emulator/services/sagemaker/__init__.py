"""SageMaker: training jobs that really run, tuning jobs that really search, their tags, and the search for them."""

from . import lifecycle, records, tags, training, tuning, tuning_lifecycle
from .service import service

__all__ = ["lifecycle", "records", "service", "tags", "training", "tuning", "tuning_lifecycle"]
