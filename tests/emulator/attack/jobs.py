"""Right requests for training and tuning jobs: over S3, over a file system, with a script."""

from __future__ import annotations

import itertools
from typing import Any

BUCKET = "sagemaker-us-east-1-123456789012"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
FRAMEWORK = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3-cpu-py311"
Request = dict[str, Any]


class Jobs:
    """Writes them with names that nothing has yet, over a file system in a network."""

    numbers = itertools.count()
    file_system = mount = group = subnet = ""

    def _next(self) -> str:
        return f"seed-{next(self.numbers)}"

    def _definition(self) -> Request:
        return {
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/seed/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/seed/checkpoints", "LocalPath": "/opt/ml/checkpoints"},
            "Environment": {"A": "b"},
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "ContentType": "text/csv",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri": f"s3://{BUCKET}/seed/train/",
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
        }

    def _over_file_system(self, request: Request) -> Request:
        source = {
            "FileSystemId": self.file_system,
            "FileSystemType": "FSxLustre",
            "FileSystemAccessMode": "rw",
            "DirectoryPath": f"/{self.mount}/seed",
        }
        channel = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": source}}
        vpc = {"SecurityGroupIds": [self.group], "Subnets": [self.subnet]}
        return {**request, "InputDataConfig": [channel], "VpcConfig": vpc}

    def _training(self) -> list[Request]:
        metrics = [{"Name": "loss", "Regex": "loss=([0-9]+)"}]
        algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File", "MetricDefinitions": metrics}
        plain = {
            "TrainingJobName": self._next(),
            "AlgorithmSpecification": algorithm,
            "HyperParameters": {"a": "b"},
            "Tags": [{"Key": "a", "Value": "b"}],
            **self._definition(),
        }
        script = {
            **plain,
            "TrainingJobName": self._next(),
            "AlgorithmSpecification": {"TrainingImage": FRAMEWORK, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{BUCKET}/seed/code.tar.gz",
            },
        }
        over = {**self._over_file_system(plain), "TrainingJobName": self._next()}
        return [plain, over, script]

    def _tuning(self) -> list[Request]:
        metrics = [{"Name": "loss", "Regex": "loss=([0-9]+)"}]
        ranges = [{"Name": "depth", "MinValue": "1", "MaxValue": "3"}]
        definition: Request = {
            **self._definition(),
            "StaticHyperParameters": {"a": "b"},
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": metrics,
            },
        }
        whole = {
            "HyperParameterTuningJobName": self._next(),
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
                "ParameterRanges": {"IntegerParameterRanges": ranges},
            },
            "TrainingJobDefinition": definition,
            "Tags": [{"Key": "a", "Value": "b"}],
        }
        objective = {"Type": "Minimize", "MetricName": "loss"}
        several = {name: value for name, value in whole.items() if name != "TrainingJobDefinition"}
        several["HyperParameterTuningJobConfig"] = {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
        }
        one = {
            **definition,
            "DefinitionName": "one",
            "TuningObjective": objective,
            "HyperParameterRanges": {"IntegerParameterRanges": ranges},
        }
        several["TrainingJobDefinitions"] = [one]
        over = {**whole, "TrainingJobDefinition": self._over_file_system(definition)}
        several["HyperParameterTuningJobName"], over["HyperParameterTuningJobName"] = self._next(), self._next()
        return [whole, over, several]
