"""Work in a daemon thread, so that whoever waits for it can be asked to stop at any moment."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from flytekitplugins_smfs.runs.signals import Stop

T = TypeVar("T")


class Aside(Generic[T]):
    """One piece of work under way. A process that ends does not wait for it."""

    def __init__(self, work: Callable[[], T], stop: Stop) -> None:
        self._work, self._stop = work, stop
        self._done = threading.Event()
        self._given: list[T] = []
        self._error: BaseException | None = None
        context = contextvars.copy_context()
        threading.Thread(target=lambda: context.run(self._run), name="smfs-aws", daemon=True).start()

    def _run(self) -> None:
        try:
            self._given.append(self._work())
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, in its own thread
            self._error = error
        finally:
            self._done.set()
            self._stop.wake()

    def wait(self, *, signals: int) -> bool:
        """Wait for its end, or until more than so many signals have come; whether it has ended."""
        while not self._done.is_set() and len(self._stop.signals) <= signals:
            self._stop.wait(60.0)
        return self._done.is_set()

    def settle(self, seconds: float) -> bool:
        """Wait for its end so long, whatever signals come; whether it has ended."""
        return self._done.wait(seconds)

    def given(self) -> T:
        """What it gave, or raise what it raised. Only after its end."""
        if self._error is not None:
            raise self._error
        return self._given[0]
