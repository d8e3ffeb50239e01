"""How many requests are being answered now, and a door that can be shut before them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Requests:
    """Counts what is open. ``closed`` is called when the last one ends."""

    def __init__(self, closed: Callable[[], None]) -> None:
        self._closed = closed
        self._changed = threading.Condition()
        self._shut = False
        self.open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A request is open for as long as this. It waits while the door is shut."""
        with self._changed:
            self._changed.wait_for(lambda: not self._shut)
            self.open += 1
        try:
            yield
        finally:
            with self._changed:
                self.open -= 1
                last = self.open == 0
                self._changed.notify_all()
            if last:
                self._closed()

    @contextmanager
    def shut_out(self, seconds: float) -> Iterator[None]:
        """No request is open within. Raises TimeoutError if those that are do not end in so many seconds."""
        deadline = time.monotonic() + seconds
        with self._changed:
            if not self._changed.wait_for(lambda: not self._shut, seconds):
                raise TimeoutError("somebody else has shut the door")
            self._shut = True
            gone = self._changed.wait_for(lambda: not self.open, max(0.0, deadline - time.monotonic()))
            left = self.open
        try:
            if not gone:
                raise TimeoutError(f"{left} requests are not over after {seconds:g} s")
            yield
        finally:
            with self._changed:
                self._shut = False
                self._changed.notify_all()
