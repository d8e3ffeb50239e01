"""How often to ask how far an operation is."""

from __future__ import annotations

import random

FIRST_WAIT = 0.1
SLOWEST = {"emulator": 1.0}
"""Seconds between two asks at most, by endpoint; where AWS is a process on this machine, asking is cheap."""
SLOWEST_ELSEWHERE = 10.0


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


def pace_of(endpoint: str) -> Pace:
    """For the AWS of this setting."""
    return Pace(SLOWEST.get(endpoint, SLOWEST_ELSEWHERE))
