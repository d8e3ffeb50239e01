"""A job's output on its way to CloudWatch: log events, the metrics found in them, and what its instances used.

Users' expressions run in a process of their own (``expressions.matcher``), before anything is written: nothing of a
user's is evaluated inside the store's lock.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from ...containers.job import ContainerJob
from ...containers.usage import Usage
from ...expressions.matcher import Matcher, TooSlow
from ...images import algorithm_of
from ...instances import instance
from ...metrics import Metric
from ...registry import Context
from ...store import Doc
from .configuration import host_names
from .metric_definitions import metric_definitions
from .workspace import sandbox, volume_bytes

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_LARGEST_BATCH, _MOST_CHARACTERS = 2000, 4 << 20
_UNKNOWN_MEMORY = 16 << 30
"""Bytes, of an instance type that is not known."""
_MATCHER = Matcher()

Event = tuple[int, str]
"""Epoch milliseconds of the emulator's clock, and a line."""


@dataclass
class Found:
    """What is new of a job since its document was written."""

    offsets: dict[str, int]
    """Bytes of each host's log that are taken over, by attempt and host."""
    used: dict[str, int]
    """The same of its measurements."""
    events: dict[str, list[Event]] = field(default_factory=dict)
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    switched_off: list[str] = field(default_factory=list)
    usage: dict[str, list[Usage]] = field(default_factory=dict)
    more: bool = False
    """Whether there is so much that others should have their turn first."""


def look(ctx: Context, doc: Doc) -> Found:
    """Read new output and match it. Raises Busy when another job's is being matched."""
    found = Found(dict(doc["offsets"]), dict(doc.get("used", {})))
    for host in host_names(doc["request"]):
        _read(ctx, doc, host, found)
    _match(doc, found)
    return found


def commit(ctx: Context, kind: str, doc: Doc, job: ContainerJob, found: Found) -> None:
    """Write what was found, in one transaction with the job's document, so that a kill neither loses nor repeats.

    Nothing is written if the same output has been taken over meanwhile.
    """
    with ctx.store.transaction():
        now = ctx.store.get(kind, doc["id"])
        if now is None or now["offsets"] != doc["offsets"] or now.get("used", {}) != doc.get("used", {}):
            return
        for host, events in found.events.items():
            ctx.logs.append(job.log_group, job.log_streams[host], events)
        latest = dict(now["metrics"])
        for name, points in found.points.items():
            ctx.metrics.put(Metric.of(NAMESPACE, name, {"TrainingJobName": doc["name"]}), points)
            when, value = points[-1]
            latest[name] = (value, when)
        _publish_usage(ctx, doc, found)
        off = sorted({*now.get("metrics_off", []), *found.switched_off})
        changes = {"offsets": found.offsets, "used": found.used, "metrics": latest, "metrics_off": off}
        ctx.store.update(kind, doc["id"], **changes)


def series(ctx: Context, job: str, metric: str) -> list[float]:
    """All values of a metric that a job has printed, in order."""
    found = Metric.of(NAMESPACE, metric, {"TrainingJobName": job})
    return [value for _, value in ctx.metrics.points(found, 0, math.inf)]


def _read(ctx: Context, doc: Doc, host: str, found: Found) -> None:
    place = f"{doc['attempt']}/{host}"
    process = sandbox(ctx, doc, host)
    events: list[Event] = []
    characters = 0
    for offset, stamp, text in process.lines(found.offsets.get(place, 0)):
        events.append((_time(ctx, stamp), text.replace("\t", "#011")))
        found.offsets[place] = offset
        characters += len(text)
        if len(events) >= _LARGEST_BATCH or characters >= _MOST_CHARACTERS:
            found.more = True
            break
    if events:
        found.events[host] = events
    measured = list(process.usage(found.used.get(place, 0)))
    if measured:
        found.used[place] = measured[-1][0]
        found.usage[host] = [usage for _, usage in measured]


def _match(doc: Doc, found: Found) -> None:
    """Find the metrics in the new events. An expression that takes too long is switched off, with a line in the log."""
    events = [event for host in found.events for event in found.events[host]]
    definitions = [d for d in _definitions(doc["request"], events) if d["Name"] not in doc.get("metrics_off", [])]
    texts = [text for _, text in events]
    while definitions and texts:
        try:
            answers = _MATCHER.match([definition["Regex"] for definition in definitions], texts)
            slow = None
        except TooSlow as problem:
            answers, slow = problem.done, definitions[len(problem.done)]
        for definition, answer in zip(definitions, answers, strict=False):
            points = [(events[number][0] / 1000, value) for number, value in _finite(answer)]
            if points:
                found.points.setdefault(definition["Name"], []).extend(points)
        if slow is None:
            return
        definitions = definitions[len(answers) + 1 :]
        _switch_off(slow, events, found)


def _switch_off(definition: dict[str, str], events: list[Event], found: Found) -> None:
    found.switched_off.append(definition["Name"])
    host = next(iter(found.events))
    found.events[host].append(
        (
            events[-1][0],
            f"The metric definition {definition['Name']} is switched off: its expression took over 1 s for "
            f"{len(events)} lines.",
        )
    )


def _definitions(request: dict[str, Any], events: list[Event]) -> list[dict[str, str]]:
    """The metric definitions worth matching. A built-in algorithm has dozens, of which it prints a few."""
    definitions = metric_definitions(request)
    if algorithm_of(request) is None:
        return definitions
    printed = "\n".join(text for _, text in events)
    return [d for d in definitions if f"#011{d['Name'].replace(':', '-')}:" in printed]


def _finite(answer: list[tuple[int, str]]) -> list[tuple[int, float]]:
    """The numbers among what was found; what is none, or is not finite, is no point of a metric."""
    found = []
    for number, text in answer:
        try:
            value = float(text)
        except ValueError:
            continue
        if math.isfinite(value):
            found.append((number, value))
    return found


def _memory_bytes(request: dict[str, Any]) -> int:
    size = instance(request["ResourceConfig"]["InstanceType"])
    return size.memory_bytes if size else _UNKNOWN_MEMORY


def _publish_usage(ctx: Context, doc: Doc, found: Found) -> None:
    """The instance metrics, per host: "Metrics for jobs and endpoint instances" of the developer guide, in percent.

    CPUUtilization is the sum over all processors, each 100; memory and disk are shares of what the instance has.
    """
    memory, volume = _memory_bytes(doc["request"]), volume_bytes(doc["request"])
    for host, measured in found.usage.items():
        for name, values in (
            ("CPUUtilization", [usage.cpu_percent for usage in measured]),
            ("MemoryUtilization", [100 * usage.memory_bytes / memory for usage in measured]),
            ("DiskUtilization", [100 * usage.disk_bytes / volume for usage in measured]),
        ):
            times = [_time(ctx, usage.time) / 1000 for usage in measured]
            points = zip(times, values, strict=True)
            ctx.metrics.put(Metric.of(NAMESPACE, name, {"Host": f"{doc['name']}/{host}"}), points, "Percent")


def _time(ctx: Context, stamp: int) -> int:
    """Epoch milliseconds of the machine's clock as those of the emulator's."""
    return round(ctx.clock.of(stamp / 1000) * 1000)
