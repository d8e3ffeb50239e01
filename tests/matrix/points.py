"""How many points of a matrix were tried, told at the end of a session; and which of them every session tries.

A test that is marked `point("crash matrix")` is a point of that matrix. All of them together are what `make soak` tries
(SMFS_SOAK=1): those that are marked `soak` are left out otherwise, so that the others are the sample.
"""

from __future__ import annotations

import collections
import os
import statistics
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
SOAK = bool(os.environ.get("SMFS_SOAK"))
_TRIED, _ANSWERED, _SEVERAL = "smfs-point", "smfs-answered", "smfs-points"
_totals: collections.Counter[str] = collections.Counter()


def sampled(values: Iterable[T], sample: Iterable[T]) -> list[Any]:
    """Parameters of a test: those outside of the sample are soaked only."""
    chosen, found = list(sample), []
    for value in values:
        given = value if isinstance(value, tuple) else (value,)
        found.append(pytest.param(*given, marks=() if value in chosen else (pytest.mark.soak,)))
    return found


def answered(request: pytest.FixtureRequest, seconds: float) -> None:
    """How long a point's process took to answer a signal."""
    request.node.user_properties.append((_ANSWERED, seconds))


def several(request: pytest.FixtureRequest, matrix: str, number: int) -> None:
    """A test that has tried so many points of a matrix by itself."""
    request.node.user_properties.append((_SEVERAL, [matrix, number]))


def configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: tried by `make soak` only (SMFS_SOAK=1)")
    config.addinivalue_line("markers", "point(matrix): a point of this matrix; how many were tried is told at the end")


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Count the points, and leave out what is not to be tried now."""
    for item in items:
        if mark := item.get_closest_marker("point"):
            _totals[mark.args[0]] += 1
    if not SOAK:
        soaked = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in soaked]
        config.hook.pytest_deselected(items=soaked)


def try_one(item: pytest.Item) -> None:
    """Write on the test's report that it is a point, and of how many: that also comes from another process."""
    if mark := item.get_closest_marker("point"):
        item.user_properties.append((_TRIED, [mark.args[0], _totals[mark.args[0]]]))


def told(reporter: Any) -> Iterator[str]:
    """A line for each matrix."""
    tried: collections.Counter[str] = collections.Counter()
    failed: collections.Counter[str] = collections.Counter()
    totals: dict[str, int] = {}
    seconds: dict[str, list[float]] = {}
    counted: collections.Counter[str] = collections.Counter()
    for outcome in ("passed", "failed"):
        for report in reporter.stats.get(outcome, []):
            if report.when != "call":
                continue
            times = [value for name, value in report.user_properties if name == _ANSWERED]
            for name, value in report.user_properties:
                if name not in (_SEVERAL, _TRIED):
                    continue
                matrix, number = value
                failed[matrix] += outcome == "failed"
                seconds.setdefault(matrix, []).extend(times)
                if name == _SEVERAL:
                    counted[matrix] += number
                else:
                    totals[matrix] = max(number, totals.get(matrix, 0))
                    tried[matrix] += 1
    for matrix in sorted(tried):
        held = f"{failed[matrix]} did not hold" if failed[matrix] else "all held"
        yield f"{matrix}: {tried[matrix]} of {totals[matrix]} points tried, {held}{_times(seconds[matrix])}"
    for matrix, number in sorted(counted.items()):
        held = f"{failed[matrix]} tests did not hold" if failed[matrix] else "all held"
        yield f"{matrix}: {number} points tried, {held}{_times(seconds[matrix])}"


def _times(seconds: list[float]) -> str:
    if not seconds:
        return ""
    return f"; answered in {statistics.median(seconds):.3f} s (median), {max(seconds):.3f} s at most"
