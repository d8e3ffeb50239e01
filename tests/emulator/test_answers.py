"""What every answer has, whoever gives it: the time of the server, and a request id."""

import time
import urllib.request
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator

CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("fsx", "describe_file_systems", {}),
    ("sagemaker", "list_training_jobs", {}),
    ("logs", "describe_log_groups", {}),
    ("cloudwatch", "list_metrics", {}),
    ("ec2", "describe_vpcs", {}),
    ("iam", "list_roles", {}),
    ("sts", "get_caller_identity", {}),
    ("s3", "list_buckets", {}),
]
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("fsx", "describe_file_systems", {"FileSystemIds": ["fs-0123456789abcdef0"]}),
    ("fsx", "describe_backups", {}),
    ("sagemaker", "describe_training_job", {"TrainingJobName": "unknown"}),
    ("logs", "describe_log_streams", {"logGroupName": "unknown"}),
    ("cloudwatch", "list_metrics", {"NextToken": "nonsense"}),
    ("ec2", "describe_vpcs", {"VpcIds": ["vpc-1"]}),
    ("iam", "get_role", {"RoleName": "unknown"}),
    ("s3", "head_bucket", {"Bucket": "there-is-no-such-bucket"}),
]


def check(metadata: dict[str, Any], service: str) -> None:
    headers = metadata["HTTPHeaders"]
    date = parsedate_to_datetime(headers["date"])
    assert format_datetime(date, usegmt=True) == headers["date"]
    assert abs(date.timestamp() - time.time()) < 5
    assert headers["x-amz-request-id" if service == "s3" else "x-amzn-requestid"]


@pytest.mark.parametrize(("service", "operation", "request_"), CALLS)
def test_an_answer_has_date_and_id(emulator: Emulator, service: str, operation: str, request_: dict[str, Any]) -> None:
    check(getattr(emulator.client(service), operation)(**request_)["ResponseMetadata"], service)


@pytest.mark.parametrize(("service", "operation", "request_"), REFUSED)
def test_a_refusal_has_date_and_id(emulator: Emulator, service: str, operation: str, request_: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(emulator.client(service), operation)(**request_)
    check(caught.value.response["ResponseMetadata"], service)


def test_a_fault_has_date_and_id(emulator: Emulator) -> None:
    fault = {"service": "*", "code": "ThrottlingException", "message": "Rate exceeded", "times": 1}
    for service, operation, request in CALLS[:-1]:
        emulator.faults(fault)
        with pytest.raises(ClientError) as caught:
            getattr(emulator.client(service), operation)(**request)
        check(caught.value.response["ResponseMetadata"], service)


def test_body_and_header_have_the_same_id(emulator: Emulator) -> None:
    cloudwatch = emulator.client("cloudwatch")
    metadata = cloudwatch.list_metrics()["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amzn-requestid"]
    with pytest.raises(ClientError) as caught:
        cloudwatch.list_metrics(NextToken="nonsense")
    metadata = caught.value.response["ResponseMetadata"]
    assert metadata["RequestId"] == metadata["HTTPHeaders"]["x-amzn-requestid"]


def test_there_is_one_date_also_where_s3_comes_to_the_other_port(emulator: Emulator) -> None:
    url = emulator.env["AWS_ENDPOINT_URL"]
    scope = "AWS4-HMAC-SHA256 Credential=x/20250101/us-east-1/s3/aws4_request"
    for path, headers in (("/sagemaker-us-east-1-123456789012", {"Authorization": scope}), ("/_emulator/health", {})):
        try:
            answer = urllib.request.urlopen(urllib.request.Request(f"{url}{path}", headers=headers), timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        assert len(answer.headers.get_all("Date")) == 1
        answer.close()
