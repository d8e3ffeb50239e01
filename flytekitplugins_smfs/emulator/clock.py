"""The emulator's one clock: real time plus an offset that is part of its state.

Everything that a resource shows or waits for goes by it. Processes of jobs, their deadlines, signatures and the Date of
answers keep real time.
"""

import threading
import time
from typing import Literal, get_args

from .store import Store

Mode = Literal["real", "skip"]
"""``skip`` lets the clock jump to the next turn whenever no process runs and no request is open."""

_KIND, _ID = "emulator", "clock"
_BACK_SECONDS = 1.0
"""A system clock that falls back by more was set; by less, it was corrected."""
_NOTED_SECONDS = 10.0


class Clock:
    """Epoch seconds that never go back, whatever happens to the system's clock. Safe to ask from many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._mode: Mode = "real"
        self.read()

    def read(self) -> None:
        """Take what the store says. Time may go back by it: call it when the store has become another."""
        kept = self._store.get(_KIND, _ID) or {}
        with self._lock:
            self._offset = float(kept.get("offset", 0.0))
            self._mode = kept.get("mode", "real")
            self._latest = self._noted = float(kept.get("seen", 0.0))

    @property
    def offset(self) -> float:
        """Seconds that this clock is ahead of the system's."""
        return self._offset

    @property
    def mode(self) -> Mode:
        return self._mode

    def now(self) -> float:
        """The emulator's time, in epoch seconds."""
        with self._lock:
            moment = time.time() + self._offset
            if moment < self._latest - _BACK_SECONDS:
                self._offset += self._latest - moment
                moment = self._latest
            self._latest = max(self._latest, moment)
            return self._latest

    def of(self, real: float) -> float:
        """The emulator's time at a moment of real time, such as one a process wrote down."""
        return real + self._offset

    def real(self, moment: float) -> float:
        """The real time at a moment of the emulator's."""
        return moment - self._offset

    def jump(self, moment: float) -> None:
        """Set the clock forward to an epoch time. Does nothing if that is past."""
        with self._lock:
            self._offset = max(self._offset, moment - time.time())
        self._keep()

    def set_mode(self, mode: str) -> None:
        """Choose how time passes. Raises ValueError for an unknown mode."""
        if mode not in get_args(Mode):
            raise ValueError(f"unknown mode of the clock: {mode!r}; known are: {', '.join(get_args(Mode))}")
        self._mode = mode  # type: ignore[assignment]
        self._keep()

    def note(self) -> None:
        """Remember how late it is, so that time does not go back over a restart either. Cheap: writes seldom."""
        if self.now() - self._noted > _NOTED_SECONDS:
            self._keep()

    def _keep(self) -> None:
        self._noted = self.now()
        self._store.put(_KIND, _ID, {"offset": self._offset, "mode": self._mode, "seen": self._noted})
