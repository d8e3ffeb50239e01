"""Faults made to happen, the record of calls, and settings at run time. N6."""

import time
import urllib.error
from collections.abc import Iterator

import pytest
from botocore.exceptions import ConnectionClosedError, HTTPClientError

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused


@pytest.fixture(autouse=True)
def no_faults_left(emulator: Emulator) -> Iterator[None]:
    """Other tests share the emulator."""
    yield
    emulator.faults()


def test_an_operation_is_throttled_so_many_times(emulator: Emulator) -> None:
    emulator.faults(
        {"service": "fsx", "operation": "DescribeFileSystems", "code": "ThrottlingException",
         "message": "Rate exceeded", "times": 2}
    )  # fmt: skip
    fsx, since = emulator.client("fsx"), emulator.last_call()
    for _ in range(2):
        error = refused(fsx.describe_file_systems)
        assert (error["Code"], error["Message"]) == ("ThrottlingException", "Rate exceeded")
    fsx.describe_file_systems()
    assert [(call["operation"], call["error"]) for call in emulator.calls(since)] == [
        ("DescribeFileSystems", "ThrottlingException"),
        ("DescribeFileSystems", "ThrottlingException"),
        ("DescribeFileSystems", None),
    ]


def test_moto_s_services_fail_too(emulator: Emulator) -> None:
    emulator.faults({"service": "ec2", "operation": "DescribeVpcs", "code": "RequestLimitExceeded", "status": 503})
    assert refused(emulator.client("ec2").describe_vpcs)["Code"] == "RequestLimitExceeded"
    assert emulator.client("ec2").describe_subnets()["Subnets"]


def test_a_connection_is_dropped(emulator: Emulator) -> None:
    emulator.faults({"service": "fsx", "drop": True, "times": 1})
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        emulator.client("fsx").describe_file_systems()
    emulator.client("fsx").describe_file_systems()


def test_an_answer_is_late(emulator: Emulator) -> None:
    emulator.faults({"service": "fsx", "delay": 0.3, "times": 1})
    started = time.monotonic()
    emulator.client("fsx").describe_file_systems()
    assert time.monotonic() - started >= 0.3


def test_a_fault_that_is_not_understood_is_refused(emulator: Emulator) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.faults({"servce": "fsx"})
    assert caught.value.code == 400
    assert b"servce" in caught.value.read()


def test_the_record_of_calls_has_what_was_asked(emulator: Emulator) -> None:
    since = emulator.last_call()
    emulator.client("fsx").describe_file_systems(MaxResults=3)
    emulator.client("iam").get_role(RoleName="AmazonSageMaker-ExecutionRole")
    refused(emulator.client("iam").get_role, RoleName="none")
    calls = emulator.calls(since)
    assert [(c["service"], c["operation"], c["error"]) for c in calls] == [
        ("fsx", "DescribeFileSystems", None),
        ("iam", "GetRole", None),
        ("iam", "GetRole", "NoSuchEntity"),
    ]
    assert calls[0]["request"] == {"MaxResults": 3}
    assert calls[1]["request"] == {"RoleName": "AmazonSageMaker-ExecutionRole"}


def test_settings_change_at_run_time_and_unknown_ones_are_refused(emulator: Emulator) -> None:
    with emulator.changed_settings(fsx_creating_seconds=0.05):
        assert emulator.settings()["fsx_creating_seconds"] == 0.05
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.settings(fsx_creating_seconds="soon")
    assert b"fsx_creating_seconds" in caught.value.read()
