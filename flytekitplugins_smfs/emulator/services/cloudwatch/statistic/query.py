"""The queries of a GetMetricData request."""

import re
from dataclasses import dataclass
from typing import Any

from ....faults import NotImplementedByEmulator
from ....metrics import Metric
from ..metric.record import metric_of
from .record import Summary
from .rules import bad_query, check_period, check_statistic

_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_MOST = 500

_UNITS = (
    *("Megabits", "Terabits", "Gigabits", "Count", "Bytes", "Gigabytes", "Gigabytes/Second", "Kilobytes"),
    *("Kilobits/Second", "Terabytes", "Terabits/Second", "Bytes/Second", "Percent", "Megabytes", "Megabits/Second"),
    *("Milliseconds", "Microseconds", "Kilobytes/Second", "Gigabits/Second", "Megabytes/Second", "Bits", "Bits/Second"),
    *("Count/Second", "Seconds", "Kilobits", "Terabytes/Second", "None"),
)
"""Of data in several units, a query without one is answered in the first of these, as others observed on AWS."""


@dataclass(frozen=True)
class Query:
    """One statistic of one metric. ``period`` is in seconds; without a ``unit`` CloudWatch chooses it."""

    id: str
    metric: Metric
    statistic: str
    period: int
    unit: str | None
    label: str
    returned: bool

    def chosen(self, found: dict[str, list[tuple[float, Summary]]]) -> list[tuple[float, Summary]]:
        """The periods of the unit that this query is answered in."""
        unit = self.unit or min(found, key=_UNITS.index, default="None")
        return found.get(unit, [])


def queries_of(documents: list[dict[str, Any]]) -> list[Query]:
    """The queries of a request. Raises for rules they break, and by name for what is not implemented."""
    if not documents:
        raise bad_query("The parameter MetricDataQueries is required.")
    if len(documents) > _MOST:
        raise bad_query(f"The collection MetricDataQueries must not have a size greater than {_MOST}.")
    for number, document in enumerate(documents, 1):
        _check(document, f"MetricDataQueries.member.{number}")
    if len({document["Id"] for document in documents}) < len(documents):
        raise bad_query("The values for parameter id in MetricDataQueries are not unique.")
    differing = [
        member for member in ("Stat", "Period") if len({document["MetricStat"][member] for document in documents}) > 1
    ]
    return [_query(document, differing) for document in documents]


def _check(document: dict[str, Any], place: str) -> None:
    if not _ID.fullmatch(document["Id"]):
        pattern = f"^{_ID.pattern}$"
        raise bad_query(f"The value {document['Id']} for parameter {place}.Id is not matching the expected {pattern}.")
    if "Expression" in document:
        if "MetricStat" in document:
            raise bad_query(
                f"The parameters {place}.Expression and {place}.MetricStat are mutually exclusive and you have "
                "specified both."
            )
        raise NotImplementedByEmulator(f"the metric math expression {document['Expression']!r}")
    if "MetricStat" not in document:
        raise bad_query(f"Either {place}.MetricStat or {place}.Expression must be specified.")
    asked = document["MetricStat"]
    if not {"Namespace", "MetricName"} <= asked["Metric"].keys():
        raise bad_query(f"The parameters Namespace and MetricName of {place}.MetricStat.Metric are required.")
    check_period(asked["Period"], f"{place}.MetricStat.Period")
    check_statistic(asked["Stat"], f"{place}.MetricStat.Stat")
    if "${" in document.get("Label", ""):
        raise NotImplementedByEmulator(f"the dynamic label {document['Label']!r}")


def _query(document: dict[str, Any], differing: list[str]) -> Query:
    asked = document["MetricStat"]
    metric = asked["Metric"]
    own_label = " ".join([metric["MetricName"], *(str(asked[member]) for member in differing)])
    return Query(
        id=document["Id"],
        metric=metric_of(metric["Namespace"], metric["MetricName"], metric.get("Dimensions", [])),
        statistic=asked["Stat"],
        period=asked["Period"],
        unit=asked.get("Unit"),
        label=document.get("Label") or own_label,
        returned=document.get("ReturnData", True),
    )
