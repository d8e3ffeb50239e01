"""How fast AWS is asked, and how long to wait before asking again."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable

# Requests per second of one account and region, each at or under what AWS is known to take:
# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html, https://docs.aws.amazon.com/fsx/latest/LustreGuide/limits.html
RATES: dict[tuple[str, str], float] = {
    ("sagemaker", "CreateTrainingJob"): 1,
    ("sagemaker", "ListTrainingJobs"): 2,
    ("sagemaker", "DescribeTrainingJob"): 5,
    ("sagemaker", "ListTrainingJobsForHyperParameterTuningJob"): 2,
}
DEFAULT_RATE = 10.0
BURST_SECONDS = 1.0
MARGIN = 0.95
"""Of a rate is used so much: exactly at it, a call that is a little early is refused."""


class TokenBucket:
    """Lets `rate` calls through per second, and a burst of a second's worth after a rest. Thread-safe."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = max(1.0, rate * BURST_SECONDS)
        self._clock = clock
        self._tokens = self.burst
        self._at = clock()
        self._lock = threading.Lock()

    def reserve(self, longest: float = math.inf) -> float | None:
        """Take one token and return how many seconds to wait before using it.

        None, and no token is taken, when that would be more than `longest`.
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
            self._at = now
            wait = max(0.0, (1 - self._tokens) / self.rate)
            if wait > longest:
                return None
            self._tokens -= 1
            return wait

    def ready(self) -> bool:
        """Whether a token is there now; none is taken."""
        with self._lock:
            return self._tokens + (self._clock() - self._at) * self.rate >= 1


def rate_of(service: str, operation: str, ceiling: float | None) -> float:
    """Requests per second for an operation; `ceiling` is the settings' upper bound."""
    rate = RATES.get((service, operation), DEFAULT_RATE)
    return rate * MARGIN if ceiling is None else min(rate * MARGIN, ceiling)


def full_jitter(attempt: int, base: float = 0.2, cap: float = 20.0) -> float:
    """Seconds to wait before try `attempt` (from 1): uniform between 0 and a doubling bound.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random.uniform(0, min(cap, base * 2**attempt))
