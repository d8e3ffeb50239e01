"""SageMaker: training jobs that really run, tuning jobs that really search, and their tags."""

from . import lifecycle, tags, training, tuning, tuning_lifecycle
from .service import service

__all__ = ["lifecycle", "service", "tags", "training", "tuning", "tuning_lifecycle"]
