"""Endpoints are not there: invoking one is answered as AWS answers, and not with an invented result."""

from typing import Any

import pytest

from tests.conftest import Emulator

from ..fsx.test_file_system import refused


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("invoke_endpoint", {"Body": b"1,2", "ContentType": "text/csv"}),
        ("invoke_endpoint_async", {"InputLocation": "s3://bucket/key"}),
        ("invoke_endpoint_with_response_stream", {"Body": b"1,2"}),
    ],
)
def test_nobody_answers(emulator: Emulator, operation: str, more: dict[str, Any]) -> None:
    runtime = emulator.client("sagemaker-runtime")
    error = refused(getattr(runtime, operation), EndpointName="mine", **more)
    assert (error["Code"], error["Message"]) == (
        "ValidationError",
        "Endpoint mine of account 123456789012 not found.",
    )
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_names_are_checked_as_the_model_says(emulator: Emulator) -> None:
    runtime = emulator.client("sagemaker-runtime", parameter_validation=False)
    error = refused(runtime.invoke_endpoint, EndpointName="x" * 64, Body=b"")
    assert (error["Code"], "length less than or equal to 63" in error["Message"]) == ("ValidationError", True)
    error = refused(
        runtime.invoke_endpoint_async, EndpointName="mine", InputLocation="s3://b/k", RequestTTLSeconds="soon"
    )
    assert error["Code"] == "SerializationException"


def test_endpoints_are_refused_by_name(emulator: Emulator) -> None:
    config = {"EndpointName": "mine", "EndpointConfigName": "config"}
    error = refused(emulator.client("sagemaker").create_endpoint, **config)
    assert (error["Code"], "CreateEndpoint" in error["Message"]) == ("NotImplementedByEmulator", True)
