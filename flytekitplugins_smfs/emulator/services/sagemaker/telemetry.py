"""A job's output on its way to CloudWatch: log events, and the metrics found in them."""

import math
import re
from functools import lru_cache
from typing import Any

from ...images import algorithm_of
from ...metrics import Metric
from ...registry import Context
from ...store import Doc
from .configuration import host_names
from .metric_definitions import metric_definitions
from .workspace import LOG_GROUP, sandbox

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_LARGEST_BATCH = 2000


def collect(ctx: Context, doc: Doc) -> tuple[dict[str, Any], bool]:
    """Move new output of all hosts to the log group; answer what changed of the job's document, and if there is more.

    The offset, the events and the metrics are written in one transaction, so that a kill neither loses nor repeats.
    """
    offsets = dict(doc["offsets"])
    metrics = dict(doc["metrics"])
    more = False
    for host in host_names(doc["request"]):
        place = f"{doc['attempt']}/{host}"
        events = []
        for offset, stamp, text in sandbox(ctx, doc, host).lines(offsets.get(place, 0)):
            events.append((round(ctx.clock.of(stamp / 1000) * 1000), text.replace("\t", "#011")))
            offsets[place] = offset
            if len(events) >= _LARGEST_BATCH:
                more = True
                break
        if events:
            ctx.logs.append(LOG_GROUP, f"{doc['name']}/{host}-{doc['log_epoch']}", events)
            _publish_metrics(ctx, doc, events, metrics)
    return {"offsets": offsets, "metrics": metrics}, more


def series(ctx: Context, job: str, metric: str) -> list[float]:
    """All values of a metric that a job has printed, in order."""
    found = Metric.of(NAMESPACE, metric, {"TrainingJobName": job})
    return [value for _, value in ctx.metrics.points(found, 0, math.inf)]


def _definitions_found(request: dict[str, Any], events: list[tuple[int, str]]) -> list[dict[str, str]]:
    """The metric definitions worth matching. A built-in algorithm has dozens, of which it prints a few."""
    definitions = metric_definitions(request)
    if algorithm_of(request) is None:
        return definitions
    printed = "\n".join(text for _, text in events)
    return [d for d in definitions if f"#011{d['Name'].replace(':', '-')}:" in printed]


def _publish_metrics(ctx: Context, doc: Doc, events: list[tuple[int, str]], latest: dict[str, Any]) -> None:
    for definition in _definitions_found(doc["request"], events):
        expression = _compiled(definition["Regex"])
        points = [(stamp / 1000, value) for stamp, text in events if (value := _value(expression, text)) is not None]
        if points:
            metric = Metric.of(NAMESPACE, definition["Name"], {"TrainingJobName": doc["name"]})
            ctx.metrics.put(metric, points)
            when, value = points[-1]
            latest[definition["Name"]] = (value, when)


@lru_cache(maxsize=512)
def _compiled(expression: str) -> re.Pattern[str] | None:
    try:
        return re.compile(expression)
    except re.error:
        return None


def _value(expression: re.Pattern[str] | None, text: str) -> float | None:
    found = expression.search(text) if expression is not None else None
    if found is None or not found.re.groups:
        return None
    try:
        value = float(found[1])
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
