"""What CloudWatch refuses, over the wire: API reference of PutMetricData, GetMetricStatistics and GetMetricData."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused

NOW = datetime.now(UTC)
FULL = {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}


@pytest.mark.parametrize(
    ("datum", "code", "text"),
    [
        ({"Values": [1, 2], "Counts": [1]}, "InvalidParameterValue", "Values and MetricData.member.1.Counts must be"),
        ({"Value": float("nan")}, "InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is"),
        ({"Value": float("inf")}, "InvalidParameterValue", "The value Infinity for parameter"),
        ({"Values": [1, float("-inf")]}, "InvalidParameterValue", "The value -Infinity for parameter"),
        ({"Value": 2.0**361}, "InvalidParameterValue", "MetricData.member.1.Value is invalid"),
        ({"Values": [1], "Counts": [-1]}, "InvalidParameterValue", "Counts.member.1 is invalid"),
        ({"Values": [1], "Counts": [float("nan")]}, "InvalidParameterValue", "Counts.member.1 is invalid"),
        ({"Values": list(range(151))}, "InvalidParameterValue", "must not have a size greater than 150"),
        ({"Value": 1, "Values": [1]}, "InvalidParameterCombination", "are mutually exclusive"),
        ({"Value": 1, "StatisticValues": FULL}, "InvalidParameterCombination", "are mutually exclusive"),
        ({"Values": [1], "StatisticValues": FULL}, "InvalidParameterCombination", "are mutually exclusive"),
        ({"StatisticValues": {**FULL, "Minimum": 3}}, "InvalidParameterValue", "must be greater than"),
        ({"StatisticValues": {**FULL, "SampleCount": 0}}, "InvalidParameterValue", "SampleCount is invalid"),
        ({"StatisticValues": {**FULL, "Sum": float("nan")}}, "InvalidParameterValue", "StatisticValues.Sum is"),
        ({}, "MissingParameter", "must be specified"),
        ({"Value": 1, "StorageResolution": 30}, "InvalidParameterValue", "StorageResolution is invalid"),
        ({"Value": 1, "Timestamp": NOW - timedelta(days=15)}, "InvalidParameterValue", "past two weeks"),
        ({"Value": 1, "Timestamp": NOW + timedelta(hours=3)}, "InvalidParameterValue", "two hours in the future"),
        ({"Value": 1, "Unit": "Furlongs"}, "InvalidParameterValue", "enum value set"),
        ({"Value": 1, "Dimensions": [{"Name": "a", "Value": "b"}] * 2}, "InvalidParameterValue", "multiple values"),
        ({"Value": 1, "Dimensions": [{"Name": ":a", "Value": "b"}]}, "InvalidParameterValue", "member.1.Name is"),
        ({"Value": 1, "Dimensions": [{"Name": "a", "Value": "ä"}]}, "InvalidParameterValue", "member.1.Value is"),
        (
            {"Value": 1, "Dimensions": [{"Name": f"d{n}", "Value": "v"} for n in range(31)]},
            "InvalidParameterValue",
            "30",
        ),
    ],
)
def test_data_that_are_not_taken(emulator: Emulator, datum: dict[str, Any], code: str, text: str) -> None:
    namespace = f"refused-{time.time_ns()}"
    cloudwatch = emulator.client("cloudwatch")
    good = {"MetricName": "good", "Value": 1}
    error = refused(cloudwatch.put_metric_data, Namespace=namespace, MetricData=[{"MetricName": "m", **datum}, good])
    assert error["Code"] == code
    assert text in error["Message"]
    assert cloudwatch.list_metrics(Namespace=namespace)["Metrics"] == []


@pytest.mark.parametrize(
    ("request_", "absent"),
    [
        ({"MetricData": [{"MetricName": "m", "Value": 1}]}, "Namespace"),
        (
            {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1}, {"Value": 1}]},
            "MetricData.member.2.MetricName",
        ),
        (
            {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1, "Dimensions": [{"Name": "a"}]}]},
            "MetricData.member.1.Dimensions.member.1.Value",
        ),
        (
            {"Namespace": "n", "MetricData": [{"MetricName": "m", "StatisticValues": {"Sum": 1, "SampleCount": 1}}]},
            "MetricData.member.1.StatisticValues.Minimum",
        ),
    ],
)
def test_what_is_missing_is_named(emulator: Emulator, request_: dict[str, Any], absent: str) -> None:
    error = refused(emulator.client("cloudwatch", parameter_validation=False).put_metric_data, **request_)
    assert (error["Code"], error["Message"]) == ("MissingParameter", f"The parameter {absent} is required.")


def test_calls_that_put_nothing_or_too_much(emulator: Emulator) -> None:
    put = emulator.client("cloudwatch").put_metric_data
    datum = {"MetricName": "m", "Value": 1}
    assert refused(put, Namespace="n", MetricData=[])["Code"] == "MissingParameter"
    error = refused(put, Namespace="n", MetricData=[datum] * 1001)
    assert (error["Code"], "greater than 1000" in error["Message"]) == ("InvalidParameterValue", True)
    entity = {"Entity": {"KeyAttributes": {"Type": "Service", "Name": "x"}}, "MetricData": [datum]}
    error = refused(put, Namespace="n", EntityMetricData=[entity])
    assert error["Code"] == "NotImplementedByEmulator"


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"Period": 61}, "InvalidParameterValue", "multiple of 60"),
        ({"Period": 7}, "InvalidParameterValue", "multiple of 60"),
        ({"StartTime": NOW}, "InvalidParameterValue", "StartTime must be less than"),
        ({"StartTime": NOW + timedelta(hours=1)}, "InvalidParameterValue", "StartTime must be less than"),
        ({"StartTime": NOW - timedelta(minutes=1441)}, "InvalidParameterCombination", "up to 1,441 datapoints"),
        ({"ExtendedStatistics": ["p90"]}, "InvalidParameterCombination", "either Statistics or ExtendedStatistics"),
        ({"ExtendedStatistics": ["p101"], "Statistics": None}, "InvalidParameterValue", "p101"),
        ({"ExtendedStatistics": ["Average"], "Statistics": None}, "InvalidParameterValue", "Average"),
        ({"ExtendedStatistics": ["tm90"], "Statistics": None}, "NotImplementedByEmulator", "tm90"),
        ({"Statistics": None}, "InvalidParameterCombination", "either Statistics or ExtendedStatistics"),
    ],
)
def test_statistics_that_are_not_given(emulator: Emulator, changes: dict[str, Any], code: str, text: str) -> None:
    request = {
        "Namespace": "n",
        "MetricName": "m",
        "Period": 60,
        "StartTime": NOW - timedelta(hours=1),
        "EndTime": NOW,
        "Statistics": ["Sum"],
        **changes,
    }
    given = {name: value for name, value in request.items() if value is not None}
    error = refused(emulator.client("cloudwatch").get_metric_statistics, **given)
    assert error["Code"] == code
    assert text in error["Message"]


def query(id: str = "q", **changes: Any) -> dict[str, Any]:
    """A query of GetMetricData, with changes to its MetricStat; None leaves that out."""
    stat = {"Metric": {"Namespace": "n", "MetricName": "m"}, "Period": 60, "Stat": "Sum", **changes.pop("stat", {})}
    given = {"Id": id, "MetricStat": stat, **changes}
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"EndTime": NOW - timedelta(hours=2)}, "ValidationError", "EndTime must be greater"),
        ({"EndTime": NOW - timedelta(hours=1)}, "ValidationError", "must not equal"),
        ({"MaxDatapoints": 0}, "ValidationError", "MaxDatapoints"),
        ({"MaxDatapoints": 100_801}, "ValidationError", "MaxDatapoints"),
        ({"NextToken": "nonsense"}, "InvalidNextToken", "NextToken"),
        ({"MetricDataQueries": []}, "ValidationError", "required"),
        ({"MetricDataQueries": [query(f"q{n}") for n in range(501)]}, "ValidationError", "greater than 500"),
        ({"MetricDataQueries": [query("Q")]}, "ValidationError", "expected ^[a-z]"),
        ({"MetricDataQueries": [query(), query()]}, "ValidationError", "not unique"),
        ({"MetricDataQueries": [query(stat={"Period": 61})]}, "InvalidParameterValue", "multiple of 60"),
        ({"MetricDataQueries": [query(stat={"Stat": "Median"})]}, "InvalidParameterValue", "Median"),
        ({"MetricDataQueries": [query(stat={"Stat": "IQM"})]}, "NotImplementedByEmulator", "IQM"),
        ({"MetricDataQueries": [query(stat={"Metric": {"MetricName": "m"}})]}, "ValidationError", "are required"),
        ({"MetricDataQueries": [query(Label="${MAX}")]}, "NotImplementedByEmulator", "${MAX}"),
        ({"MetricDataQueries": [query(Expression="1+1")]}, "ValidationError", "mutually exclusive"),
        ({"MetricDataQueries": [query(MetricStat=None)]}, "ValidationError", "must be specified"),
        ({"MetricDataQueries": [query(MetricStat=None, Expression="1+1")]}, "NotImplementedByEmulator", "'1+1'"),
    ],
)
def test_queries_that_are_not_answered(emulator: Emulator, changes: dict[str, Any], code: str, text: str) -> None:
    request = {"MetricDataQueries": [query()], "StartTime": NOW - timedelta(hours=1), "EndTime": NOW, **changes}
    error = refused(emulator.client("cloudwatch").get_metric_data, **request)
    assert error["Code"] == code
    assert text in error["Message"]


def test_a_request_of_over_a_megabyte_as_it_is_sent_is_refused(emulator: Emulator) -> None:
    data = [
        {"MetricName": f"{number:04}", "Value": 1, "Dimensions": [{"Name": "n" * 250, "Value": "v" * 1000}]}
        for number in range(900)
    ]
    plain = emulator.client("cloudwatch", disable_request_compression=True)
    error = refused(plain.put_metric_data, Namespace="Large", MetricData=data)
    assert error["Code"] == "RequestEntityTooLarge"
    assert re.fullmatch(r"Request size \d{7} exceeded 1048576 bytes", error["Message"])
    compressed = emulator.client("cloudwatch")
    compressed.put_metric_data(Namespace="Large", MetricData=data)
    assert compressed.list_metrics(Namespace="Large")["Metrics"]
