"""What following many training jobs costs, up to 1,000 of them, against an AWS that takes as few calls as SageMaker.

Three processes: an AWS in memory that enforces SageMaker's rates (5 DescribeTrainingJob, 2 ListTrainingJobs, 1
CreateTrainingJob a second, with a second's worth of burst); a connector as `pyflyte serve connector` runs it; and here
a poller that stands in for flytepropeller. It asks after each job every 30 seconds, ten at once and with a deadline of
10 seconds, which are its defaults. The jobs ask at times of their own, spread over the 30 seconds; with --burst all at
once. Of the jobs a tenth begins during the run, three tenths end in it, and the others run all the time.

    python benchmarks/status.py                     # 3, 60, 200 and 1,000 jobs, the neighbour, creates: 14 minutes
    python benchmarks/status.py --quick             # 1,000 jobs for two minutes, the neighbour, creates: 5 minutes
    python benchmarks/status.py --jobs 200 --minutes 2 --no-neighbour --creates 0

By default 3, 60 and 200 jobs are followed for two minutes each, which is four rounds of polls and a dozen listings;
1,000 for four minutes, so that 300 of them end at SageMaker's rate for descriptions; and the neighbour for one minute,
because it cannot keep up anyway.

- *age of a status*: the time from the last AWS call that told, or would have told, of a change of this job to the
  answer; a listing counts for a job when it showed it or its window goes back to what was known of it. Where the state
  that was told had ended longer ago than that, the time since then.
- *from a change to its answer*: until the first answer that tells it. The interval of the poller is in it. An end is
  told by a final phase, nothing less.
- *calls beside those for ends*: SageMaker calls but those about one job that has ended, such as its description, by
  the time that the jobs were followed. The first round of polls, in which everything is new, is left out.
- *CPU of a poll*: of the connector's process, with its gRPC and all that it did meanwhile, by the number of polls; and
  beside it that of polls of running jobs alone, which are asked after once more at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import bisect
import json
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import grpc  # type: ignore[import-untyped]
import psutil

ROOT = Path(__file__).parents[1]
REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMaker-ExecutionRole"
RATES = {"DescribeTrainingJob": 5.0, "ListTrainingJobs": 2.0, "CreateTrainingJob": 1.0}
"""Calls a second that AWS takes: https://docs.aws.amazon.com/general/latest/gr/sagemaker.html"""
AT_ONCE, DEADLINE = 10, 10.0
"""Workers and time-out of flytepropeller's connector plugin, by default."""
INTERVAL = 30.0
"""Its seconds between two polls of a task."""
ENDED = ("Completed", "Failed")
HOUR = 3600.0


# What happens to the jobs


@dataclass(frozen=True)
class Job:
    """A training job and when it is in which stage, by the clock of the machine."""

    name: str
    stages: tuple[tuple[float, str], ...]

    @property
    def created(self) -> float:
        """When it was created."""
        return self.stages[0][0]

    def at(self, now: float) -> int:
        """The index of its stage."""
        return bisect.bisect_right(self.stages, (now, "~")) - 1

    def ended(self, now: float) -> bool:
        """Whether it has ended."""
        return self.stages[self.at(now)][1] in ENDED


def planned(many: int, begin: float, seconds: float) -> tuple[Job, ...]:
    """Jobs and what happens to them in the `seconds` from `begin`: each tenth begins, three tenths end in them."""
    chance = random.Random(many)
    jobs = []
    for index in range(many):
        part, name = (index * 7 + 3) % 10, f"status-{index:04}"
        if part == 0:
            jobs.append(Job(name, _beginning(begin + chance.uniform(0.05, 0.8) * seconds, chance)))
        elif part <= 3:
            jobs.append(
                Job(name, _ending(begin + chance.uniform(0.05, 0.85) * seconds, chance, failed=index % 20 == 0))
            )
        else:
            jobs.append(Job(name, _beginning(begin - chance.uniform(0.1, 5) * HOUR, chance)))
    return tuple(jobs)


def _beginning(at: float, chance: random.Random) -> tuple[tuple[float, str], ...]:
    instance, data = at + chance.uniform(15, 40), at + chance.uniform(45, 60)
    return (at, "Starting"), (instance, "Downloading"), (data, "Training")


