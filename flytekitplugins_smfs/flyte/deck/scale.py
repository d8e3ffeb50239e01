"""Axes: where a number goes, round ticks, and numbers as people write them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

SECONDS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)


@dataclass(frozen=True)
class Scale:
    """Maps the numbers from `low` to `high` onto the pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        part = (value - self.low) / span if span else 0.5
        return self.start + part * (self.end - self.start)


def extent(values: Iterable[float], pad: float = 0.06) -> tuple[float, float]:
    """The smallest and largest finite value with some air around; 0 to 1 without values."""
    found = [value for value in values if math.isfinite(value)]
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    room = (high - low) * pad or abs(high) * 0.1 or 1.0
    return low - room, high + room


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between `low` and `high`, `about` that many."""
    if not high > low:
        return [low]
    raw = (high - low) / max(1, about)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 10) + 0.0 for n in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(seconds: float, about: int = 7) -> list[float]:
    """Round times from 0 to `seconds`."""
    step = next((step for step in SECONDS if seconds / step <= about), SECONDS[-1] * max(1, round(seconds / 86400 / 7)))
    return [n * step for n in range(int(seconds / step + 1e-9) + 1)]


def number(value: float, digits: int = 4) -> str:
    """With `digits` significant digits, thousands separated, no needless zeros."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4:
        return f"{value:.{digits - 1}g}".replace("-", "−")
    shown = f"{value:,.{max(0, digits - 1 - size)}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown).replace("-", "−")


def number_or_dash(value: float | None) -> str:
    """A number that may be missing."""
    return "–" if value is None else number(value)


def parameter(given: str) -> str:
    """A hyperparameter for reading: numbers cut to four digits, other text as it is."""
    try:
        return number(float(given))
    except ValueError:
        return given


def size(count: int) -> str:
    """Bytes with a unit."""
    amount, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{number(amount, 3)} {unit}"


def duration(seconds: float) -> str:
    """Seconds as `0.8 s`, `42 s`, `5 min 10 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds and seconds % 1 else f"{seconds:.0f} s"
    whole = round(seconds)
    for unit, part, size_of, size_part in (("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size_of:
            rest = whole % size_of // size_part
            return f"{whole // size_of} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"
