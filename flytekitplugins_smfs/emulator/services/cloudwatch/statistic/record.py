"""Data points gathered by period and unit, and the statistics of what was gathered."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable

from ....metrics import Datum

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)")
SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


def percentile(name: str) -> float | None:
    """The number in ``p90`` or ``p99.9``; None if it is no percentile from p0.0 to p100."""
    found = _PERCENTILE.fullmatch(name)
    return float(found[1]) if found else None


class Summary:
    """What was observed in one unit during one period."""

    def __init__(self) -> None:
        self._low, self._high = math.inf, -math.inf
        self._total = self._count = 0.0
        self._values: dict[float, float] | None = {}
        """How often each value was observed; None once that is not known any more."""

    def add(self, datum: Datum) -> None:
        """Take a data point in."""
        self._low, self._high = min(self._low, datum.low), max(self._high, datum.high)
        self._total += datum.total
        self._count += datum.count
        if datum.low != datum.high and datum.count != 1:
            self._values = None  # a statistic set tells nothing of its single values
        elif self._values is not None:
            value = datum.low if datum.low == datum.high else datum.total
            self._values[value] = self._values.get(value, 0) + datum.count

    def statistic(self, name: str) -> float | None:
        """A simple statistic or a percentile. None for a percentile that CloudWatch does not give.

        It gives none of negative values, nor of statistic sets of different values (API reference of
        GetMetricStatistics). AWS does not say how it computes them; this is the smallest value that so many percent of
        the values do not exceed.
        """
        if name in SIMPLE:
            return {
                "SampleCount": self._count,
                "Average": self._total / self._count,
                "Sum": self._total,
                "Minimum": self._low,
                "Maximum": self._high,
            }[name]
        share = percentile(name)
        if share is None or self._values is None or self._low < 0:
            return None
        return self._ranked(self._values, share)

    def _ranked(self, values: dict[float, float], share: float) -> float:
        rank, below = self._count * share / 100, 0.0
        for value, count in sorted(values.items()):
            below += count
            if below >= rank and below > 0:
                return value
        return self._high


def gathered(data: Iterable[Datum], period: int, origin: float = 0.0) -> dict[str, list[tuple[float, Summary]]]:
    """By unit, the periods that have data (their beginning in epoch seconds), oldest first.

    Periods are counted from ``origin``. A data point of regular resolution belongs to its minute.
    """
    found: dict[str, dict[float, Summary]] = defaultdict(lambda: defaultdict(Summary))
    for datum in data:
        when = max(datum.timestamp // datum.resolution * datum.resolution, origin)
        found[datum.unit][origin + (when - origin) // period * period].add(datum)
    return {unit: sorted(periods.items()) for unit, periods in found.items()}
