"""GetMetricStatistics and GetMetricData."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....metrics import Metric
from ....registry import Context
from ..metric.record import metric_of
from ..service import service

_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Sum": lambda values: float(sum(values)),
    "Minimum": lambda values: float(min(values)),
    "Maximum": lambda values: float(max(values)),
    "SampleCount": lambda values: float(len(values)),
}


@service.operation("GetMetricStatistics")
def get_metric_statistics(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Statistics of one metric per period."""
    if request.get("ExtendedStatistics"):
        raise NotImplementedByEmulator("percentile statistics")
    if not request.get("Statistics"):
        raise AwsError("MissingParameter", "The request must contain Statistics or ExtendedStatistics.")
    metric = metric_of(request["Namespace"], request["MetricName"], request.get("Dimensions", []))
    buckets = _buckets(ctx, metric, request["StartTime"], request["EndTime"], request["Period"])
    points = [
        {"Timestamp": when, "Unit": "None", **{name: _STATISTICS[name](values) for name in request["Statistics"]}}
        for when, values in buckets
    ]
    return {"Label": request["MetricName"], "Datapoints": points}


@service.operation("GetMetricData")
def get_metric_data(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One statistic per query and period, newest first unless asked otherwise."""
    descending = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    results = []
    for query in request["MetricDataQueries"]:
        if "MetricStat" not in query:
            raise NotImplementedByEmulator("metric math expressions")
        if not query.get("ReturnData", True):
            continue
        asked = query["MetricStat"]
        statistic = _STATISTICS.get(asked["Stat"])
        if statistic is None:
            raise NotImplementedByEmulator(f"the statistic {asked['Stat']}")
        named = asked["Metric"]
        metric = metric_of(named["Namespace"], named["MetricName"], named.get("Dimensions", []))
        points = [
            (when, statistic(values))
            for when, values in _buckets(ctx, metric, request["StartTime"], request["EndTime"], asked["Period"])
        ]
        points.sort(reverse=descending)
        results.append(
            {
                "Id": query["Id"],
                "Label": query.get("Label", named["MetricName"]),
                "Timestamps": [when for when, _ in points],
                "Values": [value for _, value in points],
                "StatusCode": "Complete",
            }
        )
    return {"MetricDataResults": results, "Messages": []}


def _buckets(ctx: Context, metric: Metric, start: float, end: float, period: int) -> list[tuple[float, list[float]]]:
    """The points of each period that has some, oldest first. Periods begin at multiples of their length."""
    buckets: dict[float, list[float]] = defaultdict(list)
    for when, value in ctx.metrics.points(metric, start, end):
        buckets[float(when // period * period)].append(value)
    return sorted(buckets.items())
