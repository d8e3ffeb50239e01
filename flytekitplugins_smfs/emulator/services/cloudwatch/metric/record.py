"""Metrics and their data as requests have them, and metrics as answers have them."""

from collections.abc import Iterator
from typing import Any

from ....metrics import Datum, Metric


def metric_of(namespace: str, name: str, dimensions: list[dict[str, str]]) -> Metric:
    """The identity that a request gives."""
    return Metric.of(namespace, name, {dimension["Name"]: dimension["Value"] for dimension in dimensions})


def described(metric: Metric) -> dict[str, Any]:
    """A metric of ListMetrics' answer."""
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }


def observed(datum: dict[str, Any], now: float) -> Iterator[Datum]:
    """The data points of one MetricDatum; ``now`` (epoch seconds) is when it was observed if it does not say."""
    when = datum.get("Timestamp", now)
    unit, resolution = datum.get("Unit", "None"), datum.get("StorageResolution", 60)
    if "Value" in datum:
        yield Datum.of(when, datum["Value"], 1, unit, resolution)
    if known := datum.get("StatisticValues"):
        low, high, total = known["Minimum"], known["Maximum"], known["Sum"]
        yield Datum(when, low, high, total, known["SampleCount"], unit, resolution)
    values = datum.get("Values", [])
    for value, count in zip(values, datum.get("Counts") or [1.0] * len(values), strict=True):
        if count > 0:
            yield Datum.of(when, value, count, unit, resolution)


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