def _ending(at: float, chance: random.Random, *, failed: bool) -> tuple[tuple[float, str], ...]:
    before = _beginning(at - chance.uniform(0.1, 5) * HOUR, chance)
    return (*before, (at - chance.uniform(5, 15), "Uploading"), (at, ENDED[failed]))


# AWS in memory


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


# The connector


class Connector:
    """A connector's process, and what it used."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = psutil.Process(process.pid)
        self.address = f"127.0.0.1:{port}"

    @property
    def cpu(self) -> float:
        """Seconds of CPU until now."""
        used = self._process.cpu_times()
        return float(used.user + used.system + used.children_user + used.children_system)

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        return float(self._process.memory_info().rss / (1 << 20))


@contextmanager
def connector(url: str, modules: Sequence[str], log: str) -> Iterator[Connector]:
    """A connector that takes `url` for AWS; what it writes is appended to the file `log`."""
    port, metrics = _free_port(), _free_port()
    command = [str(Path(sys.executable).with_name("pyflyte")), "serve", "connector", "--port", str(port)]
    command += ["--prometheus_port", str(metrics), *(part for one in modules for part in ("--modules", one))]
    with tempfile.TemporaryDirectory(prefix="smfs-bench-") as home, Path(log).open("ab") as written:
        environment = _environment(url, home)
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=written, stderr=written)
        try:
            _await(process, port)
            yield Connector(process, port)
        finally:
            process.kill()
            process.wait()


def _environment(url: str, home: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLYTE"))}
    return kept | {
        "HOME": home,
        "PYTHONPATH": str(ROOT),
        "FLYTE_SMFS_ENDPOINT": url,
        "FLYTE_SMFS_REGION": REGION,
        "FLYTE_SMFS_ROLE": ROLE,
        "AWS_ENDPOINT_URL": url,  # the neighbour's
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(process: subprocess.Popen[bytes], port: int, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("The connector did not start; see --log.")


# The poller


@dataclass(frozen=True)
class Get:
    """One poll of one job."""

    job: Job
    asked: float
    answered: float
    phase: str = ""
    message: str = ""
    error: str = ""

    @property
    def final(self) -> bool:
        """Whether it told an end."""
        return self.phase in ("SUCCEEDED", "FAILED", "RETRYABLE_FAILED")

    @property
    def stage(self) -> str | None:
        """The stage that it told, if it told one. An end is told by the phase alone."""
        if self.final:
            return "Completed" if self.phase == "SUCCEEDED" else "Failed"
        found = re.findall(r"(?:^|: )(Starting|Downloading|Training|Uploading|Completed|Failed)(?=:|$)", self.message)
        return None if not found else "Uploading" if found[0] in ENDED else str(found[0])


@dataclass(frozen=True)
class Side:
    """Whose connector it is: ours or the neighbour's."""

    name: str
    task_type: str
    modules: tuple[str, ...]
    meta: Callable[[Job], bytes]


def our_meta(job: Job) -> bytes:
    """What Flyte keeps of a job that our connector started."""
    from flytekitplugins_smfs.flyte.meta import Meta
    from flytekitplugins_smfs.operations.sagemaker.training import TrainingHandle
    from flytekitplugins_smfs.values.operation import Owner

    handle = TrainingHandle(
        region=REGION,
        owner=Owner(execution=f"flytesnacks/development/{job.name}", step="n0"),
        started_at=datetime.fromtimestamp(job.created, UTC),
        job_name=job.name,
        algorithm="xgboost",
    )
    return Meta("training", handle.model_dump(mode="json", exclude_none=True)).encode()


def neighbour_meta(job: Job) -> bytes:
    """What Flyte keeps of a job that flytekitplugins-awssagemaker's connector started."""
    from flytekitplugins.awssagemaker_training.connector import SageMakerTrainingJobMetadata

    return bytes(SageMakerTrainingJobMetadata(config={"TrainingJobName": job.name}, region=REGION).encode())


OURS = Side("ours", "smfs-training", ("flytekitplugins_smfs.flyte.warm",), our_meta)
NEIGHBOUR = Side("flytekitplugins-awssagemaker", "sagemaker-training-job", (), neighbour_meta)


