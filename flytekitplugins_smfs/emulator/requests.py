"""How many requests are being answered now."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Requests:
    """Counts what is open. ``closed`` is called when the last one ends."""

    def __init__(self, closed: Callable[[], None]) -> None:
        self._closed = closed
        self._lock = threading.Lock()
        self.open = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A request is open for as long as this."""
        with self._lock:
            self.open += 1
        try:
            yield
        finally:
            with self._lock:
                self.open -= 1
                last = self.open == 0
            if last:
                self._closed()
