"""The identity of a metric, as requests and answers have it."""

from typing import Any

from ....metrics import Metric


def metric_of(namespace: str, name: str, dimensions: list[dict[str, str]]) -> Metric:
    """The identity that a request gives."""
    return Metric.of(namespace, name, {dimension["Name"]: dimension["Value"] for dimension in dimensions})


def fits(metric: Metric, request: dict[str, Any]) -> bool:
    """Whether a metric is among those that ListMetrics is asked for."""
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