class Poller:
    """Asks after jobs as flytepropeller does, until they end or the time is over."""

    def __init__(self, address: str, side: Side, interval: float, until: float) -> None:
        self.address, self.side, self.interval, self.until = address, side, interval, until
        self.gets: list[Get] = []

    def follow(self, jobs: Sequence[Job], *, burst: bool) -> list[Get]:
        """Follow these, each at times of its own, or all at once."""
        asyncio.run(self._follow(jobs, burst=burst))
        return self.gets

    async def _follow(self, jobs: Sequence[Job], *, burst: bool) -> None:
        from flyteidl.service.agent_pb2_grpc import AsyncAgentServiceStub

        chance, begin, turns = random.Random(1), time.time(), asyncio.Semaphore(AT_ONCE)
        async with grpc.aio.insecure_channel(self.address) as channel:
            stub = AsyncAgentServiceStub(channel)
            firsts = [max(begin, job.created) + (0 if burst else chance.uniform(0, self.interval)) for job in jobs]
            await asyncio.gather(*(self._one(stub, job, at, turns) for job, at in zip(jobs, firsts, strict=True)))

    def once(self, jobs: Sequence[Job]) -> None:
        """Ask after each of these once, as many at once as flytepropeller does."""
        asyncio.run(self._once(jobs))

    async def _once(self, jobs: Sequence[Job]) -> None:
        from flyteidl.service.agent_pb2_grpc import AsyncAgentServiceStub

        turns = asyncio.Semaphore(AT_ONCE)
        async with grpc.aio.insecure_channel(self.address) as channel:
            stub = AsyncAgentServiceStub(channel)

            async def ask(job: Job) -> None:
                async with turns:
                    self.gets.append(await self._get(stub, job, self.side.meta(job)))

            await asyncio.gather(*(ask(job) for job in jobs))

    async def _one(self, stub: Any, job: Job, due: float, turns: asyncio.Semaphore) -> None:
        meta = self.side.meta(job)
        while due < self.until:
            await asyncio.sleep(max(0.0, due - time.time()))
            async with turns:
                if time.time() >= self.until:
                    return
                get = await self._get(stub, job, meta)
            self.gets.append(get)
            if get.final:
                return
            due = max(due + self.interval, time.time())

    async def _get(self, stub: Any, job: Job, meta: bytes) -> Get:
        from flyteidl.admin import agent_pb2
        from flyteidl.core.execution_pb2 import TaskExecution

        category = agent_pb2.TaskCategory(name=self.side.task_type)
        request = agent_pb2.GetTaskRequest(task_category=category, resource_meta=meta)
        asked = time.time()
        try:
            resource = (await stub.GetTask(request, timeout=DEADLINE)).resource
        except grpc.RpcError as error:
            return Get(job, asked, time.time(), error=f"{error.code().name}: {(error.details() or '')[-300:]}")
        return Get(job, asked, time.time(), TaskExecution.Phase.Name(resource.phase), resource.message)


# The figures


@dataclass(frozen=True)
class Run:
    """What one connector did with so many jobs for a while."""

    side: Side
    jobs: Sequence[Job]
    begin: float
    end: float
    gets: Sequence[Get]
    log: Log
    cpu: float
    running: float
    """Milliseconds of CPU for a poll of a running job."""
    memory: float

    @property
    def failed(self) -> int:
        """Tasks whose poll raised, or told a failure that was none."""
        wrong = [one for one in self.gets if one.error or (one.final and not _true(one))]
        return len({one.job.name for one in wrong})

    @property
    def errors(self) -> Counter[str]:
        """Errors of polls, by their kind."""
        return Counter(one.error.partition(":")[0] for one in self.gets if one.error)

    @property
    def ages(self) -> list[float]:
        """The age of the status in each answer."""
        return [_age(one, self.log.covered[one.job.name], self.begin) for one in self.gets if not one.error]

    @property
    def delays(self) -> list[float]:
        """The time from each change in the run to the first answer that told it; inf for what none told."""
        by_job: dict[str, list[Get]] = {}
        for one in self.gets:
            by_job.setdefault(one.job.name, []).append(one)
        return [
            _delay(job, index, by_job.get(job.name, ()))
            for job in self.jobs
            for index, (at, _) in enumerate(job.stages)
            if self.begin < at < self.end - 2 * INTERVAL
        ]

    @property
    def calls(self) -> list[Call]:
        """Calls to AWS while they were followed."""
        return [one for one in self.log.calls if self.begin <= one.at <= self.end]

    @property
    def beside(self) -> float:
        """Calls for each job and minute beside those for ends, after the first round of polls."""
        lasts = {one.job.name: one.answered for one in self.gets if one.final}
        begin = min(self.begin + INTERVAL, self.end - 1)
        seconds = sum(max(0.0, lasts.get(job.name, self.end) - max(begin, job.created)) for job in self.jobs)
        these = [one for one in self.calls if one.at >= begin and "TrainingJob" in one.operation and not one.ended]
        return len(these) / (seconds / 60)

    @property
    def cpu_per_get(self) -> float:
        """Milliseconds of the connector's CPU for each poll, whatever else it did included."""
        return 1000 * self.cpu / max(1, len(self.gets))


