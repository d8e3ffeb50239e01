"""CloudWatch metrics, over the protocol of the installed client and over CBOR."""

import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.models import speaks
from flytekitplugins_smfs.emulator.protocols.cbor import dumps, loads
from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text() | st.binary()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES)
def test_cbor_is_read_as_it_was_written(value: Any) -> None:
    assert loads(dumps(value)) == value


def put(emulator: Emulator, *values: float) -> dict[str, Any]:
    """Put values of a new metric, a minute apart up to now; returns the question for them."""
    namespace, now = f"test-{time.time_ns()}", datetime.now(UTC)
    emulator.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "loss",
                "Dimensions": [{"Name": "Host", "Value": "algo-1"}],
                "Timestamp": now - timedelta(minutes=len(values) - number),
                "Value": value,
            }
            for number, value in enumerate(values)
        ],
    )
    return {"namespace": namespace, "StartTime": now - timedelta(hours=1), "EndTime": now}


def test_data_come_back_as_statistics(emulator: Emulator) -> None:
    cloudwatch = emulator.client("cloudwatch")
    asked = put(emulator, 3.0, 2.0, 1.0)
    namespace = asked.pop("namespace")
    metric = {"Namespace": namespace, "MetricName": "loss", "Dimensions": [{"Name": "Host", "Value": "algo-1"}]}
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}
    result = cloudwatch.get_metric_data(MetricDataQueries=[query], ScanBy="TimestampAscending", **asked)
    assert result["MetricDataResults"][0]["Values"] == [3.0, 2.0, 1.0]
    points = cloudwatch.get_metric_statistics(**metric, Period=86400, Statistics=["Maximum", "SampleCount"], **asked)
    assert sum(point["SampleCount"] for point in points["Datapoints"]) == 3
    assert max(point["Maximum"] for point in points["Datapoints"]) == 3.0
    assert [m["MetricName"] for m in cloudwatch.list_metrics(Namespace=namespace)["Metrics"]] == ["loss"]


@pytest.fixture
def metric() -> dict[str, Any]:
    """The name of a metric of the test's own."""
    return {"Namespace": f"test-{time.time_ns()}", "MetricName": "latency"}


def keep(emulator: Emulator, metric: dict[str, Any], *data: dict[str, Any]) -> None:
    """Put data of one metric."""
    named = [{"MetricName": metric["MetricName"], **datum} for datum in data]
    emulator.client("cloudwatch").put_metric_data(Namespace=metric["Namespace"], MetricData=named)


def statistics(emulator: Emulator, metric: dict[str, Any], *names: str, **changes: Any) -> list[dict[str, Any]]:
    """The points of the last hour, in one period unless told otherwise."""
    now = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
    asked = {"StartTime": now - timedelta(hours=1), "EndTime": now, "Period": 3600, **changes}
    kind = "ExtendedStatistics" if names[0].startswith("p") else "Statistics"
    answer = emulator.client("cloudwatch").get_metric_statistics(**metric, **{kind: list(names)}, **asked)
    return sorted(answer["Datapoints"], key=lambda point: (point["Timestamp"], point["Unit"]))


def test_values_count_as_often_as_they_are_said_to(emulator: Emulator, metric: dict[str, Any]) -> None:
    keep(emulator, metric, {"Values": [1, 10], "Counts": [3, 1]}, {"Values": [5]}, {"Values": [7], "Counts": [0]})
    [point] = statistics(emulator, metric, "SampleCount", "Sum", "Average", "Minimum", "Maximum")
    assert (point["SampleCount"], point["Sum"], point["Minimum"], point["Maximum"]) == (5, 18, 1, 10)
    assert point["Average"] == 18 / 5


def test_percentiles(emulator: Emulator, metric: dict[str, Any]) -> None:
    keep(emulator, metric, {"Values": list(range(1, 101))})
    [point] = statistics(emulator, metric, "p50", "p99.9", "p0", "p100")
    assert point["ExtendedStatistics"] == {"p50": 50, "p99.9": 100, "p0": 1, "p100": 100}
    keep(emulator, metric, {"StatisticValues": {"SampleCount": 2, "Sum": 12, "Minimum": 6, "Maximum": 6}})
    [point] = statistics(emulator, metric, "p100")
    assert point["ExtendedStatistics"] == {"p100": 100}


