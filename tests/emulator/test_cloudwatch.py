"""CloudWatch metrics, over the protocol of the installed client and over CBOR."""

import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.cbor import dumps, loads
from flytekitplugins_smfs.emulator.models import speaks
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


def test_what_aws_refuses_is_refused(emulator: Emulator) -> None:
    cloudwatch = emulator.client("cloudwatch")
    error = refused(cloudwatch.put_metric_data, Namespace="AWS/x", MetricData=[{"MetricName": "a", "Value": 1}])
    assert error["Code"] == "InvalidParameterValue"
    query = {"Id": "q", "Expression": "1+1"}
    now = datetime.now(UTC)
    error = refused(cloudwatch.get_metric_data, MetricDataQueries=[query], StartTime=now, EndTime=now)
    assert error["Code"] == "NotImplementedByEmulator"


def test_a_newer_client_speaks_cbor(emulator: Emulator) -> None:
    namespace = put(emulator, 1.0)["namespace"]
    request = urllib.request.Request(
        f"{emulator.env['AWS_ENDPOINT_URL']}/service/GraniteServiceVersion20100801/operation/ListMetrics",
        data=dumps({"Namespace": namespace}),
        headers={
            "smithy-protocol": "rpc-v2-cbor",
            "content-type": "application/cbor",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/monitoring/aws4_request, x=y",
        },
    )
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
