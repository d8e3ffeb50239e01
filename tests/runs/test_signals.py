"""Signals while operations are in flight."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from flytekitplugins_smfs.runs.signals import SIGNALS, Stop, described, watching


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
