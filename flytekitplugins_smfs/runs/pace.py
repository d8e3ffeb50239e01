"""How often to ask how far an operation is."""

from __future__ import annotations

import random

FIRST_WAIT = 0.1


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