def _true(get: Get) -> bool:
    """Whether the final phase is what AWS would have told when it was answered."""
    return get.job.stages[get.job.at(get.answered)][1] == get.stage


def _age(get: Get, covered: Sequence[float], begin: float) -> float:
    before = bisect.bisect_right(covered, get.answered)
    asked = covered[before - 1] if before else max(begin, get.job.created)
    stages = [stage for _, stage in get.job.stages]
    index = stages.index(get.stage) if get.stage in stages else len(stages)
    superseded = get.job.stages[index + 1][0] if index + 1 < len(stages) else get.answered
    return get.answered - min(asked, superseded)


def _delay(job: Job, index: int, gets: Sequence[Get]) -> float:
    stages = [stage for _, stage in job.stages]
    at = job.stages[index][0]
    for one in gets:
        if one.stage in stages[index:] and one.answered >= at:
            return one.answered - at
    return float("inf")


def percentile(values: Sequence[float], part: float) -> float:
    """The value under which such a part of them is."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))] if values else float("nan")


def pair(values: Sequence[float], unit: str = "s") -> str:
    """Median and 99th percentile as text."""
    return f"median {percentile(values, 0.5):5.1f} {unit}, 99th percentile {percentile(values, 0.99):5.1f} {unit}"


def shown(run: Run) -> str:
    """A run's figures as text."""
    walls = [1000 * (one.answered - one.asked) for one in run.gets]
    untold = sum(not one.error and one.stage is None for one in run.gets)
    told = [delay for delay in run.delays if delay < float("inf")]
    errors = f" ({', '.join(f'{n} {kind}' for kind, n in run.errors.items())})" if run.errors else ""
    return "\n".join(
        [
            f"{run.side.name}: {len(run.jobs):,} jobs for {(run.end - run.begin) / 60:.1f} min",
            f"  polls               {len(run.gets):,}, of which {untold:,} told no state",
            f"  tasks failed by it  {run.failed:,}{errors}",
            f"  age of a status     {pair(run.ages)}",
            f"  change to answer    {pair(told)}; {len(told)} told, {len(run.delays) - len(told)} not",
            f"  calls               {_calls(run)}",
            f"  beside ends         {run.beside:.3f} per job and minute",
            f"  one poll            {pair(walls, 'ms')}",
            f"  its CPU             {run.cpu_per_get:.2f} ms; of a running job alone {run.running:.2f} ms",
            f"  memory              {run.memory:.0f} MiB",
            *([f"  not known here      {', '.join(sorted(set(run.log.unknown)))}"] if run.log.unknown else []),
        ]
    )


def _calls(run: Run) -> str:
    parts = []
    for operation, number in Counter(one.operation for one in run.calls).most_common():
        these = [one for one in run.calls if one.operation == operation]
        ends, throttled = sum(one.ended for one in these), sum(one.throttled for one in these)
        most = max(Counter(int(one.at) for one in these).values())
        notes = [f"{ends} for ends"] * bool(ends) + [f"{throttled} throttled"] * bool(throttled)
        parts.append(f"{number} {operation} ({', '.join([*notes, f'at most {most}/s'])})")
    return ", ".join(parts) or "none"


def misses(runs: Sequence[Run]) -> Iterator[str]:
    """What of the runs is not as it must be."""
    ours, others = [one for one in runs if one.side is OURS], [one for one in runs if one.side is NEIGHBOUR]
    for run in ours:
        what = f"{len(run.jobs):,} jobs"
        limits = [
            ("tasks failed by polling", run.failed, 0.0),
            ("median age in seconds", percentile(run.ages, 0.5), 15.0),
            ("99th percentile of the age in seconds", percentile(run.ages, 0.99), 60.0),
            ("MiB of memory", run.memory, 300.0),
        ]
        if len(run.jobs) >= 60:
            limits.append(("calls per job and minute beside ends", run.beside, 0.1))
        yield from (f"{what}: {name}: {found:.3g}, at most {most:g}" for name, found, most in limits if found > most)
    for other in others:
        for run in ours:
            if len(run.jobs) == len(other.jobs) and run.running * 100 > other.running:
                yield f"a poll costs {other.running / run.running:.0f} times less CPU, at least 100"


