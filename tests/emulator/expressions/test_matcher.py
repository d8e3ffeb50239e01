"""Users' regular expressions: Python's own, and none of them holds anything up."""

import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from flytekitplugins_smfs.emulator.expressions.matcher import Busy, Matcher, TooSlow

ENDLESS = r"(a+)+$"
TRAP = "a" * 40 + "b"
SLOW_TO_COMPILE = "(?i)" + "[\x00-\U0010fffe]" * 400 + "()"
"""Each class is gone through character by character."""


@pytest.fixture
def matcher() -> Iterator[Matcher]:
    one = Matcher(seconds=0.5)
    yield one
    one.close()


def test_first_groups_are_found(matcher: Matcher) -> None:
    texts = ["loss=0.5; x", "none", "loss=nan", "é loss=1\u2028"]
    assert matcher.match([r"loss=([\d.a-z]+)", "x", "(?<=; )(x)"], texts) == [
        [(0, "0.5"), (2, "nan"), (3, "1")],
        [],
        [(0, "x")],
    ]
    assert matcher.match([], texts) == []


def test_what_is_no_expression_finds_nothing(matcher: Matcher) -> None:
    assert matcher.match(["(", "(a)"], ["a"]) == [[], [(0, "a")]]


@pytest.mark.parametrize("bad", [ENDLESS, SLOW_TO_COMPILE])
def test_a_slow_one_is_named_and_those_before_it_count(matcher: Matcher, bad: str) -> None:
    began = time.monotonic()
    with pytest.raises(TooSlow) as slow:
        matcher.match(["(b)", bad, "(a)"], [TRAP])
    assert slow.value.done == [[(0, "b")]]
    assert time.monotonic() - began < 20
    assert matcher.match(["(b)"], [TRAP]) == [[(0, "b")]]


def test_one_that_takes_all_memory_hurts_nobody(matcher: Matcher) -> None:
    deep = "(" + "(?:" * 60 + "a" * 100 + "){0,9}" * 60 + "b)"
    with suppress(TooSlow):
        matcher.match([deep], ["a" * 3_000_000])
    assert matcher.match(["(b)"], ["b"]) == [[(0, "b")]]


def test_others_are_told_that_it_is_busy(matcher: Matcher) -> None:
    matcher.match(["(a)"], ["a"])
    failures: list[BaseException] = []

    def hold() -> None:
        try:
            matcher.match([ENDLESS], [TRAP])
        except TooSlow as problem:
            failures.append(problem)

    thread = threading.Thread(target=hold)
    thread.start()
    busy = 0
    while thread.is_alive():
        began = time.monotonic()
        try:
            matcher.match(["(a)"], ["a"])
        except Busy:
            busy += 1
        assert time.monotonic() - began < 5
        time.sleep(0.05)
    thread.join()
    assert failures
    assert busy


def test_its_process_ends_with_it() -> None:
    one = Matcher()
    one.match(["(a)"], ["a"])
    [child] = [p for p in psutil.Process().children() if "worker.py" in " ".join(p.cmdline())]
    one.close()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
