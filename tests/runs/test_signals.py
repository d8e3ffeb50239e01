"""Signals while operations are in flight."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from flytekitplugins_smfs.runs.signals import SIGNALS, Guard, Stop, described, watching
from flytekitplugins_smfs.values.errors import OperationCancelled


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_wait_ends_with_the_signal() -> None:
    with watching() as stop:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        began = time.monotonic()
        assert stop.wait(20)
        assert time.monotonic() - began < 10
        timer.join()
        assert (stop.requested, stop.insisted, stop.reason) == (True, False, "SIGTERM")


def test_a_wait_without_a_signal_takes_its_time() -> None:
    stop = Stop()
    assert not stop.wait(0.01)
    assert not stop.requested


def test_every_signal_is_counted_however_many_come() -> None:
    stop = Stop()
    for _ in range(100_000):  # more than a pipe holds
        stop.request(signal.SIGINT)
    assert stop.insisted
    assert len(stop.signals) == 100_000
    assert stop.reason == "Ctrl-C"


def test_handlers_do_not_pile_up_and_come_back_in_order() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    for _ in range(3):
        with watching() as outer, watching() as inner:
            signal.raise_signal(signal.SIGINT)
            assert outer.requested
            assert inner.requested
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with watching() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_touches_no_handler() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    during: list[list[object]] = []

    def watch() -> None:
        with watching():
            during.append([signal.getsignal(number) for number in SIGNALS])

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert during == [before]


def test_nothing_is_left_open() -> None:
    before = descriptors()
    for _ in range(20):
        with watching():
            pass
    assert descriptors() == before


@pytest.mark.parametrize(("number", "text"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_is_described(number: int, text: str) -> None:
    assert described(number) == text


class Finalized:
    """Something whose finalizer is under way when a signal comes."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def finalize() -> None:
    one = Finalized()
    del one


def test_what_python_drops_while_it_finalizes_an_object_is_raised_by_the_next_operation(
    capfd: pytest.CaptureFixture[str],
) -> None:
    heard: list[int] = []
    guard, before = Guard(), sys.unraisablehook
    guard.install("local/me/1", lambda: heard.append(1))
    try:
        finalize()
        with pytest.raises(OperationCancelled, match=r"stopped by SIGTERM .*smfs release local/me/1"):
            guard.check()
        guard.check()  # once
        finalize()
        with pytest.raises(OperationCancelled):
            signal.raise_signal(signal.SIGTERM)
        guard.check()  # the second one was raised: its clean-up may begin operations
    finally:
        guard.restore()
    assert len(heard) == 3
    assert sys.unraisablehook is before
    assert "Exception ignored" not in capfd.readouterr().err


def test_what_others_raise_in_vain_is_told_as_ever() -> None:
    class Broken:
        def __del__(self) -> None:
            raise ValueError("mine")

    told: list[sys.UnraisableHookArgs] = []
    guard, before = Guard(), sys.unraisablehook
    sys.unraisablehook = told.append
    try:
        guard.install("local/me/1", lambda: None)
        Broken()
    finally:
        guard.restore()
        restored, sys.unraisablehook = sys.unraisablehook, before
    assert [str(one.exc_value) for one in told] == ["mine"]
    assert restored == told.append
