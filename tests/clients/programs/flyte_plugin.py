"""flytekitplugins-awssagemaker's training task."""

from typing import Any

from common import BUCKET, DATA, IMAGE, PREFIX, REGION, ROLE, SPOILED, main
from flytekitplugins.awssagemaker_training import SageMakerTrainingJobTask


def train(name: str, uri: str) -> Any:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    config = {
        "TrainingJobName": f"{PREFIX.replace('/', '-')}-{name}",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {"num_round": "{inputs.rounds}", "objective": "reg:squarederror"},
        "InputDataConfig": [
            {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{PREFIX}"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return SageMakerTrainingJobTask("train", config, REGION, inputs={"rounds": str})(rounds="3")


def success() -> None:
    assert train("train", DATA)["ModelArtifacts"]["S3ModelArtifacts"].startswith(f"s3://{BUCKET}/{PREFIX}/")


def failure() -> str:
    try:
        train("spoiled", SPOILED)
    except Exception as failed:  # flytekit wraps it in an exception of its own
        return f"{type(failed).__name__} {failed}"
    return ""


main(success, failure)
