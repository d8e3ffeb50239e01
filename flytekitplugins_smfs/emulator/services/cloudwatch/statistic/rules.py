"""Periods, times and statistics that CloudWatch takes, and for how long it keeps what.

Source: API reference of GetMetricStatistics and GetMetricData.
"""

import math
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from .record import SIMPLE, percentile

_SHORT_PERIODS = (1, 5, 10, 20, 30)
_MOST_POINTS = 1440
_DAY = 86400.0
_KEPT = ((3600, 455 * _DAY), (300, 63 * _DAY), (60, 15 * _DAY), (1, 3 * 3600.0))
"""Which multiple of seconds a period has to be, for data up to which age (seconds)."""


def invalid(message: str) -> AwsError:
    """InvalidParameterValue."""
    return AwsError("InvalidParameterValue", message)


def bad_query(message: str) -> AwsError:
    """What GetMetricData answers to a query that it does not take."""
    return AwsError("ValidationError", message)


def check_period(period: int, place: str = "Period") -> None:
    """Seconds: some below a minute, or any multiple of a minute."""
    if period not in _SHORT_PERIODS and (period < 60 or period % 60):
        raise invalid(
            f"The parameter {place} must be a value in the set [{', '.join(map(str, _SHORT_PERIODS))}] "
            "or a multiple of 60."
        )


def check_statistics(request: dict[str, Any]) -> None:
    """The rules of GetMetricStatistics for its whole request."""
    check_period(request["Period"])
    start, end = request["StartTime"], request["EndTime"]
    if start >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    if bool(request.get("Statistics")) == bool(request.get("ExtendedStatistics")):
        text = "Must specify either Statistics or ExtendedStatistics"
        raise AwsError("InvalidParameterCombination", text)
    for name in request.get("ExtendedStatistics", []):
        check_statistic(name, "ExtendedStatistics")
    points = math.ceil((end - start) / request["Period"])
    if points > _MOST_POINTS:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {points:,} datapoints, which exceeds the limit of {_MOST_POINTS:,}. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range.",
        )


def check_statistic(name: str, place: str) -> None:
    """A percentile, or one of the simple statistics where they are taken. The others are refused by name."""
    if percentile(name) is not None or (name in SIMPLE and place != "ExtendedStatistics"):
        return
    if name.lower().startswith(("tm", "tc", "ts", "wm", "pr", "iqm")):
        raise NotImplementedByEmulator(f"the statistic {name}")
    raise invalid(f"The value {name} for parameter {place} is not supported.")


def window(start: float, end: float, period: int, now: float) -> tuple[float, float]:
    """The part of a time range (epoch seconds) of which CloudWatch has data for a period, its start rounded down."""
    age = now - start
    step = 60 if age < 15 * _DAY else 300 if age < 63 * _DAY else 3600
    if period < 60:
        step = period
    kept = next(seconds for multiple, seconds in _KEPT if period % multiple == 0)
    return max(start // step * step, now - kept), end