def followed(side: Side, many: int, seconds: float, options: argparse.Namespace) -> Run:
    """Follow so many jobs for so long."""
    begin = time.time() + 15  # once both processes are there
    jobs = planned(many, begin, seconds)
    with aws(jobs) as cloud, connector(cloud.url, side.modules, options.log) as served:
        time.sleep(max(0.0, begin - time.time()))
        started, cpu = time.time(), served.cpu
        gets = Poller(served.address, side, options.interval, begin + seconds).follow(jobs, burst=options.burst)
        ended, log, used = time.time(), cloud.log(), served.cpu - cpu
        return Run(side, jobs, started, ended, gets, log, used, _running(side, jobs, served), served.memory)


def _running(side: Side, jobs: Sequence[Job], served: Connector) -> float:
    """Milliseconds of CPU for a poll of a running job: a round of polls, after one that is not measured."""
    running = [job for job in jobs if job.created < time.time() - 60 and not job.ended(time.time())]
    few = running[: 600 if side is OURS else 30]
    Poller(served.address, side, 0.0, time.time() + 60).once(few)
    time.sleep(5)  # for what the first one began
    cpu = served.cpu
    rounds = max(1, 600 // len(few)) if side is OURS else 1
    for _ in range(rounds):
        Poller(served.address, side, 0.0, time.time() + 60).once(few)
    return 1000 * (served.cpu - cpu) / (rounds * len(few))


# Many creates at once


@dataclass
class Creates:
    """What became of many creates at once."""

    metas: dict[int, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = float("inf")
    log: Log = field(default_factory=Log)

    @property
    def problems(self) -> list[str]:
        """What is wrong with it."""
        wanted = {json.loads(meta)["handle"]["job_name"] for meta in self.metas.values() if b'"handle"' in meta}
        names = [name for _, name in self.log.created]
        found = [*self.errors]
        if sorted(names) != sorted(wanted):
            found.append(f"{len(names)} jobs were created ({len(set(names))} names) of {len(wanted)} planned")
        return found


def creates(many: int, options: argparse.Namespace) -> Creates:
    """Create so many at once, and follow them until all are created."""
    with ExitStack() as stack:
        prefix = stack.enter_context(tempfile.TemporaryDirectory(prefix="smfs-bench-"))
        cloud = stack.enter_context(aws(()))
        served = stack.enter_context(connector(cloud.url, OURS.modules, options.log))
        return asyncio.run(_created(many, prefix, cloud, served))


async def _created(many: int, prefix: str, cloud: Served, served: Connector) -> Creates:
    from flyteidl.service.agent_pb2_grpc import AsyncAgentServiceStub

    done, begin = Creates(), time.time()
    async with grpc.aio.insecure_channel(served.address) as channel:
        stub = AsyncAgentServiceStub(channel)
        await asyncio.gather(*(_create(stub, request, done) for request in create_requests(many, prefix)))
        poller = Poller(served.address, OURS, 2.0, 0.0)
        while len(cloud.log().created) < many and time.time() < begin + 60 + 3 * many:
            await _ask_all(poller, stub, done)
        done.log = cloud.log()
        if len(done.log.created) >= many:
            done.seconds = max(at for at, _ in done.log.created) - begin
        await asyncio.sleep(5)  # nothing is created after that, and everything can be followed
        done.log = cloud.log()
        await _ask_all(poller, stub, done)
    return done


async def _create(stub: Any, request: tuple[int, Any], done: Creates) -> None:

    index, message = request
    begin = time.time()
    try:
        done.metas[index] = (await stub.CreateTask(message, timeout=DEADLINE)).resource_meta
    except grpc.RpcError as error:
        done.errors.append(f"create {index}: {error.code().name} {(error.details() or '')[-300:]}")
    done.slowest = max(done.slowest, time.time() - begin)


async def _ask_all(poller: Poller, stub: Any, done: Creates) -> None:
    for index, meta in done.metas.items():
        get = await poller._get(stub, Job(f"create {index}", ((0.0, "Starting"),)), meta)
        if get.error or get.final:
            done.errors.append(f"poll {index}: {get.error or get.phase} {get.message}")
    await asyncio.sleep(poller.interval)


def create_requests(many: int, prefix: str) -> list[tuple[int, Any]]:
    """Requests to create so many training jobs, of different executions."""
    from flyteidl.admin import agent_pb2
    from flyteidl.core import identifier_pb2
    from flytekit import FlyteContextManager
    from flytekit.configuration import Image, ImageConfig, SerializationSettings
    from flytekit.core.type_engine import TypeEngine
    from flytekit.tools.translator import get_serializable

    from flytekitplugins_smfs import Hyperparameters, ImageAlgorithm, TrainingTask

    task = TrainingTask("status-create", ImageAlgorithm("sleep:1"), {})
    images = ImageConfig(default_image=Image("default", "example", "1"))
    chosen = SerializationSettings(project="p", domain="d", version="v", image_config=images)
    template = get_serializable(OrderedDict(), chosen, task).template.to_flyte_idl()
    given = {"hyperparameters": Hyperparameters(root={"eta": 0.2})}
    inputs = TypeEngine.dict_to_literal_map(
        FlyteContextManager.current_context(), given, task.python_interface.inputs
    ).to_flyte_idl()

    def metadata(index: int) -> Any:
        run = identifier_pb2.WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name=f"f{index}")
        node = identifier_pb2.NodeExecutionIdentifier(node_id="n0", execution_id=run)
        return agent_pb2.TaskExecutionMetadata(
            task_execution_id=identifier_pb2.TaskExecutionIdentifier(node_execution_id=node)
        )

    return [
        (
            index,
            agent_pb2.CreateTaskRequest(
                template=template,
                inputs=inputs,
                output_prefix=f"{prefix}/f{index}/n0/0",
                task_execution_metadata=metadata(index),
            ),
        )
        for index in range(many)
    ]


def shown_creates(many: int, done: Creates) -> str:
    """Figures of the creates as text."""
    counts = Counter(one.operation for one in done.log.calls)
    throttled = Counter(one.operation for one in done.log.calls if one.throttled)
    asked = ", ".join(f"{number} {name} ({throttled[name]} throttled)" for name, number in counts.most_common())
    return "\n".join(
        [
            f"{many} creates at once, 1 a second allowed",
            f"  created             {len(done.log.created)}, the last after {done.seconds:.1f} s",
            f"  slowest CreateTask  {done.slowest:.2f} s",
            f"  calls               {asked}",
            f"  problems            {len(done.problems)}",
            *(f"    {problem}" for problem in done.problems[:5]),
        ]
    )


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, action="append", help="jobs followed; may be given more than once")
    parser.add_argument("--minutes", type=float, help="for how long (2; 4 for 1,000 jobs)")
    parser.add_argument("--interval", type=float, default=INTERVAL, help="seconds between two polls of a job")
    parser.add_argument("--burst", action="store_true", help="ask after all jobs at once")
    parser.add_argument("--quick", action="store_true", help="only 1,000 jobs, for two minutes")
    parser.add_argument("--creates", type=int, default=40, help="creates at once; 0 for none")
    parser.add_argument("--neighbour", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--log", default=os.devnull, help="file to which the connectors' output is appended")
    return parser.parse_args(arguments)


def measured(options: argparse.Namespace) -> Iterator[Run]:
    """Every run that was asked for, in turns."""
    numbers = options.jobs or ([1000] if options.quick else [3, 60, 200, 1000])
    for many in numbers:
        minutes = options.minutes or (4.0 if many >= 1000 and not options.quick else 2.0)
        yield followed(OURS, many, minutes * 60, options)
    if options.neighbour:
        yield followed(NEIGHBOUR, max(numbers), 60.0, options)


def main() -> int:
    """Measure and print; 1 if something is not as it must be."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the connector would stay
    options, runs = options_of(), list[Run]()
    for run in measured(options):
        print(shown(run), flush=True)
        runs.append(run)
    wrong = list(misses(runs))
    if options.creates:
        done = creates(options.creates, options)
        print(shown_creates(options.creates, done), flush=True)
        wrong += [f"creates: {problem}" for problem in done.problems]
    print("\n".join(f"MISSED: {one}" for one in wrong) or "all as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
