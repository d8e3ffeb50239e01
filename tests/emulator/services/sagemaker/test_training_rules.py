"""Requests that newer service models let through: what they no longer require, SageMaker asks for itself."""

from typing import Any

import pytest

from flytekitplugins_smfs.emulator.faults import AwsError
from flytekitplugins_smfs.emulator.services.sagemaker.training_job import rules
from flytekitplugins_smfs.emulator.services.sagemaker.training_job.record import with_defaults

from .jobs import OWN_IMAGE, ROLE

WHOLE: dict[str, Any] = {
    "TrainingJobName": "job",
    "RoleArn": ROLE,
    "OutputDataConfig": {"S3OutputPath": "s3://b/c"},
    "AlgorithmSpecification": {"TrainingImage": OWN_IMAGE, "TrainingInputMode": "File"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
}


def refusal(request: dict[str, Any]) -> AwsError:
    nobody: Any = None
    with pytest.raises(AwsError) as caught:
        rules.check(nobody, request)
    return caught.value


def test_an_algorithm_and_resources_are_needed() -> None:
    null = "failed to satisfy constraint: Member must not be null"
    without = {name: value for name, value in WHOLE.items() if name not in ("AlgorithmSpecification", "ResourceConfig")}
    error = refusal(without)
    assert error.code == "ValidationException"
    assert error.message == (
        f"2 validation errors detected: Value null at 'algorithmSpecification' {null}; "
        f"Value null at 'resourceConfig' {null}"
    )
    error = refusal({**without, "AlgorithmSpecification": WHOLE["AlgorithmSpecification"]})
    assert error.message == f"1 validation error detected: Value null at 'resourceConfig' {null}"


def test_serverless_jobs_are_refused_by_name() -> None:
    error = refusal({"TrainingJobName": "job", "ServerlessJobConfig": {}})
    assert (error.code, "ServerlessJobConfig" in error.message) == ("NotImplementedByEmulator", True)


def test_without_a_stopping_condition_a_job_has_a_day() -> None:
    assert with_defaults(WHOLE)["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
