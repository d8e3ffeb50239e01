"""Every connector goes on with removals that were begun here or elsewhere: a tag on the resource says so, and no
thread holds what a restart would lose."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.errors import SmfsError

EVERY = 60.0
"""Seconds between two looks for what is to be removed."""
SOON = 0.5
"""Seconds until the next look while something is being removed, doubling up to EVERY."""
MEMORY = 1800.0
"""Seconds for which what was asked to end is asked again, unless it is seen to have ended."""
_log = logging.getLogger(__name__)


class Sweeper:
    """Looks in each region that this process has to do with. Its thread is a daemon."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._regions: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._running = False
        self._told: set[str] = set()
        self._unended: dict[str, tuple[float, Callable[[], bool]]] = {}

    def watch(self, region: str) -> None:
        """Look in this region, too."""
        with self._lock:
            self._regions.add(region)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="smfs-sweeper", daemon=True).start()

    def see_through(self, what: str, region: str, cancel: Callable[[], bool]) -> None:
        """It was asked to end and was not seen to: ask again. What carries the tag outlives this process; what AWS
        does not even show yet is remembered here alone, and for MEMORY."""
        with self._lock:
            self._unended[what] = (time.monotonic() + MEMORY, cancel)
        self.watch(region)
        self._wake.set()

    def _run(self) -> None:
        pause = 0.0
        while True:
            hurried = self._wake.wait(pause)
            self._wake.clear()
            left = self.sweep()
            soon = SOON if hurried else min(self._every, pause * 2)
            pause = soon if left else self._every

    def sweep(self) -> tuple[str, ...]:
        """Look once; what is still there."""
        left: list[str] = []
        with self._lock:
            regions, unended = tuple(self._regions), dict(self._unended)
        for what, (until, cancel) in unended.items():
            if not self._ended(what, cancel) and time.monotonic() < until:
                left.append(what)
                continue
            with self._lock:
                self._unended.pop(what, None)
        for region in regions:
            for service in catalog.SERVICES:
                if service.sweep:
                    left += self._swept(region, service.load(service.sweep))
        return tuple(left)

    def _ended(self, what: str, cancel: Callable[[], bool]) -> bool:
        try:
            return cancel()
        except SmfsError as error:
            _log.warning("%s, which is to end, could not be looked at: %s", what, error)
            return False

    def _swept(self, region: str, sweep: object) -> tuple[str, ...]:
        try:
            return tuple(sweep(Aws(settings(), region).bystander().within(self._every)))  # type: ignore[operator]
        except SmfsError as error:
            level = logging.DEBUG if region in self._told else logging.WARNING  # once: who only trains may not look
            self._told.add(region)
            _log.log(level, "What is to be removed in %s could not be looked for: %s", region, error)
        except Exception:  # noqa: BLE001 - the next look may go well
            _log.exception("What is to be removed in %s could not be looked for", region)
        return ()


SWEEPER = Sweeper()
"""The process's own."""
