"""Who may talk to a running emulator: each protocol unsigned and wrongly signed, the admin API, jobs."""

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for

ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "fsx": ("describe_file_systems", {}),
    "sagemaker": ("list_training_jobs", {}),
    "logs": ("describe_log_groups", {}),
    "cloudwatch": ("list_metrics", {}),
    "sts": ("get_caller_identity", {}),
    "iam": ("list_users", {}),
    "ec2": ("describe_vpcs", {}),
    "efs": ("describe_file_systems", {}),
    "sagemaker-runtime": ("invoke_endpoint", {"EndpointName": "none", "Body": b""}),
}
JSON = ("MissingAuthenticationTokenException", "UnrecognizedClientException", "InvalidSignatureException")
QUERY = ("MissingAuthenticationToken", "InvalidClientTokenId", "SignatureDoesNotMatch")
CODES = {
    "fsx": JSON, "sagemaker": JSON, "logs": JSON, "cloudwatch": QUERY, "sts": QUERY, "iam": QUERY,
    "ec2": ("MissingParameter", "AuthFailure", "AuthFailure"), "sagemaker-runtime": JSON,
    "efs": JSON,
}  # fmt: skip
WAYS = ("unsigned", "unknown key", "wrong secret")


def code_of(emulator: Emulator, service: str, way: str, url: str | None = None) -> str:
    env = emulator.env
    config = {"signature_version": UNSIGNED} if way == "unsigned" else {}
    client = boto3.client(
        service,
        endpoint_url=url or env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id="AKIAUNKNOWN" if way == "unknown key" else env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="wrong" if way == "wrong secret" else env["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 0}, **config),
    )
    operation, request = CALLS[service]
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**request)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("service", "way"),
    # an unsigned request of REST names no service: it is for S3
    [(s, w) for s in CODES for w in WAYS if w != "unsigned" or s not in ("efs", "sagemaker-runtime")],
)
def test_each_protocol_says_what_is_wrong(emulator: Emulator, service: str, way: str) -> None:
    before = emulator.last_call()
    assert code_of(emulator, service, way) == CODES[service][WAYS.index(way)]
    assert not [call for call in emulator.calls(before) if call["service"] == service and call["error"] is None]


def test_the_admin_api_is_for_the_emulators_own_key(emulator: Emulator) -> None:
    url = f"{emulator.env['AWS_ENDPOINT_URL']}/_emulator"
    for name in ("settings", "calls?since=0", "faults", "processes"):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{url}/{name}", timeout=10)
        assert emulator.admin("GET", name)
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        assert json.load(answer)["status"] == "ready"
    name = f"user-{uuid.uuid4().hex[:8]}"
    iam = emulator.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    other = Emulator(
        emulator.state,
        {**emulator.env, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]},
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        other.admin("PUT", "settings", {})


def test_a_jobs_token_is_worth_its_roles_session(emulator: Emulator) -> None:
    script = (
        "import boto3, os\n"
        "sts = boto3.client('sts')\n"
        "print('I am', sts.get_caller_identity()['Arn'])\n"
        "print('token', os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN'])\n"
        "import time; time.sleep(600)\n"
    )
    sagemaker, name = emulator.client("sagemaker"), f"who-{uuid.uuid4().hex[:8]}"
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-c", script],
        },
        OutputDataConfig={"S3OutputPath": "s3://sagemaker-us-east-1-123456789012/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    logs = emulator.client("logs")

    def lines() -> list[str] | None:
        shown = sagemaker.describe_training_job(TrainingJobName=name)
        assert shown["TrainingJobStatus"] == "InProgress", shown.get("FailureReason")
        try:
            found = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name)
        except ClientError:
            return None
        texts = [event["message"] for event in found["events"]]
        return texts if any(text.startswith("token ") for text in texts) else None

    said = wait_for(lines, 60)
    assert "I am arn:aws:sts::123456789012:assumed-role/AmazonSageMaker-ExecutionRole/SageMaker" in said
    token = next(text for text in said if text.startswith("token ")).removeprefix("token ")
    url = f"{emulator.env['AWS_ENDPOINT_URL']}/_emulator/credentials"

    def ask(token: str) -> dict[str, Any]:
        request = urllib.request.Request(url, headers={"Authorization": token})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))

    first = ask(token)
    assert first["RoleArn"] == ROLE
    assert ask(token) == first
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask("another")
    sagemaker.stop_training_job(TrainingJobName=name)
    wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopped", 60)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(token)
    session = boto3.client(
        "sts", endpoint_url=emulator.env["AWS_ENDPOINT_URL"], region_name="us-east-1",
        aws_access_key_id=first["AccessKeyId"], aws_secret_access_key=first["SecretAccessKey"],
        aws_session_token=first["Token"],
    )  # fmt: skip
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        session.get_caller_identity()


