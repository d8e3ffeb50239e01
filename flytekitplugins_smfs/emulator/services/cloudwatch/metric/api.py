"""PutMetricData and ListMetrics."""

from collections.abc import Iterator
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....paging import page
from ....registry import Context
from ..service import service
from .record import fits, metric_of

_PAGE = 500


@service.operation("PutMetricData")
def put_metric_data(ctx: Context, request: dict[str, Any]) -> None:
    """Keep data points; a value with a count is that many points."""
    if request["Namespace"].startswith("AWS/"):
        raise AwsError("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
    for datum in request.get("MetricData", []):
        metric = metric_of(request["Namespace"], datum["MetricName"], datum.get("Dimensions", []))
        when = datum.get("Timestamp", ctx.now())
        ctx.metrics.put(metric, [(when, value) for value in _values(datum)], datum.get("Unit", "None"))


@service.operation("ListMetrics")
def list_metrics(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the series by namespace, name and dimensions."""
    found = [metric for metric in ctx.metrics.all() if fits(metric, request)]
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


def _values(datum: dict[str, Any]) -> Iterator[float]:
    if "StatisticValues" in datum:
        raise NotImplementedByEmulator("statistic sets")
    if "Value" in datum:
        yield datum["Value"]
    counts = datum.get("Counts") or [1.0] * len(datum.get("Values", []))
    for value, count in zip(datum.get("Values", []), counts, strict=True):
        yield from [value] * int(count)
