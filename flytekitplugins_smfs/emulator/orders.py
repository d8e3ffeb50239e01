"""What an order of a fault may say."""

from collections.abc import Iterable
from typing import Any

from .declarations import Misfortune

KINDS = ("throttle", "error", "reset", "late", "lost")
"""Faults of calls: refused for their rate, an error of the service's own, the connection closed before anything has
happened, a late answer, an answer lost after the effect."""

_NUMBERS = {"times": int, "after": int, "probability": float, "delay": float, "begin": float, "end": float}
_CALL = {"id", "service", "operation", "on", "fault", "code", "message", "status", "drop"}
_LONGEST_DELAY = 600.0


def check(fault: Any, misfortunes: Iterable[Misfortune]) -> None:
    """Raise ValueError, saying what is wrong, for an order that is not understood."""
    if not isinstance(fault, dict):
        raise ValueError(f"a fault is an object, not {fault!r}")
    known = list(misfortunes)
    wanted = [m for m in known if m.name in fault]
    members = _CALL | set(_NUMBERS)
    for misfortune in known:
        members |= {misfortune.name, *misfortune.needed, *misfortune.optional}
    if unknown := set(fault) - members:
        raise ValueError(f"unknown members of a fault: {sorted(unknown)}; known are: {sorted(members)}")
    _check_numbers(fault)
    if wanted:
        _check_misfortune(fault, wanted)
    elif not isinstance(fault.get("service"), str):
        choices = sorted({f'{m.name} "{m.value}"' for m in known})
        raise ValueError(f'a fault needs a "service", or one of: {", ".join(choices)}')
    elif fault.get("fault", KINDS[0]) not in KINDS:
        raise ValueError(f"unknown fault {fault['fault']!r}; known are: {', '.join(KINDS)}")
    elif "on" in fault and not isinstance(fault["on"], str):
        raise ValueError('"on" is the name, id or ARN of a resource in the request')


def _check_misfortune(fault: dict[str, Any], wanted: list[Misfortune]) -> None:
    fitting = [m for m in wanted if fault[m.name] == m.value]
    if not fitting:
        values = ", ".join(sorted(f'"{m.value}"' for m in wanted))
        raise ValueError(f'"{wanted[0].name}" is one of {values}, not {fault[wanted[0].name]!r}')
    if problem := fitting[0].problem(fault):
        raise ValueError(problem)


def _check_numbers(fault: dict[str, Any]) -> None:
    for name, kind in _NUMBERS.items():
        value = fault.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ValueError(f"{name!r} of a fault is a number of at least 0, not {value!r}")
        fault[name] = kind(value)
    if fault.get("delay", 0) > _LONGEST_DELAY:
        raise ValueError(f"a delay is at most {_LONGEST_DELAY:.0f} seconds")
