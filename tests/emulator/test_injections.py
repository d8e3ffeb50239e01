"""Faults made to happen, the record of calls, and settings at run time. N6."""

import sqlite3
import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, HTTPClientError

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused
from tests.emulator.services.sagemaker.jobs import unique


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


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("fsx", "describe_file_systems", "ThrottlingException", 400),
        ("cloudwatch", "list_metrics", "Throttling", 400),
        ("sagemaker", "list_training_jobs", "ThrottlingException", 400),
    ],
)
def test_throttled_as_the_service_says_it(emulator: Emulator, service: str, call: str, code: str, status: int) -> None:
    emulator.faults({"service": service, "fault": "throttle", "times": 1})
    error = refused(getattr(emulator.client(service), call))
    assert (error["Code"], error["Message"]) == (code, "Rate exceeded")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status
    getattr(emulator.client(service), call)()


def test_an_error_of_the_service_s_own(emulator: Emulator) -> None:
    emulator.faults({"service": "sagemaker", "fault": "error", "times": 1})
    error = refused(emulator.client("sagemaker").list_training_jobs)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_a_reset_call_has_no_effect_and_one_whose_answer_is_lost_has(emulator: Emulator) -> None:
    logs, group = emulator.client("logs"), unique("lost")
    for kind, there in (("reset", False), ("lost", True)):
        emulator.faults({"service": "logs", "operation": "CreateLogGroup", "fault": kind, "times": 1})
        with pytest.raises((ConnectionClosedError, HTTPClientError)):
            logs.create_log_group(logGroupName=group)
        found = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        assert bool(found) == there
    since = emulator.last_call()
    emulator.faults({"service": "ec2", "operation": "CreateVpc", "fault": "lost", "times": 1})
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        emulator.client("ec2").create_vpc(CidrBlock="10.77.0.0/16")
    assert emulator.calls(since)[0]["error"] == "LostResponse"
    filters = [{"Name": "cidr", "Values": ["10.77.0.0/16"]}]
    assert emulator.client("ec2").describe_vpcs(Filters=filters)["Vpcs"]


def test_faults_hit_one_resource_only_and_the_third_call(emulator: Emulator) -> None:
    logs, group = emulator.client("logs"), unique("third")
    emulator.faults({"service": "logs", "on": group, "fault": "throttle", "after": 2, "times": 1})
    logs.describe_log_groups(logGroupNamePrefix="another")
    for _ in range(2):
        logs.describe_log_groups(logGroupNamePrefix=group)
    logs.describe_log_groups(logGroupNamePrefix="another")
    assert refused(logs.describe_log_groups, logGroupNamePrefix=group)["Code"] == "ThrottlingException"
    logs.describe_log_groups(logGroupNamePrefix=group)
    assert emulator.admin("GET", "faults")["faults"] == []


def test_faults_have_their_time_and_outlive_a_kill(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    running.faults({"service": "fsx", "fault": "throttle", "begin": 100, "end": 200})
    running.client("fsx").describe_file_systems()
    running.clock(advance=120)
    assert refused(running.client("fsx").describe_file_systems)["Code"] == "ThrottlingException"
    running.stop()
    running.start()
    assert refused(running.client("fsx").describe_file_systems)["Code"] == "ThrottlingException"
    running.clock(advance=100)
    running.client("fsx").describe_file_systems()


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"service": "fsx", "fault": "slow"}, "throttle"),
        ({"job": "lost"}, "capacity"),
        ({"resource": "file-system", "lifecycle": "GONE"}, "MISCONFIGURED"),
        ({"service": "fsx", "times": -1}, "times"),
        ({"service": "fsx", "probability": "often"}, "probability"),
        ({"service": "fsx", "delay": 1e9}, "delay"),
        ({"operation": "CreateFileSystem"}, "service"),
        ({"service": "fsx", "on": 3}, "name, id or ARN"),
        ("throttle", "an object"),
    ],
)  # fmt: skip
def test_orders_that_mean_nothing_are_refused(emulator: Emulator, fault: Any, word: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        emulator.faults(fault)
    assert caught.value.code == 400
    assert word in caught.value.read().decode()


def test_old_calls_are_dropped(own_emulator: Emulator) -> None:
    running = own_emulator.start("--set", "calls_kept=50")
    fsx = running.client("fsx")
    for _ in range(260):
        fsx.describe_file_systems()
    calls = running.calls()
    assert 50 <= len(calls) <= 150
    assert calls[-1]["seq"] - calls[0]["seq"] == len(calls) - 1
    assert calls[-1]["seq"] >= 260


def test_a_call_that_changes_nothing_writes_nothing_to_the_state(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    fsx = running.client("fsx")
    fsx.describe_file_systems()
    running.faults({"service": "sagemaker", "fault": "throttle"})  # of another service
    with sqlite3.connect(running.state / "state.db") as database:
        before = database.execute("PRAGMA data_version").fetchone()
        for _ in range(20):
            fsx.describe_file_systems()
        assert database.execute("PRAGMA data_version").fetchone() == before
    database.close()
    assert len(running.calls()) >= 21


def test_calls_and_faults_of_rest_services_have_the_operations_name(emulator: Emulator) -> None:
    since = emulator.last_call()
    efs = emulator.client("efs")
    made = efs.create_file_system(CreationToken=f"rest-{time.time_ns()}")["FileSystemId"]
    emulator.faults(
        {"service": "elasticfilesystem", "operation": "DescribeFileSystems", "code": "ThrottlingException", "times": 1}
    )
    assert refused(efs.describe_file_systems, FileSystemId=made)["Code"] == "ThrottlingException"
    assert efs.describe_file_systems(FileSystemId=made)["FileSystems"][0]["FileSystemId"] == made
    emulator.client("lambda").list_functions()
    assert [(call["service"], call["operation"]) for call in emulator.calls(since)] == [
        ("elasticfilesystem", "CreateFileSystem"),
        ("elasticfilesystem", "DescribeFileSystems"),
        ("elasticfilesystem", "DescribeFileSystems"),
        ("lambda", "ListFunctions"),
    ]
