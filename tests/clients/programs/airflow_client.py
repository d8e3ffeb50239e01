"""Airflow's SageMaker operators, executed without a scheduler."""

from typing import Any

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator, SageMakerTuningOperator
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from common import BUCKET, DATA, IMAGE, PREFIX, ROLE, SPOILED, main

NAME = PREFIX.replace("/", "-")


def definition(uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    channels = [
        {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}
        for name in ("train", "validation")
    ]
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/{PREFIX}"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "RoleArn": ROLE,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


HYPERPARAMETERS = {"num_round": "3", "objective": "reg:squarederror", "eval_metric": "rmse"}


def train(name: str, uri: str) -> dict[str, Any]:
    config = {"TrainingJobName": name, "HyperParameters": HYPERPARAMETERS, **definition(uri)}
    return SageMakerTrainingOperator(
        task_id="train", config=config, aws_conn_id=None, check_interval=1, print_log=False
    ).execute({})


def success() -> None:
    trained = train(f"{NAME}-train", DATA)["Training"]
    assert trained["TrainingJobStatus"] == "Completed"
    key = trained["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    assert S3KeySensor(task_id="model", bucket_name=BUCKET, bucket_key=key, aws_conn_id=None).poke({})
    tuning = {
        "HyperParameterTuningJobName": f"{NAME[:20]}-tune",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}]},
        },
        "TrainingJobDefinition": {**definition(DATA), "StaticHyperParameters": HYPERPARAMETERS},
    }
    tuned = SageMakerTuningOperator(task_id="tune", config=tuning, aws_conn_id=None, check_interval=1).execute({})
    assert tuned["Tuning"]["TrainingJobStatusCounters"]["Completed"] == 2


def failure() -> str:
    try:
        train(f"{NAME}-spoiled", SPOILED)
    except Exception as failed:  # AirflowException, or a waiter's error
        return f"{type(failed).__name__} {failed}"
    return ""


main(success, failure)
