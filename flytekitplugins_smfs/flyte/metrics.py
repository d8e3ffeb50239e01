"""A connector's metrics for Prometheus, in the registry that flytekit's own are in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flytekitplugins_smfs.aws import observed, status
from flytekitplugins_smfs.flyte import events, resource
from flytekitplugins_smfs.values.errors import Credentials, Throttled, Transient

POLLS = Counter("smfs_polls", "Questions of Flyte after an operation", ["operation", "phase"])
CREATES = Counter("smfs_creates", "Operations that Flyte asked for", ["operation", "outcome"])
ENDS = Counter("smfs_ends", "Operations that were told to have ended", ["operation", "phase"])
CALLS = Counter("smfs_aws_calls", "Calls to AWS", ["service", "operation", "outcome"])
THROTTLES = Counter("smfs_aws_throttles", "Calls that AWS throttled", ["service", "operation"])
CALL_TIME = Histogram("smfs_aws_call_seconds", "Time until AWS answered", ["service"])
REACHABLE = Gauge("smfs_aws_reachable", "1 while AWS answers, whatever it answers")
BUILD = Info("smfs_build", "This release")

UNREACHED = 30.0
"""Seconds without any answer of AWS after which it counts as out of reach."""


class Reach:
    """When AWS answered last. A refusal and throttling are answers; a time-out and missing credentials are none."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.answered = -math.inf

    @property
    def silence(self) -> float:
        """Seconds since it answered."""
        return self._clock() - self.answered

    @property
    def good(self) -> bool:
        """Whether it answered lately."""
        return self.silence < UNREACHED

    def hear(self, call: observed.Call) -> None:
        """Of one call."""
        if not isinstance(call.fault, Transient | Credentials):
            self.answered = self._clock()


REACH = Reach()


class Now(Collector):
    """What is counted when somebody looks: operations by phase, creates that wait, and how fresh what is known is."""

    def collect(self) -> Iterator[Metric]:
        """The families, anew at each look."""
        followed = GaugeMetricFamily("smfs_operations", "Operations that are followed", labels=["operation", "phase"])
        for (operation, phase), count in resource.followed().items():
            followed.add_metric([operation, phase], count)
        yield followed
        waiting = GaugeMetricFamily("smfs_queue", "Creates that wait for their turn", labels=["operation"])
        for operation, count in resource.waiting().items():
            waiting.add_metric([operation], count)
        yield waiting
        text = "Seconds since AWS was last asked after a kind of resource so that a change would have shown"
        ages = GaugeMetricFamily("smfs_status_age_seconds", text, labels=["region", "kind"])
        for (region, kind), age in status.ages().items():
            ages.add_metric([region, kind], age)
        yield ages


def _called(call: observed.Call) -> None:
    CALLS.labels(call.service, call.operation, _outcome(call)).inc()
    CALL_TIME.labels(call.service).observe(call.seconds)
    if isinstance(call.fault, Throttled):
        THROTTLES.labels(call.service, call.operation).inc()


def _outcome(call: observed.Call) -> str:
    return type(call.fault).__name__.lower() if call.fault else "ok"


def _happened(event: events.Event) -> None:
    if event.kind is events.Kind.GET:
        POLLS.labels(event.operation, str(event.phase)).inc()
    elif event.kind is events.Kind.CREATE:
        outcome = "refused" if event.problem else "waits" if event.waits else "started"
        CREATES.labels(event.operation, outcome).inc()
    elif event.kind is events.Kind.END:
        ENDS.labels(event.operation, str(event.phase)).inc()


def install() -> None:
    """Begin to count; once in a process."""
    BUILD.info({"version": version("flytekitplugins-smfs")})
    REACHABLE.set_function(lambda: float(REACH.good))
    REGISTRY.register(Now())
    observed.listeners += [_called, REACH.hear]
    events.listeners.append(_happened)
