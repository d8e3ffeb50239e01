"""An AWS in memory, in a process of its own, that takes as few calls as SageMaker."""

from __future__ import annotations

import base64
import bisect
import json
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs

from following.jobs import ACCOUNT, ENDED, RATES, REGION, ROLE, Job


@dataclass(frozen=True)
class Call:
    """One call to AWS."""

    at: float
    operation: str
    ended: bool
    """Whether it was about one job, and that has ended."""
    throttled: bool


@dataclass(frozen=True)
class Log:
    """What AWS was asked."""

    calls: Sequence[Call] = ()
    covered: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """When a call told, or would have told, of a change of each job."""
    created: Sequence[tuple[float, str]] = ()
    """Jobs that were created by a call, and when."""
    unknown: Sequence[str] = ()
    """Calls that this AWS does not know."""


class Refused(Exception):
    """AWS's error: its code and text."""


class Bucket:
    """Tokens of one operation, at most a second's worth of them."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.tokens = self.most = max(1.0, rate)
        self.at = time.monotonic()

    def take(self) -> bool:
        """Take one; whether there was one."""
        now = time.monotonic()
        self.tokens, self.at = min(self.most, self.tokens + (now - self.at) * self.rate), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Cloud:
    """SageMaker, and the little of other services that a connector asks for."""

    def __init__(self, jobs: Iterable[Job], rates: Mapping[str, float]) -> None:
        self._lock = threading.Lock()
        self._jobs = {job.name: job for job in jobs}
        self._order = sorted(self._jobs.values(), key=_key)
        self._buckets = {operation: Bucket(rate) for operation, rate in rates.items()}
        self._calls: list[Call] = []
        self._covered: dict[str, list[float]] = {name: [] for name in self._jobs}
        self._created: list[tuple[float, str]] = []
        self._unknown: list[str] = []
        self._operations: dict[str, Callable[[dict[str, Any], float], dict[str, Any]]] = {
            "DescribeTrainingJob": self._describe,
            "ListTrainingJobs": self._list,
            "CreateTrainingJob": self._create,
            "DescribeLogStreams": lambda asked, now: {"logStreams": [{"logStreamName": _job_of(asked) + "/algo-1-1"}]},
            "GetLogEvents": _log_events,
            "GetCallerIdentity": lambda asked, now: {},
            "DescribeFileSystems": lambda asked, now: {"FileSystems": []},
            "DescribeDataRepositoryAssociations": lambda asked, now: {"Associations": []},
            "Search": lambda asked, now: {"Results": []},
            "ListTags": lambda asked, now: {"Tags": []},
        }

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one call. Raises Refused."""
        with self._lock:
            now = time.time()
            bucket, job = self._buckets.get(operation), self._jobs.get(_job_of(asked))
            throttled = bucket is not None and not bucket.take()
            self._calls.append(Call(now, operation, job is not None and job.ended(now), throttled))
            if throttled:
                raise Refused("ThrottlingException", "Rate exceeded")
            if operation not in self._operations:
                self._unknown.append(operation)
                raise Refused("UnknownOperationException", operation)
            return self._operations[operation](asked, now)

    def log(self) -> Log:
        """What was asked until now."""
        with self._lock:
            covered = {name: tuple(times) for name, times in self._covered.items()}
            return Log(tuple(self._calls), covered, tuple(self._created), tuple(self._unknown))

    def _describe(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        job = self._jobs.get(asked["TrainingJobName"])
        if job is None or job.created > now:
            raise Refused("ValidationException", "Requested resource not found.")
        self._covered[job.name].append(now)
        return described(job, now)

    def _list(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        most, since = asked.get("MaxResults", 10), asked.get("LastModifiedTimeAfter")
        token, oldest = asked.get("NextToken"), asked.get("CreationTimeAfter", 0)
        begin = tuple(json.loads(base64.b64decode(token))) if token else (0.0, "")
        asked_for = [job for job in self._order if _key(job) > begin and oldest < job.created <= now]
        shown = [job for job in asked_for if since is None or _modified(job, now) > since]
        page = shown[:most]
        more = {"NextToken": base64.b64encode(json.dumps(_key(page[-1])).encode()).decode()} if shown[most:] else {}
        self._cover(asked_for, {job.name for job in page}, _key(page[-1]) if more else None, since, now)
        return {"TrainingJobSummaries": [summary(job, now) for job in page], **more}

    def _cover(
        self, jobs: Iterable[Job], page: set[str], last: tuple[float, str] | None, since: float | None, now: float
    ) -> None:
        """A page tells of what it shows, and of what it would have shown: what had not changed since it was known."""
        for job in jobs:
            if last is not None and _key(job) > last:
                return
            known = self._covered[job.name]
            if job.name in page or (since is not None and known and since <= known[-1]):
                known.append(now)

    def _create(self, asked: dict[str, Any], now: float) -> dict[str, Any]:
        name = asked["TrainingJobName"]
        if name in self._jobs:
            raise Refused("ResourceInUse", f"Training job names must be unique within an AWS account: {name}")
        job = Job(name, ((now, "Starting"), (now + 20, "Downloading"), (now + 30, "Training")))
        self._jobs[name], self._covered[name] = job, []
        bisect.insort(self._order, job, key=_key)
        self._created.append((now, name))
        return {"TrainingJobArn": _arn(name)}


def _key(job: Job) -> tuple[float, str]:
    return job.created, job.name


def _modified(job: Job, now: float) -> float:
    return job.stages[job.at(now)][0]


def _arn(name: str) -> str:
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{name}"


def _job_of(asked: Mapping[str, Any]) -> str:
    named = asked.get("TrainingJobName") or asked.get("logStreamNamePrefix") or asked.get("logStreamName") or ""
    return str(named).partition("/")[0]


def _log_events(asked: dict[str, Any], now: float) -> dict[str, Any]:
    events = [
        {"timestamp": int(now * 1000), "message": f"[{step}]#011train-rmse:{1 / (step + 1)}"} for step in range(5)
    ]
    return {"events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}


def summary(job: Job, now: float) -> dict[str, Any]:
    """A job as a listing shows it."""
    changed, stage = job.stages[job.at(now)]
    end = {"TrainingEndTime": changed} if stage in ENDED else {}
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": _arn(job.name),
        "CreationTime": job.created,
        "LastModifiedTime": changed,
        "TrainingJobStatus": stage if stage in ENDED else "InProgress",
        "SecondaryStatus": stage,
        **end,
    }


def described(job: Job, now: float) -> dict[str, Any]:
    """A job as its description shows it."""
    stages = [
        {"Status": stage, "StartTime": at, "StatusMessage": f"{stage} the training job"}
        for at, stage in job.stages[: job.at(now) + 1]
    ]
    stage = stages[-1]["Status"]
    metrics = [{"MetricName": "train:rmse", "Value": 0.2, "Timestamp": now}] if stage == "Completed" else []
    reason = {"FailureReason": "AlgorithmError: exit code 1"} if stage == "Failed" else {}
    return {
        **summary(job, now),
        **reason,
        "HyperParameters": {"max_depth": "5", "eta": "0.2", "num_round": "100"},
        "AlgorithmSpecification": {"TrainingImage": "683313688378.dkr.ecr/xgboost:1.7-1", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/status"},
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://bucket/status/{job.name}/output/model.tar.gz"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "SecondaryStatusTransitions": stages,
        "FinalMetricDataList": metrics,
        "TrainingTimeInSeconds": 60,
        "BillableTimeInSeconds": 60,
    }


IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><UserId>me</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""


class Door(BaseHTTPRequestHandler):
    """AWS's protocols, JSON 1.1 and query, as far as they are needed."""

    cloud: Cloud
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        operation = target or parse_qs(body.decode()).get("Action", [self.path])[0]
        try:
            answer: Any = self.cloud.answer(operation, json.loads(body or b"{}") if target else {})
            self._send(200, json.dumps(answer) if target else IDENTITY)
        except Refused as refused:
            code, text = refused.args
            self._send(400, json.dumps({"__type": code, "message": text}))

    def _send(self, status: int, text: str) -> None:
        self.send_response(status)  # and Date
        self.send_header("Content-Type", "text/xml" if text.startswith("<") else "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def serve(jobs: tuple[Job, ...], rates: dict[str, float], told: Connection) -> None:
    """Be AWS in this process: tell the port, and then the log whenever it is asked for."""
    cloud = Cloud(jobs, rates)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisDoor", (Door,), {"cloud": cloud}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.send(server.server_port)
    while told.recv():
        told.send(cloud.log())


@dataclass(frozen=True)
class Served:
    """AWS in its process."""

    url: str
    pipe: Connection

    def log(self) -> Log:
        """What it was asked until now."""
        self.pipe.send(True)
        log: Log = self.pipe.recv()
        return log


@contextmanager
def aws(jobs: tuple[Job, ...], rates: Mapping[str, float] = RATES) -> Iterator[Served]:
    """An AWS that knows these jobs, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(jobs, dict(rates), theirs), daemon=True)
    process.start()
    try:
        yield Served(f"http://127.0.0.1:{ours.recv()}", ours)
    finally:
        process.terminate()
        process.join()
