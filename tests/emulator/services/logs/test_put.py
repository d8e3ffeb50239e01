"""What PutLogEvents takes, leaves out and refuses, and what a group's retention shows."""

import base64
import time
from typing import Any

import pytest

from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused

HOUR = 3_600_000
DAY = 24 * HOUR
FAR_OFF = base64.b16encode(b"9" * 30 + b":0").decode()


@pytest.fixture
def group(emulator: Emulator) -> str:
    """A log group of the test's own, with an empty stream "s"."""
    name = f"/test/put/{time.time_ns()}"
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


def event(age: int, message: str = "line") -> dict[str, Any]:
    """An event of so many milliseconds ago."""
    return {"timestamp": int(time.time() * 1000) - age, "message": message}


def messages(logs: Any, group: str) -> list[str]:
    """What the stream has."""
    events = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)["events"]
    return [event["message"] for event in events]


@pytest.mark.parametrize(
    ("ages", "kept", "rejected"),
    [
        ([0], 1, None),
        ([14 * DAY - HOUR], 1, None),
        ([-2 * HOUR + 60_000], 1, None),
        ([15 * DAY, 14 * DAY + 60_000, 0], 1, {"tooOldLogEventEndIndex": 2}),
        ([0, -3 * HOUR, -4 * HOUR], 1, {"tooNewLogEventStartIndex": 1}),
        ([15 * DAY, 0, -3 * HOUR], 1, {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 2}),
        ([15 * DAY], 0, {"tooOldLogEventEndIndex": 1}),
        ([-3 * HOUR], 0, {"tooNewLogEventStartIndex": 0}),
    ],
)
def test_events_of_the_wrong_time_are_left_out_and_told(
    emulator: Emulator, group: str, ages: list[int], kept: int, rejected: dict[str, int] | None
) -> None:
    logs = emulator.client("logs")
    answer = logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event(age) for age in ages])
    assert answer.get("rejectedLogEventsInfo") == rejected
    assert len(messages(logs, group)) == kept


def test_events_older_than_the_retention_are_expired(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    batch = [event(4 * DAY, "old"), event(0, "new")]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[batch[0]])
    logs.put_retention_policy(logGroupName=group, retentionInDays=3)
    assert messages(logs, group) == []
    assert logs.filter_log_events(logGroupName=group)["events"] == []
    answer = logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=batch)
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert messages(logs, group) == ["new"]
    logs.delete_retention_policy(logGroupName=group)
    assert messages(logs, group) == ["old", "new"]


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([event(0), event(1000)], "must be in chronological order"),
        ([event(25 * HOUR), event(0)], "cannot span more than 24 hours"),
        ([event(0, "x" * 2**20)], "Log event too large: 1048602 bytes exceeds limit of 1048576"),
        ([event(0, "x" * (2**19 - 25))] * 2, "Upload too large: 1048578 bytes exceeds limit of 1048576"),
        ([event(0, "ä" * 2**19)], "Log event too large: 1048602 bytes"),
        ([], "length"),
        ([event(0, "")], "length greater than or equal to 1"),
    ],
)
def test_batches_that_are_refused(emulator: Emulator, group: str, events: list[dict[str, Any]], text: str) -> None:
    logs = emulator.client("logs", parameter_validation=False)
    error = refused(logs.put_log_events, logGroupName=group, logStreamName="s", logEvents=events)
    assert error["Code"] == "InvalidParameterException"
    assert text in error["Message"]
    assert messages(logs, group) == []


def test_a_batch_may_be_exactly_as_large_as_aws_allows(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    answer = logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event(0, "x" * (2**20 - 26))])
    assert "rejectedLogEventsInfo" not in answer


def test_a_page_is_a_mebibyte_at_most(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    for name in "abcd":
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event(0, name * 400_000)])
    where = {"logGroupName": group, "logStreamName": "s"}
    first = logs.get_log_events(startFromHead=True, **where)
    assert [e["message"][0] for e in first["events"]] == ["a", "b"]
    second = logs.get_log_events(nextToken=first["nextForwardToken"], **where)
    assert [e["message"][0] for e in second["events"]] == ["c", "d"]
    assert [e["message"][0] for e in logs.get_log_events(**where)["events"]] == ["c", "d"]
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    assert [[e["message"][0] for e in page["events"]] for page in pages] == [["a", "b"], ["c", "d"]]


def test_half_a_character_is_no_server_error(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event(0, "half \ud83d of it")])
    assert messages(logs, group) == ["half ? of it"]


@pytest.mark.parametrize("token", ["nonsense", "f/zz/s", "x/303A30/s", "f/3A/s", f"f/{FAR_OFF}/s", "f/2D/s"])
def test_tokens_that_are_none(emulator: Emulator, group: str, token: str) -> None:
    logs = emulator.client("logs")
    error = refused(logs.get_log_events, logGroupName=group, logStreamName="s", nextToken=token)
    assert (error["Code"], error["Message"]) == ("InvalidParameterException", "The specified nextToken is invalid.")
    error = refused(logs.filter_log_events, logGroupName=group, nextToken=token)
    assert error["Code"] == "InvalidParameterException"


def test_times_beyond_all_numbers_find_what_there_is(emulator: Emulator, group: str) -> None:
    logs = emulator.client("logs")
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event(0)])
    found = logs.filter_log_events(logGroupName=group, startTime=0, endTime=2**63 - 1)
    assert len(found["events"]) == 1
    assert logs.filter_log_events(logGroupName=group, startTime=2**63 - 1)["events"] == []
