"""CloudWatch metrics: data points in, statistics out."""

from .metric import api as metrics
from .service import service
from .statistic import api as statistics

__all__ = ["metrics", "service", "statistics"]
