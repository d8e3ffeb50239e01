"""What the SageMaker SDK 3 asks before, while and after it trains, by boto3: its environment is no part of these tests.

``ModelTrainer`` finds its default bucket, looks whether it is its own and makes it if it is not there, asks whether the
role may write to it, puts the source there, starts the job, and shows its log as long as it runs.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for
from tests.emulator.services.sagemaker.jobs import BUCKET, LOG_GROUP, ROLE, RUNNING, Jobs, unique

ACCOUNT, STRANGER = "123456789012", "999999999999"


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


@pytest.fixture
def s3(emulator: Emulator) -> Any:
    return boto3.resource(
        "s3",
        endpoint_url=emulator.env["AWS_ENDPOINT_URL_S3"],
        region_name="us-east-1",
        aws_access_key_id=emulator.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=emulator.env["AWS_SECRET_ACCESS_KEY"],
    )


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refusal:
        call(**request)
    error = refusal.value.response["Error"]
    return error["Code"], error["Message"]


def test_the_default_bucket_is_there_and_ones_own(emulator: Emulator, s3: Any) -> None:
    account = emulator.client("sts").get_caller_identity()["Account"]
    assert s3.Bucket(f"sagemaker-us-east-1-{account}").creation_date is not None
    head, listed = s3.meta.client.head_bucket, s3.meta.client.list_objects_v2
    head(Bucket=BUCKET, ExpectedBucketOwner=account)
    listed(Bucket=BUCKET, Prefix="any", ExpectedBucketOwner=account)
    # The SDK tells these two by code and text.
    assert refused(head, Bucket=BUCKET, ExpectedBucketOwner=STRANGER) == ("403", "Forbidden")
    assert refused(listed, Bucket=BUCKET, Prefix="any", ExpectedBucketOwner=STRANGER)[0] == "AccessDenied"


def test_a_default_bucket_that_is_not_there_is_made(emulator: Emulator, s3: Any) -> None:
    name = unique("sagemaker-default")
    assert s3.Bucket(name).creation_date is None
    assert refused(s3.meta.client.head_bucket, Bucket=name, ExpectedBucketOwner=ACCOUNT) == ("404", "Not Found")
    s3.create_bucket(Bucket=name)
    assert s3.Bucket(name).creation_date is not None
    far = emulator.client("s3", region_name="eu-west-1")
    assert refused(far.create_bucket, Bucket=f"{name}-eu")[0] == "IllegalLocationConstraintException"
    far.create_bucket(Bucket=f"{name}-eu", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert far.head_bucket(Bucket=f"{name}-eu", ExpectedBucketOwner=ACCOUNT)["BucketRegion"] == "eu-west-1"


def test_the_role_may_write_to_the_default_bucket_and_another_may_not(emulator: Emulator) -> None:
    iam = emulator.client("iam")

    def decided(resource: str) -> str:
        asked = {"PolicySourceArn": ROLE, "ActionNames": ["s3:PutObject"], "ResourceArns": [resource]}
        (result,) = iam.simulate_principal_policy(**asked)["EvaluationResults"]
        return str(result["EvalDecision"])

    assert decided(f"arn:aws:s3:::{BUCKET}/*") == "allowed"
    assert decided("arn:aws:dynamodb:us-east-1:123456789012:table/t") == "implicitDeny"
    code, _ = refused(iam.simulate_principal_policy, PolicySourceArn=f"{ROLE}-none", ActionNames=["s3:PutObject"])
    assert code == "NoSuchEntity"


@pytest.mark.parametrize("bytes_", [100, 6 * 2**20], ids=["whole", "in parts"])
def test_a_source_goes_to_ones_own_bucket_only(s3: Any, bytes_: int) -> None:
    key, parts = unique("source"), TransferConfig(multipart_threshold=5 * 2**20)
    body = b"x" * bytes_
    upload = s3.meta.client.upload_fileobj
    upload(io.BytesIO(body), BUCKET, key, ExtraArgs={"ExpectedBucketOwner": ACCOUNT}, Config=parts)
    got = io.BytesIO()
    s3.meta.client.download_fileobj(BUCKET, key, got, ExtraArgs={"ExpectedBucketOwner": ACCOUNT})
    assert got.getvalue() == body
    with pytest.raises(ClientError, match="AccessDenied"):
        upload(io.BytesIO(body), BUCKET, f"{key}-2", ExtraArgs={"ExpectedBucketOwner": STRANGER}, Config=parts)
    assert s3.meta.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{key}-2")["KeyCount"] == 0
    assert "Uploads" not in s3.meta.client.list_multipart_uploads(Bucket=BUCKET, Prefix=f"{key}-2")


class Stream:
    """Reads one stream as the SDK does: from its head, on from where it ended, again and again."""

    def __init__(self, logs: Any, name: str) -> None:
        self._logs, self._name, self._token = logs, name, ""

    def latest(self) -> Iterator[str]:
        while True:
            token = {"nextToken": self._token} if self._token else {}
            request = {"logGroupName": LOG_GROUP, "logStreamName": self._name, "startFromHead": True, **token}
            answer = self._logs.get_log_events(**request)
            assert answer["nextForwardToken"]
            self._token = answer["nextForwardToken"]
            if not answer["events"]:
                return
            yield from (event["message"] for event in answer["events"])


@pytest.mark.parametrize("hosts", [1, 2])
def test_a_log_is_followed_while_the_job_runs(jobs: Jobs, hosts: int) -> None:
    script = 'i=0; while [ $i -lt 40 ]; do echo "line $i"; i=$((i+1)); sleep 0.02; done'
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 1}
    name = jobs.start(jobs.shell(script, ResourceConfig=resources))
    asked = {"logGroupName": LOG_GROUP, "logStreamNamePrefix": f"{name}/", "orderBy": "LogStreamName"}

    def ready() -> list[str] | None:
        try:
            found = jobs.logs.describe_log_streams(**asked)["logStreams"]
        except jobs.logs.exceptions.ResourceNotFoundException:
            return None
        names = [stream["logStreamName"] for stream in found]
        return names if len(names) >= hosts else None

    streams = {stream: Stream(jobs.logs, stream) for stream in wait_for(ready, 60)}
    read: dict[str, list[str]] = {stream: [] for stream in streams}
    status = ""
    while status not in ("Completed", "Failed", "Stopped"):
        status = jobs.describe(name)["TrainingJobStatus"]
        assert status in (*RUNNING, "Completed"), jobs.describe(name)
        for stream, reader in streams.items():
            read[stream] += reader.latest()
    for stream, lines in read.items():  # what was read at the job's end is all, and no line comes twice
        assert [line for line in lines if line.startswith("line ")] == [f"line {number}" for number in range(40)], (
            stream
        )
        assert list(streams[stream].latest()) == []


def test_the_log_of_a_job_that_never_was(jobs: Jobs) -> None:
    jobs.run(jobs.shell("true"))  # so that there is the group
    asked = {"logGroupName": LOG_GROUP, "logStreamNamePrefix": "never-was/", "orderBy": "LogStreamName"}
    assert jobs.logs.describe_log_streams(**asked)["logStreams"] == []
    missing = {"logGroupName": LOG_GROUP, "logStreamName": "never-was/algo-1", "startFromHead": True}
    assert refused(jobs.logs.get_log_events, **missing)[0] == "ResourceNotFoundException"
