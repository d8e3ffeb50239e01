"""flytekitplugins-awssagemaker, which nobody here wrote, runs unchanged: its tasks train and tune over Lustre."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.conftest import Emulator
from tests.emulator.services.sagemaker.jobs import BUCKET, ROLE, XGBOOST_IMAGE, unique
from tests.emulator.services.sagemaker.test_filesystems import Lustre, lustre

__all__ = ["lustre"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("flytekitplugins.awssagemaker_training") is None,
    reason="flytekitplugins-awssagemaker is not installed",
)

CONFIG = """
NAME = {name!r}
TRAINING = {{
    "AlgorithmSpecification": {{"TrainingImage": {image!r}, "TrainingInputMode": "File"}},
    "RoleArn": {role!r},
    "OutputDataConfig": {{"S3OutputPath": "s3://{bucket}/neighbour"}},
    "ResourceConfig": {{"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}},
    "StoppingCondition": {{"MaxRuntimeInSeconds": 60}},
    "VpcConfig": {{"Subnets": [{subnet!r}], "SecurityGroupIds": [{group!r}]}},
    "InputDataConfig": [
        {{
            "ChannelName": channel,
            "ContentType": "text/csv",
            "DataSource": {{
                "FileSystemDataSource": {{
                    "FileSystemId": {id!r},
                    "FileSystemType": "FSxLustre",
                    "FileSystemAccessMode": "ro",
                    "DirectoryPath": "/{mount}/data",
                }}
            }},
        }}
        for channel in ("train", "validation")
    ],
}}
PARAMETERS = {{"num_round": "{{inputs.rounds}}", "objective": "binary:logistic", "eval_metric": "logloss"}}
"""

TRAIN = """
from flytekitplugins.awssagemaker_training import SageMakerTrainingJobTask

task = SageMakerTrainingJobTask(
    "train", {"TrainingJobName": NAME, **TRAINING, "HyperParameters": PARAMETERS}, "us-east-1", inputs={"rounds": str}
)
result = task(rounds="4")
print("MODEL", result["ModelArtifacts"]["S3ModelArtifacts"])
print("METRICS", sorted(metric["MetricName"] for metric in result["FinalMetricDataList"]))
"""

TUNE = """
from flytekitplugins.awssagemaker_hyperparameter_tuning import SageMakerHyperParameterTuningJobTask

task = SageMakerHyperParameterTuningJobTask(
    "tune",
    {
        "HyperParameterTuningJobName": NAME,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:logloss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5"}]},
        },
        "TrainingJobDefinition": {**TRAINING, "StaticHyperParameters": PARAMETERS},
    },
    "us-east-1",
    inputs={"rounds": str},
)
result = task(rounds="4")
print("MODEL", result["ModelArtifacts"]["S3ModelArtifacts"])
print("COMPLETED", result["TrainingJobStatusCounters"]["Completed"])
"""


def run(emulator: Emulator, lustre: Lustre, name: str, program: str) -> "subprocess.CompletedProcess[str]":
    config = CONFIG.format(
        name=name,
        image=XGBOOST_IMAGE,
        role=ROLE,
        bucket=BUCKET,
        subnet=lustre.subnet,
        group=lustre.group,
        id=lustre.id,
        mount=lustre.mount,
    )
    return subprocess.run(
        [sys.executable, "-c", config + program],
        env={**os.environ, **emulator.env},
        capture_output=True,
        text=True,
        timeout=180,
    )


def test_training_job_task(emulator: Emulator, lustre: Lustre) -> None:  # N14
    name = unique("neighbour")
    done = run(emulator, lustre, name, TRAIN)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"MODEL s3://{BUCKET}/neighbour/{name}/output/model.tar.gz" in done.stdout
    assert "METRICS ['train:logloss', 'validation:logloss']" in done.stdout


def test_tuning_job_task(emulator: Emulator, lustre: Lustre) -> None:  # N14
    done = run(emulator, lustre, unique("neighbour"), TUNE)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "COMPLETED 2" in done.stdout
    assert f"MODEL s3://{BUCKET}/neighbour/" in done.stdout


def test_a_refused_job_fails_the_task_with_the_words_of_aws(emulator: Emulator, lustre: Lustre) -> None:  # N14
    done = run(emulator, lustre, unique("neighbour"), 'TRAINING.pop("VpcConfig")\n' + TRAIN)
    assert done.returncode != 0
    assert "VpcConfig must be specified when FileSystemDataSource is specified" in " ".join(done.stderr.split())
