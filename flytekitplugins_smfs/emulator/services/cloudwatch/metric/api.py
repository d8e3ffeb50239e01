"""PutMetricData and ListMetrics."""

from typing import Any

from ....faults import NotImplementedByEmulator
from ....paging import page
from ....registry import Context
from ..service import service
from .record import described, fits, metric_of, observed
from .rules import check_put

_PAGE = 500
_LARGEST = 2**20
"""Bytes: "limited to 1 MB in size for HTTP POST requests. You can send a payload compressed by gzip", says the API
reference, from which it is taken that what is sent counts. Clients quote AWS's text of when it were 40 KB."""
_RECENT_SECONDS = 3 * 3600
_LISTED_SECONDS = 14 * 86400
"""Metrics without data for two weeks are not listed, says the API reference."""


@service.operation("PutMetricData", largest=_LARGEST)
def put_metric_data(ctx: Context, request: dict[str, Any]) -> None:
    """Keep data points, all of a request or none."""
    now = ctx.now()
    check_put(request, now)
    ctx.metrics.put_all(
        (metric_of(request["Namespace"], datum["MetricName"], datum.get("Dimensions", [])), point)
        for datum in request["MetricData"]
        for point in observed(datum, now)
    )


@service.operation("ListMetrics")
def list_metrics(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through the series by namespace, name and dimensions."""
    if request.get("IncludeLinkedAccounts"):
        raise NotImplementedByEmulator("metrics of linked accounts")
    since = ctx.now() - (_RECENT_SECONDS if "RecentlyActive" in request else _LISTED_SECONDS)
    found = [metric for metric in ctx.metrics.all(since) if fits(metric, request)]
    items, token = page(found, _PAGE, request.get("NextToken"), "InvalidParameterValue")
    return {"Metrics": [described(metric) for metric in items], "NextToken": token}
