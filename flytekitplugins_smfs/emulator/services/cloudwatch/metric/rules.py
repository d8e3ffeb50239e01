"""What PutMetricData refuses.

Sources: API reference of PutMetricData, MetricDatum and StatisticSet; the texts are those that clients quote in public
reports, where there are any.
"""

import math
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator

_DATA = 1000
_VALUES = 150
_LARGEST = 2.0**360
_PAST_SECONDS = 14 * 86400
_FUTURE_SECONDS = 2 * 3600
_WAYS = ("Value", "Values", "StatisticValues")


def check_put(request: dict[str, Any], now: float) -> None:
    """Raise for the first rule that a request breaks; nothing of it is kept then. ``now`` is in epoch seconds."""
    if request["Namespace"].startswith("AWS/"):
        raise _invalid("The value AWS/ for parameter Namespace is invalid.")
    if "EntityMetricData" in request:
        raise NotImplementedByEmulator("entities of metrics (EntityMetricData)")
    data = request.get("MetricData")
    if not data:
        raise AwsError("MissingParameter", "The parameter MetricData is required.")
    _check_size("MetricData", data, _DATA)
    for number, datum in enumerate(data, 1):
        place = f"MetricData.member.{number}"
        _check_dimensions(place, datum.get("Dimensions", []))
        _check_ways(place, datum)
        _check_numbers(place, datum)
        _check_time(place, datum.get("Timestamp", now), now)
        if datum.get("StorageResolution", 60) not in (1, 60):
            raise _invalid_value(datum["StorageResolution"], f"{place}.StorageResolution")


def _check_size(name: str, items: list[Any], most: int) -> None:
    if len(items) > most:
        raise _invalid(f"The collection {name} must not have a size greater than {most}.")


def _check_dimensions(place: str, dimensions: list[dict[str, str]]) -> None:
    seen: set[str] = set()
    for number, dimension in enumerate(dimensions, 1):
        name, value = dimension["Name"], dimension["Value"]
        if name.startswith(":"):
            raise _invalid_value(name, f"{place}.Dimensions.member.{number}.Name")
        for member, text in (("Name", name), ("Value", value)):
            if not (text.isascii() and text.isprintable() and text.strip()):
                raise _invalid_value(text, f"{place}.Dimensions.member.{number}.{member}")
        if name in seen:
            raise _invalid(f"No more than one value may be specified for each dimension. '{name}' has multiple values.")
        seen.add(name)


def _check_ways(place: str, datum: dict[str, Any]) -> None:
    given = [f"{place}.{way}" for way in _WAYS if datum.get(way) not in (None, [])]
    if len(given) > 1:
        text = f"The parameters {given[0]} and {given[1]} are mutually exclusive and you have specified both."
        raise AwsError("InvalidParameterCombination", text)
    if not given:
        # No public report quotes AWS's text for this one.
        text = f"At least one of the parameters {', '.join(f'{place}.{way}' for way in _WAYS)} must be specified."
        raise AwsError("MissingParameter", text)


def _check_numbers(place: str, datum: dict[str, Any]) -> None:
    if "Value" in datum:
        _check_number(f"{place}.Value", datum["Value"])
    values, counts = datum.get("Values", []), datum.get("Counts", [])
    _check_size(f"{place}.Values", values, _VALUES)
    if counts and len(counts) != len(values):
        raise _invalid(f"The parameters {place}.Values and {place}.Counts must be of the same size.")
    for number, value in enumerate(values, 1):
        _check_number(f"{place}.Values.member.{number}", value)
    for number, count in enumerate(counts, 1):
        _check_number(f"{place}.Counts.member.{number}", count, least=0)
    if known := datum.get("StatisticValues"):
        for name, value in known.items():
            _check_number(f"{place}.StatisticValues.{name}", value)
        if known["SampleCount"] <= 0:
            raise _invalid_value(known["SampleCount"], f"{place}.StatisticValues.SampleCount")
        if known["Minimum"] > known["Maximum"]:
            below = f"{place}.StatisticValues"
            raise _invalid(f"The parameter {below}.Maximum must be greater than {below}.Minimum.")


def _check_number(place: str, value: float, least: float = -_LARGEST) -> None:
    if not least <= value <= _LARGEST:  # nan is not, either
        raise _invalid_value(value, place)


def _check_time(place: str, when: float, now: float) -> None:
    if when < now - _PAST_SECONDS:
        raise _invalid(f"The parameter {place}.Timestamp must specify a time within the past two weeks.")
    if when > now + _FUTURE_SECONDS:
        raise _invalid(f"The parameter {place}.Timestamp must specify a time no more than two hours in the future.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def _invalid_value(value: Any, place: str) -> AwsError:
    shown = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, value)
    return _invalid(f"The value {'NaN' if value != value else shown} for parameter {place} is invalid.")
