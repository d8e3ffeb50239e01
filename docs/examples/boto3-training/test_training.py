"""Tests of ``training`` against an embedded AWS: no account, no network, no mocks."""

import io
import tarfile
from datetime import timedelta

import boto3
import pytest
import training

from flytekitplugins_smfs.emulator import Emulator, Fault

BUCKET = "sagemaker-us-east-1-123456789012"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
ROWS = [(size * 2.0 + 1.0, size) for size in map(float, range(50))]


@pytest.fixture
def data(emulator_environment: dict[str, str]) -> str:
    """The rows in S3. ``upload`` makes a client of its own: the environment leads it to the embedded AWS."""
    return training.upload(ROWS, BUCKET, "prices/train.csv")


def start(session: boto3.Session, data: str) -> None:
    training.start_training(session, "prices", data, f"s3://{BUCKET}/models", ROLE)


def test_a_training_makes_a_model(emulator_session: boto3.Session, data: str) -> None:
    start(emulator_session, data)
    model = training.model_of(emulator_session, "prices", poll_seconds=0.1)
    bucket, _, key = model.removeprefix("s3://").partition("/")
    archive = emulator_session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        assert files.getnames() == ["xgboost-model"]


def test_data_that_is_no_csv_fails_the_job_and_says_why(emulator_session: boto3.Session, data: str) -> None:
    emulator_session.client("s3").put_object(Bucket=BUCKET, Key="prices/train.csv", Body=b"price;size\n")
    start(emulator_session, data)
    with pytest.raises(RuntimeError, match="Failed to load csv data"):
        training.model_of(emulator_session, "prices", poll_seconds=0.1)


def test_each_test_finds_everything_as_new(emulator: Emulator) -> None:
    assert emulator.session().client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []
    assert emulator.calls.list("sagemaker", "CreateTrainingJob") == []


def test_throttling_is_lived_through(emulator: Emulator, emulator_session: boto3.Session, data: str) -> None:
    emulator.faults.order(Fault.throttle("sagemaker", "CreateTrainingJob", times=2))
    start(emulator_session, data)
    errors = [call.error for call in emulator.calls.list("sagemaker", "CreateTrainingJob")]
    assert errors == ["ThrottlingException", "ThrottlingException", None]


def test_no_capacity_is_told_apart(emulator: Emulator, emulator_session: boto3.Session, data: str) -> None:
    emulator.faults.order(Fault.capacity("prices"))
    start(emulator_session, data)
    with pytest.raises(training.OutOfCapacity):
        training.model_of(emulator_session, "prices", poll_seconds=0.1)


def test_a_file_system_is_ready_after_ten_minutes(emulator: Emulator, emulator_session: boto3.Session) -> None:
    subnet = emulator_session.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    file_system = training.make_file_system(emulator_session, subnet)
    assert not training.is_available(emulator_session, file_system)
    emulator.clock.advance(timedelta(minutes=10))
    assert training.is_available(emulator_session, file_system)


def test_a_file_system_that_fails_says_why(emulator: Emulator, emulator_session: boto3.Session) -> None:
    emulator.faults.order(Fault.file_system_fails("There is no capacity in this zone."))
    subnet = emulator_session.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    file_system = training.make_file_system(emulator_session, subnet)
    emulator.clock.advance(timedelta(minutes=10))
    with pytest.raises(RuntimeError, match="no capacity in this zone"):
        training.is_available(emulator_session, file_system)
