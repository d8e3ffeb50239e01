"""CloudWatch metrics: data points in, statistics out."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from ..faults import AwsError, NotImplementedByEmulator
from ..metrics import Metric
from ..paging import page
from ..registry import Context, Service

service = Service("cloudwatch")

_PAGE = 500
_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Average": lambda values: sum(values) / len(values),
    "Sum": lambda values: float(sum(values)),
    "Minimum": lambda values: float(min(values)),
    "Maximum": lambda values: float(max(values)),
    "SampleCount": lambda values: float(len(values)),
}


@service.operation("PutMetricData")
def put_metric_data(ctx: Context, request: dict[str, Any]) -> None:
    """Keep data points; a value with a count is that many points."""
    if request["Namespace"].startswith("AWS/"):
        raise AwsError("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
    for datum in request.get("MetricData", []):
        metric = _metric(request["Namespace"], datum["MetricName"], datum.get("Dimensions", []))
        when = datum.get("Timestamp", ctx.now())
        ctx.metrics.put(metric, [(when, value) for value in _values(datum)], datum.get("Unit", "None"))


@service.operation("GetMetricStatistics")
def get_metric_statistics(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Statistics of one metric per period."""
    if request.get("ExtendedStatistics"):
        raise NotImplementedByEmulator("percentile statistics")
    if not request.get("Statistics"):
        raise AwsError("MissingParameter", "The request must contain Statistics or ExtendedStatistics.")
    metric = _metric(request["Namespace"], request["MetricName"], request.get("Dimensions", []))
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
        metric = _metric(named["Namespace"], named["MetricName"], named.get("Dimensions", []))
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


@service.operation("ListMetrics")
def list_metrics(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the series by namespace, name and dimensions."""
    found = [metric for metric in ctx.metrics.all() if _fits(metric, request)]
    items, token = page(found, _PAGE, request.get("NextToken"), "InvalidParameterValue")
    shown = [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
        }
        for metric in items
    ]
    return {"Metrics": shown, "NextToken": token}


def _metric(namespace: str, name: str, dimensions: list[dict[str, str]]) -> Metric:
    return Metric.of(namespace, name, {dimension["Name"]: dimension["Value"] for dimension in dimensions})


def _values(datum: dict[str, Any]) -> Iterator[float]:
    if "StatisticValues" in datum:
        raise NotImplementedByEmulator("statistic sets")
    if "Value" in datum:
        yield datum["Value"]
    counts = datum.get("Counts") or [1.0] * len(datum.get("Values", []))
    for value, count in zip(datum.get("Values", []), counts, strict=True):
        yield from [value] * int(count)


def _buckets(ctx: Context, metric: Metric, start: float, end: float, period: int) -> list[tuple[float, list[float]]]:
    """The points of each period that has some, oldest first. Periods begin at multiples of their length."""
    buckets: dict[float, list[float]] = defaultdict(list)
    for when, value in ctx.metrics.points(metric, start, end):
        buckets[float(when // period * period)].append(value)
    return sorted(buckets.items())


def _fits(metric: Metric, request: dict[str, Any]) -> bool:
    dimensions = dict(metric.dimensions)
    return (
        request.get("Namespace", metric.namespace) == metric.namespace
        and request.get("MetricName", metric.name) == metric.name
        and all(
            filter["Name"] in dimensions
            and filter.get("Value", dimensions[filter["Name"]]) == dimensions[filter["Name"]]
            for filter in request.get("Dimensions", [])
        )
    )
