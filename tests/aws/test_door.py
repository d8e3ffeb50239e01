"""The one door to boto3: one client each, patience with what passes, every page."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.errors import Missing, SettingsError, Throttled, Transient
from flytekitplugins_smfs.values.settings import Settings


@pytest.fixture
def aws(emulator: Any) -> Aws:
    return Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state), requests_per_second=1000))


def test_one_client_for_a_service_and_region(aws: Aws) -> None:  # N3
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(aws.client("fsx"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert Aws(aws.settings).client("fsx") is found[0]
    assert aws.at("eu-west-1").client("fsx") is not found[0]


def test_throttling_passes(emulator: Any, aws: Aws) -> None:
    emulator.faults(
        {"service": "fsx", "operation": "DescribeFileSystems", "code": "ThrottlingException", "times": 3, "status": 400}
    )
    waits: list[float] = []
    patient = Aws(aws.settings, sleep=waits.append)
    assert "FileSystems" in patient.call("fsx", "DescribeFileSystems", doing="testing")
    assert sum(wait > 0 for wait in waits) == 3


def test_a_dropped_connection_passes(emulator: Any, aws: Aws) -> None:
    emulator.faults({"service": "fsx", "operation": "DescribeFileSystems", "drop": True, "times": 1})
    assert "FileSystems" in Aws(aws.settings, sleep=lambda _: None).call("fsx", "DescribeFileSystems", doing="testing")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"code": "ThrottlingException", "message": "Rate exceeded", "status": 400}, Throttled),
        ({"status": 503}, Transient),
        ({"drop": True}, Transient),
    ],
)
def test_a_poll_tries_once_and_says_so(emulator: Any, aws: Aws, fault: dict[str, Any], kind: type) -> None:  # N3
    emulator.faults({"service": "fsx", "operation": "DescribeFileSystems", "times": 1, **fault})
    with pytest.raises(kind, match="While polling"):
        aws.impatient().call("fsx", "DescribeFileSystems", doing="polling")


def test_patience_ends(emulator: Any, aws: Aws) -> None:
    emulator.faults({"service": "fsx", "operation": "DescribeFileSystems", "code": "ThrottlingException"})
    with pytest.raises(Throttled):
        Aws(aws.settings, patience=1.0).call("fsx", "DescribeFileSystems", doing="testing")
    emulator.faults()


def test_a_call_with_a_time_limit_keeps_it_while_aws_hangs(emulator: Any, aws: Aws) -> None:
    """Flyte gives a create 10 seconds."""
    emulator.faults({"service": "fsx", "operation": "DescribeFileSystems", "delay": 12.0, "times": 1})
    began = time.monotonic()
    with pytest.raises(Transient):
        aws.within(2.0).call("fsx", "DescribeFileSystems", doing="testing")
    assert time.monotonic() - began < 5
    emulator.faults()


def test_a_call_that_would_come_too_late_is_not_made(emulator: Any, aws: Aws) -> None:
    """Flyte has given up by then, and what the call made would be nobody's."""
    slow = Aws(aws.settings.model_copy(update={"requests_per_second": 0.2, "region": "eu-north-1"}))
    for impatient in (slow, slow.within(3.0), slow.impatient()):
        impatient.client("sagemaker")
    slow.call("sagemaker", "ListTrainingJobs", doing="testing")
    since, began = emulator.last_call(), time.monotonic()
    with pytest.raises(Throttled, match="its next turn is over"):
        slow.within(3.0).call("sagemaker", "ListTrainingJobs", doing="testing")
    with pytest.raises(Throttled, match="its next turn is over"):  # N3
        slow.impatient().call("sagemaker", "ListTrainingJobs", doing="testing")
    assert time.monotonic() - began < 1
    assert emulator.calls(since) == []


def test_a_profile_that_is_not_there_is_told() -> None:
    with pytest.raises(SettingsError, match="FLYTE_SMFS_PROFILE"):
        Aws(Settings(endpoint="aws", profile="of-nobody"))


def test_what_does_not_exist_is_missing_with_awss_words(aws: Aws) -> None:
    with pytest.raises(Missing, match="While reading x: fsx DescribeFileSystems answered FileSystemNotFound"):
        aws.call("fsx", "DescribeFileSystems", {"FileSystemIds": ["fs-0123456789abcdef0"]}, doing="reading x")


def test_every_page_is_read(aws: Aws) -> None:  # C5
    request = {"Filters": [{"Name": "default-for-az", "Values": ["true"]}], "MaxResults": 5}
    assert len(list(aws.pages("ec2", "DescribeSubnets", "Subnets", request, doing="testing"))) > 5


def test_a_wrong_emulator_directory_says_so() -> None:
    with pytest.raises(SettingsError, match="smfs emulator start"):
        Aws(Settings(endpoint="emulator", emulator_state="/dev/null/nowhere"))


def test_the_account_and_the_default_prefix(aws: Aws) -> None:
    assert aws.account() == "123456789012"
    assert aws.default_output_uri() == "s3://sagemaker-us-east-1-123456789012"


def test_a_lost_answer_is_told_even_if_the_next_turn_comes_too_late(emulator: Any, aws: Aws) -> None:  # N2
    slow = Aws(aws.settings.model_copy(update={"requests_per_second": 0.1}), region="eu-north-1")
    emulator.faults({"service": "logs", "operation": "DescribeLogGroups", "status": 503})
    try:
        with pytest.raises(Transient):
            slow.within(4.0).call("logs", "DescribeLogGroups", doing="testing")
    finally:
        emulator.faults()
    with pytest.raises(Throttled, match="as often as AWS allows"):
        slow.within(1.0).call("logs", "DescribeLogGroups", doing="testing")


def test_the_region_is_read_from_either_of_awss_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 reads AWS_DEFAULT_REGION alone; EKS and every other SDK say AWS_REGION."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    settings = Settings(endpoint="http://127.0.0.1:9")
    assert Aws(settings).region == "eu-north-1"
    assert Aws(settings.model_copy(update={"region": "eu-west-1"})).region == "eu-west-1"
