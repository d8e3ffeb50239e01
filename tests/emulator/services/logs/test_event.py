"""CloudWatch Logs: pages, tokens and AWS's texts."""

import time
from typing import Any

import pytest

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused


@pytest.fixture
def group(emulator: Emulator) -> str:
    """A log group of the test's own, with stream "s" of 25 lines."""
    name = f"/test/{time.time_ns()}"
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    put(logs, name, "s", 25)
    return name


def put(logs: Any, group: str, stream: str, count: int, later: int = 0) -> None:
    """Add lines "line 0", "line 1", ... a millisecond apart."""
    start = int(time.time() * 1000) + later
    events = [{"timestamp": start + number, "message": f"line {number}"} for number in range(count)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def messages(page: dict[str, Any]) -> list[str]:
    """The text of a page's events."""
    return [event["message"] for event in page["events"]]


def test_a_stream_is_read_forward_to_its_end(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    stream = {"logGroupName": group, "logStreamName": "s", "limit": 10}
    page = logs.get_log_events(startFromHead=True, **stream)
    read = messages(page)
    while True:
        token = page["nextForwardToken"]
        page = logs.get_log_events(nextToken=token, **stream)
        read += messages(page)
        if page["nextForwardToken"] == token:
            break
    assert read == [f"line {number}" for number in range(25)]
    put(logs, group, "s", 1, later=100)
    assert messages(logs.get_log_events(nextToken=token, **stream)) == ["line 0"]


def test_a_stream_is_read_from_its_tail_backward(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    stream = {"logGroupName": group, "logStreamName": "s", "limit": 10}
    page = logs.get_log_events(**stream)
    assert messages(page) == [f"line {number}" for number in range(15, 25)]
    page = logs.get_log_events(nextToken=page["nextBackwardToken"], **stream)
    assert messages(page) == [f"line {number}" for number in range(5, 15)]
    assert messages(logs.get_log_events(nextToken=page["nextForwardToken"], **stream))[0] == "line 15"


def test_events_are_filtered_over_streams_and_pages(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName="t")
    put(logs, group, "t", 3)
    paginator = logs.get_paginator("filter_log_events")
    pages = list(paginator.paginate(logGroupName=group, filterPattern='"line 1"', PaginationConfig={"PageSize": 4}))
    found = [(e["logStreamName"], e["message"]) for page in pages for e in page["events"]]
    assert sorted(found) == sorted([("s", "line 1"), *(("s", f"line {n}") for n in range(10, 20)), ("t", "line 1")])
    assert [len(page["events"]) for page in pages][:3] == [4, 4, 4]
    assert logs.filter_log_events(logGroupName=group, filterPattern="line -line")["events"] == []


def test_groups_and_streams_are_listed_by_prefix_and_page(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    for number in range(5):
        logs.create_log_stream(logGroupName=group, logStreamName=f"job-{number}")
    paginator = logs.get_paginator("describe_log_streams")
    request = {"logGroupName": group, "logStreamNamePrefix": "job-", "PaginationConfig": {"PageSize": 2}}
    pages = [[s["logStreamName"] for s in page["logStreams"]] for page in paginator.paginate(**request)]
    assert pages == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]] == [group]
    newest = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=1)
    assert newest["logStreams"][0]["logStreamName"] == "s"


def test_what_is_missing_or_there_is_said_as_aws_says_it(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    error = refused(logs.get_log_events, logGroupName="/none", logStreamName="s")
    assert (error["Code"], error["Message"]) == (
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
    error = refused(logs.get_log_events, logGroupName=group, logStreamName="none")
    assert error["Message"] == "The specified log stream does not exist."
    assert refused(logs.create_log_group, logGroupName=group)["Code"] == "ResourceAlreadyExistsException"
    assert refused(logs.create_log_group, logGroupName="a b")["Code"] == "InvalidParameterException"
    logs.delete_log_stream(logGroupName=group, logStreamName="s")
    assert refused(logs.get_log_events, logGroupName=group, logStreamName="s")["Code"] == "ResourceNotFoundException"
    logs.delete_log_group(logGroupName=group)
    assert refused(logs.describe_log_streams, logGroupName=group)["Code"] == "ResourceNotFoundException"


def test_regions_are_apart(emulator: Emulator, group: str) -> None:
    elsewhere = emulator.client("logs", region_name="eu-west-1")
    assert elsewhere.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_events_of_infrequent_access_are_taken_and_not_shown(emulator: Emulator) -> None:
    logs, name = emulator.client("logs"), f"/test/{time.time_ns()}"
    logs.create_log_group(logGroupName=name, logGroupClass="INFREQUENT_ACCESS")
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    put(logs, name, "s", 1)
    end = "is not supported for this log class."
    error = refused(logs.filter_log_events, logGroupName=name)
    assert error["Code"] == "InvalidOperationException"
    assert error["Message"] == f"The log group {name} is of log-group-class INFREQUENT_ACCESS. FilterLogEvents {end}"
    error = refused(logs.get_log_events, logGroupName=name, logStreamName="s")
    assert (error["Code"], error["Message"].endswith(f"GetLogEvents {end}")) == ("InvalidOperationException", True)
