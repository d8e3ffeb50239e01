"""Reading the log of a SageMaker job from CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.sagemaker.records import TRAINING_LOGS
from flytekitplugins_smfs.values.errors import Denied, Invalid, Missing
from flytekitplugins_smfs.values.operation import LogPage
from flytekitplugins_smfs.values.plain import Json

MOST_PAGES = 20


def streams(aws: Aws, job_name: str) -> list[str]:
    """The log streams of a job, one an instance; none before it has written anything."""
    request = {"logGroupName": TRAINING_LOGS, "logStreamNamePrefix": job_name + "/"}
    names: list[str] = []
    while True:
        try:
            answer = aws.call("logs", "DescribeLogStreams", request, doing=f"looking for the log of {job_name}")
        except Missing:
            return names
        names += [stream["logStreamName"] for stream in answer["logStreams"]]
        if "nextToken" not in answer:
            return names
        request["nextToken"] = answer["nextToken"]


def after(aws: Aws, job_name: str, cursor: str | None) -> LogPage:
    """The lines of all instances written since `cursor`; several instances' lines begin with their name."""
    tokens: dict[str, str] = json.loads(cursor) if cursor else {}
    names = streams(aws, job_name)
    lines: list[str] = []
    for name in names:
        request: Json = {"logGroupName": TRAINING_LOGS, "logStreamName": name, "startFromHead": True}
        if name in tokens:
            request["nextToken"] = tokens[name]
        try:
            answer = aws.call("logs", "GetLogEvents", request, doing=f"reading the log {name}")
        except Missing:
            continue
        host = f"[{name.partition('/')[2].rpartition('-')[0]}] " if len(names) > 1 else ""
        lines += [host + event["message"] for event in answer["events"]]
        tokens[name] = answer["nextForwardToken"]
    return LogPage(lines=tuple(lines), cursor=json.dumps(tokens))


def events(aws: Aws, job_name: str) -> Iterator[tuple[datetime, str]]:
    """Every line of the first instance's log with its time (UTC), from the beginning; very long logs are cut.

    A log that may not be read has no lines: what a job did does not depend on it.
    """
    try:
        yield from _events(aws, job_name)
    except (Denied, Invalid):
        return


def _events(aws: Aws, job_name: str) -> Iterator[tuple[datetime, str]]:
    for name in streams(aws, job_name)[:1]:
        request: Json = {"logGroupName": TRAINING_LOGS, "logStreamName": name, "startFromHead": True}
        for _ in range(MOST_PAGES):
            answer = aws.call("logs", "GetLogEvents", request, doing=f"reading the log {name}")
            for event in answer["events"]:
                yield datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"]
            if answer["nextForwardToken"] == request.get("nextToken"):  # the end gives the same token again
                return
            request["nextToken"] = answer["nextForwardToken"]


def last_lines(aws: Aws, job_name: str, most: int = 12) -> list[str]:
    """The last lines of the first instance's log; where it may not be read, a line that says so."""
    try:
        for name in streams(aws, job_name)[:1]:
            request = {"logGroupName": TRAINING_LOGS, "logStreamName": name, "startFromHead": False, "limit": most}
            answer = aws.call("logs", "GetLogEvents", request, doing=f"reading the end of the log {name}")
            return [event["message"] for event in answer["events"]]
    except (Denied, Invalid) as fault:
        return [str(fault)]
    return []
