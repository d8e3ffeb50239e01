"""Asking how far an operation is, and how often."""

from __future__ import annotations

import random
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import Operation
from flytekitplugins_smfs.values.errors import AwsFault
from flytekitplugins_smfs.values.operation import Handle, Phase, Progress

FIRST_WAIT = 0.1


def poll(operation: Operation[Any, Any, Any], aws: Aws, handle: Handle, last: Progress[Any] | None) -> Progress[Any]:
    """How far it is. When AWS does not say just now: what was known last, so that no phase is made up.

    Flyte records links once for each phase, so a made-up RUNNING without links would hide them for good.
    """
    try:
        return operation.look(aws.at(handle.region).impatient(), handle)
    except AwsFault as fault:
        phase, links = (last.phase, last.links) if last else (Phase.QUEUED, ())
        return Progress(phase=phase, links=links, message=f"Its state could not be read just now. {fault}")


class Pace:
    """Waits in seconds that grow by half each time, with jitter, up to the slowest one."""

    def __init__(self, slowest: float) -> None:
        self._slowest = slowest
        self._wait = FIRST_WAIT

    def next(self) -> float:
        """Seconds to wait now."""
        now, self._wait = self._wait, min(self._slowest, self._wait * 1.5)
        return now * random.uniform(0.8, 1.2)

    def quicken(self) -> None:
        """Something changed: look again soon."""
        self._wait = FIRST_WAIT
