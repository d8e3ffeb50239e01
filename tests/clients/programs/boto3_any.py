"""boto3, of whatever version is installed."""

import io

import boto3
from botocore.exceptions import ClientError
from common import BODY, BUCKET, PREFIX, main


def success() -> None:
    s3 = boto3.client("s3")
    s3.upload_fileobj(io.BytesIO(BODY), BUCKET, f"{PREFIX}/a")
    assert s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/a")["Body"].read() == BODY
    assert s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/a", Range="bytes=256-511")["Body"].read() == BODY[:256]
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{PREFIX}/")["Contents"]
    assert [(one["Key"], one["Size"]) for one in listed] == [(f"{PREFIX}/a", len(BODY))]
    s3.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/a")
    assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
    boto3.client("fsx").describe_file_systems()
    boto3.client("sagemaker").list_training_jobs()
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace=PREFIX, MetricData=[{"MetricName": "m", "Value": 1.0}])
    assert cloudwatch.list_metrics(Namespace=PREFIX)["Metrics"][0]["MetricName"] == "m"


def failure() -> str:
    said = []
    for call in (
        lambda: boto3.client("s3").get_object(Bucket=BUCKET, Key=f"{PREFIX}/none"),
        lambda: boto3.client("fsx").describe_file_systems(FileSystemIds=["fs-0123456789abcdef0"]),
        lambda: boto3.client("sagemaker").describe_training_job(TrainingJobName="none"),
    ):
        try:
            call()
        except ClientError as refused:
            said.append(refused.response["Error"]["Code"])
    return " ".join(said)


main(success, failure)
