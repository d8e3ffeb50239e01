"""Every constraint of the service models, in AWS's words."""

from typing import Any

import botocore.session
import pytest

from flytekitplugins_smfs.emulator.faults import AwsError
from flytekitplugins_smfs.emulator.services import load
from flytekitplugins_smfs.emulator.validation import check

SESSION = botocore.session.Session()


def problem(service: str, operation: str, request: dict[str, Any]) -> AwsError:
    """The error of a request that must fail."""
    with pytest.raises(AwsError) as caught:
        check(load()[service].errors.validation, SESSION.get_service_model(service).operation_model(operation), request)
    return caught.value


def test_all_violations_are_counted_and_named() -> None:
    error = problem("sagemaker", "StopTrainingJob", {"TrainingJobName": "-" + "x" * 63})
    assert error.code == "ValidationException"
    assert error.message.startswith("2 validation errors detected: Value '-xxx")
    assert "at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63" in (
        error.message
    )
    assert "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}" in error.message


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "Value null at 'fileSystemType' failed to satisfy constraint: Member must not be null"),
        ({"FileSystemType": "LUSTRE", "SubnetIds": ["x"]}, "at 'subnetIds.1.member' failed to satisfy"),
        (
            {"FileSystemType": "LUSTRE", "SubnetIds": [], "LustreConfiguration": {"PerUnitStorageThroughput": 1001}},
            "Value '1001' at 'lustreConfiguration.perUnitStorageThroughput' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000",
        ),
        (
            {"FileSystemType": "LUSTER", "SubnetIds": []},
            "Member must satisfy enum value set: [WINDOWS, LUSTRE, ONTAP, OPENZFS]",
        ),
        ({"FileSystemType": "LUSTRE", "SubnetIds": [], "Tags": []}, "length greater than or equal to 1"),
    ],
)
def test_each_kind_of_violation_is_worded_as_aws_words_it(request_: dict[str, Any], words: str) -> None:
    error = problem("fsx", "CreateFileSystem", request_)
    assert error.code == "BadRequest"
    assert words in error.message


def test_a_wrong_type_is_a_serialization_error() -> None:
    error = problem("fsx", "CreateFileSystem", {"FileSystemType": "LUSTRE", "SubnetIds": "subnet-1"})
    assert (error.code, error.message) == ("SerializationException", "STRING_VALUE can not be converted to a List")


def test_map_keys_and_values_are_checked() -> None:
    request = {"TrainingJobName": "a", "HyperParameters": {"k" * 257: "v", "k": "v" * 2501}}
    error = problem("sagemaker", "CreateTrainingJob", request)
    assert "Map keys must satisfy constraint" in error.message
    assert "at 'hyperParameters.k.member'" in error.message


@pytest.mark.parametrize("value", ["Ünïcode näme 1", "a+b=c@d:e/f"])
def test_java_character_classes_are_understood(value: str) -> None:
    model = SESSION.get_service_model("sagemaker").operation_model("AddTags")
    arn = "arn:aws:sagemaker:us-east-1:123456789012:training-job/x"
    check("ValidationException", model, {"ResourceArn": arn, "Tags": [{"Key": value, "Value": value}]})


def test_every_pattern_of_our_services_is_one_python_can_check() -> None:
    from flytekitplugins_smfs.emulator.validation import _compiled

    for service, own in load().items():
        model = own.model
        patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names}
        unknown = [pattern for pattern in patterns if pattern and _compiled(pattern) is None]
        assert unknown == [], service


@pytest.mark.parametrize("period", [2**31, -(2**31) - 1, 10**400])
def test_a_number_that_its_type_cannot_hold_is_a_serialization_error(period: int) -> None:
    asked = {"Namespace": "n", "MetricName": "m", "StartTime": 0, "EndTime": 60, "Period": period}
    error = problem("cloudwatch", "GetMetricStatistics", asked)
    assert (error.code, error.message) == ("SerializationException", "NUMBER_VALUE can not be converted to Integer")


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 1e15, 10**400])
def test_a_time_that_no_calendar_has_is_a_serialization_error(moment: float) -> None:
    datum = {"MetricName": "m", "Value": 1, "Timestamp": moment}
    error = problem("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [datum]})
    assert (error.code, error.message) == ("SerializationException", "NUMBER_VALUE can not be converted to Timestamp")
