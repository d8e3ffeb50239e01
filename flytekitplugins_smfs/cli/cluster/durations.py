"""Durations as Go writes them, in which Flyte's configuration gives time."""

from __future__ import annotations

import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds(text: object) -> float:
    """The seconds of a duration such as `5s` or `1m30s`. Raises ValueError for anything else.

    The rule is that of Go's `time.ParseDuration`: every number has its unit, and only 0 may go without.
    """
    written = str(text)
    if written == "0":
        return 0.0
    parts = list(_PART.finditer(written))
    if not parts or "".join(part[0] for part in parts) != written:
        raise ValueError(f"{written!r} is no duration; write for example `30s` or `1m30s`")
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)