@pytest.fixture
def odd(own_emulator: Emulator) -> Emulator:
    return own_emulator.start("--insecure", "--host-name", "aws.test")


def test_signatures_off_and_a_further_name(odd: Emulator) -> None:
    assert odd.server["insecure"] is True
    config = Config(signature_version=UNSIGNED)
    unsigned = boto3.client("fsx", endpoint_url=odd.env["AWS_ENDPOINT_URL"], region_name="us-east-1", config=config)
    assert unsigned.describe_file_systems()["FileSystems"] == []
    assert odd.client("sts").get_caller_identity()["Arn"].endswith(":user/emulator")
    for host, expected in (("aws.test", 200), ("bucket.aws.test:1", 200), ("evil.example", 403)):
        request = urllib.request.Request(f"{odd.env['AWS_ENDPOINT_URL']}/_emulator/health", headers={"Host": host})
        try:
            status = urllib.request.urlopen(request, timeout=10).status
        except urllib.error.HTTPError as refused:
            status = refused.code
        assert status == expected
    request = urllib.request.Request(
        f"{odd.env['AWS_ENDPOINT_URL']}/_emulator/health", headers={"Origin": "http://evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):  # also where signatures are off
        urllib.request.urlopen(request, timeout=10)


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("AWSSimbaAPIService_v20180301.DescribeFileSystems", b"[", "SerializationException"),
        ("AWSSimbaAPIService_v20180301.DescribeFileSystems", b"[1]", "SerializationException"),
        ("AWSSimbaAPIService_v20180301.DescribeFileSystems", b'{"MaxResults": NaN}', "SerializationException"),
        ("AWSSimbaAPIService_v20180301.DescribeFileSystems", b'{"a":' * 5000, "SerializationException"),
        ("AWSSimbaAPIService_v20180301.DescribeFileSystems", b"[" * 200_000, "SerializationException"),
        ("SageMaker.ListTrainingJobs", b'{"CreationTimeAfter": "yesterday"}', "SerializationException"),
        ("SageMaker.ListTrainingJobs", b'{"CreationTimeAfter": 1e300}', "SerializationException"),
        ("SageMaker.InvokeNothing", b"{}", "UnknownOperationException"),
    ],
)
def test_what_cannot_be_read_is_the_clients_fault(emulator: Emulator, target: str, body: bytes, code: str) -> None:
    service = "fsx" if "Simba" in target else "sagemaker"
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(emulator.signed("POST", "/", body, headers, service=service), timeout=20)
    assert refused.value.code == 400
    assert json.loads(refused.value.read())["__type"] == code


@pytest.mark.parametrize(
    "path", ["/", "/service", "/service/x", "/service/GraniteServiceVersion20100801/operation", "/a/b/c/d/e"]
)
def test_a_smithy_header_on_any_path_is_answered(emulator: Emulator, path: str) -> None:
    headers = {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    request = emulator.signed("POST", path, b"\xbf\xff", headers, service="monitoring")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert 400 <= refused.value.code < 500
