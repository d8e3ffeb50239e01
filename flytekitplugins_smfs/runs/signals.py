"""Ctrl-C and SIGTERM while operations are in flight: remembered, never lost, and never in the way of other code."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], Any] | int | None

_in_flight: set[Stop] = set()
_other_threads: list[int] = []
_lock = threading.Lock()


class Stop:
    """Whether the run has been asked to stop, and how often.

    A signal is only written down here; whoever runs the operation looks at it where it can be honoured. A pipe wakes
    the waiter, because locks must not be taken in a signal handler.
    """

    def __init__(self) -> None:
        self.signals: list[int] = []
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        # Closed with the last reference, not sooner: a handler may be about to write.
        weakref.finalize(self, _close, self._reader, self._writer)

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return bool(self.signals)

    @property
    def insisted(self) -> bool:
        """Whether a second one has come, which means: do not even wait for the end of what is being stopped."""
        return len(self.signals) > 1

    @property
    def reason(self) -> str:
        """What asked for the stop, for a person."""
        return described(self.signals[0] if self.signals else signal.SIGINT)

    def request(self, signum: int) -> None:
        """Write down a signal; safe in a signal handler and from any thread."""
        self.signals.append(signum)
        with contextlib.suppress(BlockingIOError):  # the pipe is full of earlier ones: the waiter will wake
            os.write(self._writer, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait, at most until the next signal. True if one came."""
        ready = bool(self._poll.poll(max(0.0, seconds) * 1000))
        if ready:
            os.read(self._reader, 512)
        return ready


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def described(number: int) -> str:
    """A signal for a person."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


@contextlib.contextmanager
def watching() -> Iterator[Stop]:
    """Within, a signal is written down for every operation in flight instead of ending the process.

    Python runs signal handlers in the main thread only. So an operation in another thread relies on those of an
    operation in the main thread, or on flytekit's, which calls what is registered with it on Ctrl-C.
    """
    stop = Stop()
    _in_flight.add(stop)
    try:
        with _handlers() if threading.current_thread() is threading.main_thread() else _flytekit_handler():
            yield stop
    finally:
        _in_flight.discard(stop)


def _on_signal(signum: int, frame: FrameType | None) -> None:
    for stop in tuple(_in_flight):
        stop.request(signum)


@contextlib.contextmanager
def _handlers() -> Iterator[None]:
    before: dict[int, Handler] = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # such as SIGHUP under nohup
            before[number] = signal.signal(number, _on_signal)
    try:
        yield
    finally:
        for number, handler in before.items():
            # None: it was installed from C, which Python can neither call nor put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def _flytekit_handler() -> Iterator[None]:
    from flytekit.core.context_manager import FlyteContextManager

    registered = FlyteContextManager.signal_handlers
    with _lock:
        _other_threads.append(threading.get_ident())
        if _on_signal not in registered:
            registered.append(_on_signal)
    try:
        yield
    finally:
        with _lock:
            _other_threads.remove(threading.get_ident())
            if not _other_threads:
                registered.remove(_on_signal)
