"""Trains a model of prices with boto3 alone: the code under test, which knows nothing of the embedded AWS."""

import time
from typing import Any

import boto3

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


class OutOfCapacity(Exception):
    """There is no instance now; another time there may be."""


def upload(rows: list[tuple[float, ...]], bucket: str, key: str) -> str:
    """Write rows to S3 as CSV, the price first. Answers their URI."""
    text = "\n".join(",".join(f"{value:g}" for value in row) for row in rows)
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/csv")
    return f"s3://{bucket}/{key}"


def start_training(session: boto3.Session, name: str, data: str, output: str, role: str) -> None:
    """Start a training job over what is at ``data``."""
    source = {"S3DataType": "S3Prefix", "S3Uri": data, "S3DataDistributionType": "FullyReplicated"}
    session.client("sagemaker").create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"objective": "reg:squarederror", "num_round": "5"},
        InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": output},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        RoleArn=role,
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def model_of(session: boto3.Session, name: str, poll_seconds: float = 30.0) -> str:
    """Wait for a training job; the URI of its model. Raises OutOfCapacity, or RuntimeError with AWS's reason."""
    while True:
        job = session.client("sagemaker").describe_training_job(TrainingJobName=name)
        if job["TrainingJobStatus"] == "Completed":
            return str(job["ModelArtifacts"]["S3ModelArtifacts"])
        if job["TrainingJobStatus"] == "Failed":
            reason = job["FailureReason"]
            raise OutOfCapacity(reason) if reason.startswith("CapacityError") else RuntimeError(reason)
        time.sleep(poll_seconds)


def make_file_system(session: boto3.Session, subnet: str) -> str:
    """Begin to make a scratch file system for a training. Answers its id."""
    made = session.client("fsx").create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=[subnet],
        LustreConfiguration={"DeploymentType": "SCRATCH_2"},
    )
    return str(made["FileSystem"]["FileSystemId"])


def is_available(session: boto3.Session, file_system: str) -> bool:
    """Whether a file system can be used. Raises RuntimeError, with AWS's reason, if it never will be."""
    found: dict[str, Any] = session.client("fsx").describe_file_systems(FileSystemIds=[file_system])["FileSystems"][0]
    if found["Lifecycle"] == "FAILED":
        raise RuntimeError(found["FailureDetails"]["Message"])
    return bool(found["Lifecycle"] == "AVAILABLE")
