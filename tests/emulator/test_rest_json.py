"""REST-JSON requests and answers, by the models of services that speak it."""

import json

import pytest
from botocore.model import ServiceModel

from flytekitplugins_smfs.emulator.faults import AwsError
from flytekitplugins_smfs.emulator.messages import Request
from flytekitplugins_smfs.emulator.models import service_model
from flytekitplugins_smfs.emulator.protocols import RestJson
from flytekitplugins_smfs.emulator.registry import Service


def protocol(name: str) -> tuple[RestJson, ServiceModel]:
    return RestJson(Service(name)), service_model(name)


def test_members_come_from_path_query_headers_and_body() -> None:
    efs, model = protocol("efs")
    request = Request("GET", "/2015-02-01/file-systems?MaxItems=3&FileSystemId=fs-1", {}, b"")
    assert efs.operation(request) == "DescribeFileSystems"
    read = efs.read(model.operation_model("DescribeFileSystems"), request)
    assert read == {"MaxItems": 3, "FileSystemId": "fs-1"}
    request = Request("PUT", "/2015-02-01/file-systems/fs%2D1", {}, json.dumps({"ThroughputMode": "bursting"}).encode())
    assert efs.operation(request) == "UpdateFileSystem"
    read = efs.read(model.operation_model("UpdateFileSystem"), request)
    assert read == {"FileSystemId": "fs-1", "ThroughputMode": "bursting"}
    runtime, model = protocol("sagemaker-runtime")
    headers = {"content-type": "text/csv", "x-amzn-sagemaker-target-model": "a.tar.gz"}
    request = Request("POST", "/endpoints/mine/invocations", headers, b"1,2")
    read = runtime.read(model.operation_model("InvokeEndpoint"), request)
    assert read == {"EndpointName": "mine", "Body": b"1,2", "ContentType": "text/csv", "TargetModel": "a.tar.gz"}


@pytest.mark.parametrize("target", ["/", "/endpoints/mine", "/endpoints/a/b/invocations", "/endpoints//invocations"])
def test_other_paths_are_no_operation(target: str) -> None:
    runtime, _ = protocol("sagemaker-runtime")
    assert runtime.operation(Request("POST", target, {}, b"")) == ""


@pytest.mark.parametrize("body", [b"{", b"[1]", b"[" * 100_000, b"\xff"])
def test_bodies_that_cannot_be_read(body: bytes) -> None:
    efs, model = protocol("efs")
    request = Request("POST", "/2015-02-01/file-systems", {}, body)
    with pytest.raises(AwsError, match="SerializationException"):
        efs.read(model.operation_model("CreateFileSystem"), request)


def test_answers_have_members_in_headers_and_body() -> None:
    runtime, model = protocol("sagemaker-runtime")
    done = {"Body": b"0.5", "ContentType": "text/csv", "InvokedProductionVariant": "one"}
    answer = runtime.answer(model.operation_model("InvokeEndpoint"), done)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"0.5", "text/csv")
    assert answer.headers["x-amzn-invoked-production-variant"] == "one"
    answer = runtime.answer(
        model.operation_model("InvokeEndpointAsync"), {"InferenceId": "1", "OutputLocation": "s3://b/k"}
    )
    assert (answer.status, json.loads(answer.body)) == (202, {"InferenceId": "1"})
    assert answer.headers["x-amzn-sagemaker-outputlocation"] == "s3://b/k"
    refused = runtime.refuse(AwsError("ValidationError", "no", 400))
    assert (refused.status, refused.headers["x-amzn-errortype"]) == (400, "ValidationError")