@pytest.mark.parametrize(
    "datum", [{"Value": -1}, {"StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}}]
)
def test_no_percentiles_of_negative_values_and_of_sets(
    emulator: Emulator, metric: dict[str, Any], datum: dict[str, Any]
) -> None:
    keep(emulator, metric, {"Values": [1, 2]}, datum)
    assert statistics(emulator, metric, "p50") == []
    [point] = statistics(emulator, metric, "Minimum")
    assert point["Minimum"] == min(1, datum.get("Value", 1))


def test_statistics_are_per_unit(emulator: Emulator, metric: dict[str, Any]) -> None:
    keep(emulator, metric, {"Value": 60, "Unit": "Seconds"}, {"Value": 60_000, "Unit": "Milliseconds"})
    points = statistics(emulator, metric, "Sum")
    assert [(point["Unit"], point["Sum"]) for point in points] == [("Milliseconds", 60_000), ("Seconds", 60)]
    assert [point["Sum"] for point in statistics(emulator, metric, "Sum", Unit="Seconds")] == [60]
    assert statistics(emulator, metric, "Sum", Unit="Bytes") == []


def test_periods_begin_at_the_start_time(emulator: Emulator, metric: dict[str, Any]) -> None:
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=37)
    keep(emulator, metric, *({"Value": 1, "Timestamp": start + timedelta(minutes=n)} for n in (0, 9, 10, 36)))
    points = statistics(emulator, metric, "Sum", StartTime=start + timedelta(seconds=59), Period=600)
    assert [(point["Timestamp"], point["Sum"]) for point in points] == [
        (start, 2),
        (start + timedelta(minutes=10), 1),
        (start + timedelta(minutes=30), 1),
    ]


def test_seconds_are_told_apart_only_at_high_resolution(emulator: Emulator, metric: dict[str, Any]) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    moments = [minute + timedelta(seconds=second) for second in (1, 11, 12)]
    asked = {"StartTime": minute, "EndTime": minute + timedelta(minutes=1), "Period": 10}
    keep(emulator, metric, *({"Value": 1, "Timestamp": moment} for moment in moments))
    assert [point["Sum"] for point in statistics(emulator, metric, "Sum", **asked)] == [3]
    fine = {**metric, "MetricName": "fine"}
    keep(emulator, fine, *({"Value": 1, "Timestamp": moment, "StorageResolution": 1} for moment in moments))
    assert [point["Sum"] for point in statistics(emulator, fine, "Sum", **asked)] == [1, 2]


def test_short_periods_are_kept_for_three_hours(emulator: Emulator, metric: dict[str, Any]) -> None:
    old = datetime.now(UTC) - timedelta(hours=4)
    keep(emulator, metric, {"Value": 1, "Timestamp": old, "StorageResolution": 1})
    asked = {"StartTime": old - timedelta(minutes=1), "EndTime": old + timedelta(minutes=1)}
    assert statistics(emulator, metric, "Sum", Period=10, **asked) == []
    assert [point["Sum"] for point in statistics(emulator, metric, "Sum", Period=60, **asked)] == [1]


def test_queries_are_labelled_and_paged(emulator: Emulator, metric: dict[str, Any]) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    keep(emulator, metric, *({"Value": n, "Timestamp": now - timedelta(minutes=n)} for n in range(1, 6)))

    def query(id: str, stat: str, **more: Any) -> dict[str, Any]:
        return {"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, **more}

    paginator = emulator.client("cloudwatch").get_paginator("get_metric_data")
    queries = [query("a", "Sum"), query("b", "Maximum", Label="mine"), query("c", "Minimum", ReturnData=False)]
    asked = {"MetricDataQueries": queries, "StartTime": now - timedelta(hours=1), "EndTime": now}
    pages = [page["MetricDataResults"] for page in paginator.paginate(MaxDatapoints=4, **asked)]
    assert [[(r["Id"], r["Label"], r["Values"], r["StatusCode"]) for r in page] for page in pages] == [
        [("a", "latency Sum", [1, 2, 3, 4], "PartialData")],
        [("a", "latency Sum", [5], "Complete"), ("b", "mine", [1, 2, 3], "PartialData")],
        [("b", "mine", [4, 5], "Complete")],
    ]
    one = emulator.client("cloudwatch").get_metric_data(**{**asked, "MetricDataQueries": [query("a", "Sum")]})
    assert [result["Label"] for result in one["MetricDataResults"]] == ["latency"]
    none = {**query("a", "Sum"), "MetricStat": {"Metric": {**metric, "MetricName": "x"}, "Period": 60, "Stat": "Sum"}}
    empty = emulator.client("cloudwatch").get_metric_data(**{**asked, "MetricDataQueries": [none]})
    assert [(r["Values"], r["StatusCode"]) for r in empty["MetricDataResults"]] == [([], "Complete")]


def test_a_query_of_several_units_is_answered_in_one(emulator: Emulator, metric: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    keep(emulator, metric, {"Value": 60, "Unit": "Seconds"}, {"Value": 60_000, "Unit": "Milliseconds"})
    asked = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    queries = [{"Id": "any", "MetricStat": asked}, {"Id": "some", "MetricStat": {**asked, "Unit": "Seconds"}}]
    answer = emulator.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1)
    )
    assert [result["Values"] for result in answer["MetricDataResults"]] == [[60_000], [60]]


def test_only_what_is_active_is_listed(emulator: Emulator, metric: dict[str, Any]) -> None:
    cloudwatch = emulator.client("cloudwatch")
    old = {"Value": 1, "Timestamp": datetime.now(UTC) - timedelta(hours=4)}
    keep(emulator, metric, old)
    keep(emulator, {**metric, "MetricName": "young"}, {"Value": 1})
    named = [m["MetricName"] for m in cloudwatch.list_metrics(Namespace=metric["Namespace"])["Metrics"]]
    assert named == ["latency", "young"]
    recent = cloudwatch.list_metrics(Namespace=metric["Namespace"], RecentlyActive="PT3H")["Metrics"]
    assert [m["MetricName"] for m in recent] == ["young"]
    error = refused(cloudwatch.list_metrics, Namespace=metric["Namespace"], NextToken="nonsense")
    assert error["Code"] == "InvalidParameterValue"


def test_a_thousand_metrics_come_compressed_in_one_call_and_are_listed_in_pages(
    emulator: Emulator, metric: dict[str, Any]
) -> None:
    cloudwatch = emulator.client("cloudwatch")
    sent: list[str | bytes] = []
    cloudwatch.meta.events.register(
        "before-send.cloudwatch.PutMetricData", lambda request, **_: sent.append(request.headers["Content-Encoding"])
    )
    data = [
        {"MetricName": f"m{n:04}", "Value": n, "Unit": "Count", "Dimensions": [{"Name": "Host", "Value": "algo-1"}]}
        for n in range(1000)
    ]
    began = time.monotonic()
    cloudwatch.put_metric_data(Namespace=metric["Namespace"], MetricData=data)
    assert time.monotonic() - began < 5, "a thousand metrics take well under a second of an idle machine"
    assert sent in (["gzip"], [b"gzip"])
    pages = list(cloudwatch.get_paginator("list_metrics").paginate(Namespace=metric["Namespace"]))
    assert [len(page["Metrics"]) for page in pages] == [500, 500]
    assert pages[1]["Metrics"][-1]["MetricName"] == "m0999"


def test_a_newer_client_speaks_cbor(emulator: Emulator) -> None:
    namespace = put(emulator, 1.0)["namespace"]
    path = "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    headers = {"smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor"}
    request = emulator.signed("POST", path, dumps({"Namespace": namespace}), headers, service="monitoring")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
        assert loads(answer.read())["Metrics"][0]["MetricName"] == "loss"


@pytest.mark.parametrize(
    "metadata",
    [
        {"protocol": "query"},
        {"protocol": "query", "protocols": ["query"]},
        {"protocol": "smithy-rpc-v2-cbor", "protocols": ["smithy-rpc-v2-cbor", "json", "query"]},
    ],
)
def test_older_clients_are_understood_whichever_model_is_installed(metadata: dict[str, Any]) -> None:
    assert speaks(ServiceModel({"metadata": metadata}), "query")
    assert not speaks(ServiceModel({"metadata": metadata}), "ec2")
