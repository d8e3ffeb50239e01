"""Ctrl-C and its like while operations are in flight: remembered, never lost, and never in the way of other code."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

from flytekitplugins_smfs.values.errors import OperationCancelled

SIGNALS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
CLOSED = signal.SIGPIPE
"""Stands for an output that nobody reads any more; the signal itself is ignored by Python."""
Handler = Callable[[int, FrameType | None], Any] | int | None

_in_flight: set[Stop] = set()
elsewhere: list[Callable[[Callable[[int, FrameType | None], None]], AbstractContextManager[None]]] = []
"""How an operation in another thread than the main one hears of signals: a face adds what it knows of."""


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
        self.wake()

    def wake(self) -> None:
        """End the wait that is under way, or the next one."""
        with contextlib.suppress(BlockingIOError):  # the pipe is full of earlier ones: the waiter will wake
            os.write(self._writer, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait, at most until the next signal or waking. True if one came."""
        ready = bool(self._poll.poll(max(0.0, seconds) * 1000))
        if ready:
            os.read(self._reader, 512)
        return ready


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def described(number: int) -> str:
    """A signal for a person."""
    names = {int(signal.SIGINT): "Ctrl-C", int(CLOSED): "the end of the output's reader"}
    return names.get(int(number)) or signal.Signals(number).name


@contextlib.contextmanager
def watching() -> Iterator[Stop]:
    """Within, a signal is written down for every operation in flight instead of ending the process.

    Python runs signal handlers in the main thread only. So an operation in another thread relies on those of an
    operation in the main thread, or on what a face has added to `elsewhere`.
    """
    stop = Stop()
    _in_flight.add(stop)
    try:
        with contextlib.ExitStack() as stack:
            if threading.current_thread() is threading.main_thread():
                stack.enter_context(_handlers())
            else:
                for hear in elsewhere:
                    stack.enter_context(hear(_on_signal))
            yield stop
    finally:
        _in_flight.discard(stop)


def stop_all(number: int) -> None:
    """Ask every operation in flight to stop."""
    for stop in tuple(_in_flight):
        stop.request(number)


def _on_signal(signum: int, frame: FrameType | None) -> None:
    stop_all(signum)


@contextlib.contextmanager
def _handlers() -> Iterator[None]:
    before = _installed(_on_signal)
    try:
        yield
    finally:
        _restored(before)


def _installed(handler: Callable[[int, FrameType | None], None]) -> dict[int, Handler]:
    before: dict[int, Handler] = {}
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # such as SIGHUP under nohup
            before[number] = signal.signal(number, handler)
    return before


def _restored(before: dict[int, Handler]) -> None:
    for number, handler in before.items():
        # None: it was installed from C, which Python can neither call nor put back.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


class Guard:
    """Ctrl-C and its like between the operations of a workflow: its clean-up must run all the same.

    Once a workflow has begun an operation there may be something to clean up, so from then until it ends these
    signals raise an exception, which runs its `on_failure`.
    """

    def __init__(self) -> None:
        self._before: dict[int, Handler] | None = None
        self._unraisable: Callable[[sys.UnraisableHookArgs], Any] = sys.unraisablehook
        self._lost: OperationCancelled | None = None

    def install(self, execution: str, heard: Callable[[], None]) -> None:
        """From now on; once, and only in the main thread, where Python runs signal handlers. `heard` is told each."""
        if self._before is not None or threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self._lost = None
            heard()
            answer = f"{described(number)}: the workflow is stopped between two operations.\n"
            with contextlib.suppress(OSError):  # past Python's buffers, which must not be entered here again
                os.write(2, answer.encode())
            raise _Stopped(
                f"The workflow was stopped by {described(number)} between two operations. Where it has no clean-up of "
                f"its own, `smfs release {execution}` removes what it made."
            )

        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._keep
        self._before = _installed(stop)

    def check(self) -> None:
        """Raise what was raised in vain: an operation that follows must not begin."""
        lost, self._lost = self._lost, None
        if lost is not None:
            raise lost

    def _keep(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Python drops what a signal handler raises while it finalizes an object."""
        if not isinstance(unraisable.exc_value, _Stopped):
            self._unraisable(unraisable)
            return
        self._lost = unraisable.exc_value.with_traceback(None)

    def restore(self) -> None:
        """As it was before."""
        before, self._before = self._before, None
        if before is None:
            return
        if sys.unraisablehook == self._keep:
            sys.unraisablehook = self._unraisable
        if threading.current_thread() is threading.main_thread():
            _restored(before)


class _Stopped(OperationCancelled):
    """Raised by a signal between two operations."""
