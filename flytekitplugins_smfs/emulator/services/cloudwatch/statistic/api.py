"""GetMetricStatistics and GetMetricData."""

from typing import Any

from ....paging import page
from ....registry import Context
from ..metric.record import metric_of
from ..service import service
from .query import Query, queries_of
from .record import gathered
from .rules import bad_query, check_statistics, window

_MOST_POINTS = 100_800


@service.operation("GetMetricStatistics")
def get_metric_statistics(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Statistics of one metric per period and unit. Periods are counted from the start time."""
    check_statistics(request)
    metric = metric_of(request["Namespace"], request["MetricName"], request.get("Dimensions", []))
    period = request["Period"]
    start, end = window(request["StartTime"], request["EndTime"], period, ctx.now())
    found = gathered(ctx.metrics.data(metric, start, end), period, start)
    points = []
    for unit, periods in found.items():
        for when, summary in periods if unit == request.get("Unit", unit) else []:
            simple = {name: summary.statistic(name) for name in request.get("Statistics", [])}
            ranks = {name: summary.statistic(name) for name in request.get("ExtendedStatistics", [])}
            known = {name: value for name, value in ranks.items() if value is not None}
            if simple or known:
                extended = {"ExtendedStatistics": known} if known else {}
                points.append({"Timestamp": when, "Unit": unit, **simple, **extended})
    return {"Label": request["MetricName"], "Datapoints": points}


@service.operation("GetMetricData")
def get_metric_data(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One statistic per query and period, newest first unless asked otherwise, in pages of data points."""
    start, end = request["StartTime"], request["EndTime"]
    if start > end:
        raise bad_query("The parameter EndTime must be greater than StartTime.")
    if start == end:
        raise bad_query("The parameter StartTime must not equal parameter EndTime.")
    most = request.get("MaxDatapoints", _MOST_POINTS)
    if not 1 <= most <= _MOST_POINTS:
        raise bad_query(f"The parameter MaxDatapoints must be between 1 and {_MOST_POINTS}.")
    newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    asked = [query for query in queries_of(request["MetricDataQueries"]) if query.returned]
    series = [_series(ctx, query, start, end, newest_first) for query in asked]
    return _page(asked, series, most, request.get("NextToken"))


def _series(ctx: Context, query: Query, start: float, end: float, newest_first: bool) -> list[tuple[float, float]]:
    since, until = window(start, end, query.period, ctx.now())
    periods = query.chosen(gathered(ctx.metrics.data(query.metric, since, until), query.period))
    points = [(when, value) for when, summary in periods if (value := summary.statistic(query.statistic)) is not None]
    return points[::-1] if newest_first else points


def _page(asked: list[Query], series: list[list[tuple[float, float]]], most: int, token: str | None) -> dict[str, Any]:
    """The next so many points, query after query. A query is listed where it has points, or first if it has none."""
    total = sum(len(points) for points in series)
    places, following = page(range(total), most, token, "InvalidNextToken")
    first, last = (places[0], places[-1] + 1) if places else (0, 0)
    results, position = [], 0
    for query, points in zip(asked, series, strict=True):
        here = points[max(first - position, 0) : max(last - position, 0)]
        position += len(points)
        if here or (not points and first == 0):
            results.append(
                {
                    "Id": query.id,
                    "Label": query.label,
                    "Timestamps": [when for when, _ in here],
                    "Values": [value for _, value in here],
                    "StatusCode": "Complete" if position <= last else "PartialData",
                }
            )
    return {"MetricDataResults": results, "NextToken": following, "Messages": []}
