"""What the embedded AWS bears: a thousand simulated jobs in virtual time, and hundreds of real ones at once.

python benchmarks/emulator.py --simulated 1000 --real 500 --processes 8
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator import Emulator

ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
OUTPUT = "s3://sagemaker-us-east-1-123456789012/bench"
CLIENTS = 4
DEADLINE = 1800.0


def request(name: str, specification: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A CreateTrainingJob request."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingInputMode": "File", **specification},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": OUTPUT},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        **more,
    }


def client(emulator: Emulator) -> Any:
    """A SageMaker client that does not retry: what is slow shall show."""
    return emulator.session().client("sagemaker", config=Config(retries={"max_attempts": 0}))


def create(emulator: Emulator, requests: list[dict[str, Any]]) -> None:
    """Create jobs from a few clients at once."""
    each = [client(emulator) for _ in range(CLIENTS)]

    def some(number: int) -> None:
        for one in requests[number::CLIENTS]:
            each[number].create_training_job(**one)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(some, range(CLIENTS)))


def statuses(sagemaker: Any) -> dict[str, int]:
    """How many jobs there are of each status."""
    found: dict[str, int] = {}
    for page in sagemaker.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 100}):
        for job in page["TrainingJobSummaries"]:
            found[job["TrainingJobStatus"]] = found.get(job["TrainingJobStatus"], 0) + 1
    return found


def await_all(sagemaker: Any, count: int, pause: float) -> dict[str, int]:
    """Wait until all jobs have ended."""
    until = time.monotonic() + DEADLINE
    while (found := statuses(sagemaker)).keys() & {"InProgress", "Stopping"} or sum(found.values()) < count:
        if time.monotonic() > until:
            raise TimeoutError(f"still not over: {found}")
        time.sleep(pause)
    return found


def simulated(count: int) -> None:
    """Jobs of an hour each, on a clock that skips."""
    with Emulator() as emulator:
        emulator.clock.skip()
        before, began = emulator.clock.now(), time.monotonic()
        specification = {"TrainingImage": "simulated"}
        hours = [
            request(f"simulated-{n}", specification, HyperParameters={"seconds": str(3600 + n)}) for n in range(count)
        ]
        create(emulator, hours)
        found = await_all(client(emulator), count, 0.2)
        seconds, virtual = time.monotonic() - began, (emulator.clock.now() - before).total_seconds()
    print(f"{count} simulated jobs of an hour: {found} in {seconds:.1f} s; {virtual / 3600:.1f} hours of virtual time")


class Watcher:
    """Asks after jobs all the time, and keeps how long each answer took and how many processes there were.

    It is a process of its own: in this one it would measure how long the threads that create jobs keep it waiting.
    """

    def __init__(self, emulator: Emulator, names: list[str]) -> None:
        arguments = (emulator.environment, str(emulator.state), names)
        self._results, theirs = Pipe()
        self._process = get_context("spawn").Process(target=watch, args=(*arguments, theirs), daemon=True)
        self.seconds: list[float] = []
        self.most = 0

    def __enter__(self) -> Watcher:
        self._process.start()
        self._results.recv()  # it has begun
        return self

    def __exit__(self, *_: object) -> None:
        self._results.send("end")
        self.seconds, self.most = self._results.recv()
        self._process.join()


def watch(environment: dict[str, str], state: str, names: list[str], results: Connection) -> None:
    """Ask until told to end; answer with the seconds of each request and the most processes seen."""
    session = boto3.Session(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"],
                            region_name=environment["AWS_REGION"])  # fmt: skip
    config = Config(retries={"max_attempts": 0})
    sagemaker = session.client("sagemaker", endpoint_url=environment["AWS_ENDPOINT_URL"], config=config)
    processes = Path(state, "processes")
    seconds: list[float] = []
    most = number = 0
    results.send("begun")
    while not results.poll(0.02):
        number += 1
        began = time.monotonic()
        with suppress(ClientError):  # not made yet
            sagemaker.describe_training_job(TrainingJobName=names[number % len(names)])
        seconds.append(time.monotonic() - began)
        most = max(most, len(list(processes.glob("*.json"))))
    results.send((seconds, most))


def real(count: int, processes: int) -> None:
    """Jobs that each run a process for a moment, all asked for at once."""
    with Emulator(settings={"max_processes": processes}) as emulator:
        specification = {
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
            "ContainerEntrypoint": ["sh", "-c", "sleep 0.5"],
        }
        names = [f"real-{n}" for n in range(count)]
        began = time.monotonic()
        with Watcher(emulator, names) as watcher:
            create(emulator, [request(name, specification) for name in names])
            made = time.monotonic() - began
            found = await_all(client(emulator), count, 2.0)
        seconds = time.monotonic() - began
    slowest = statistics.quantiles(watcher.seconds, n=100)
    print(f"{count} jobs at once: {found} in {seconds:.0f} s, asked for in {made:.0f} s")
    print(f"  at most {watcher.most} processes, of {processes} allowed")
    median, last = slowest[49] * 1000, slowest[98] * 1000
    print(f"  {len(watcher.seconds)} answers meanwhile: median {median:.0f} ms, 99th percentile {last:.0f} ms")


def main() -> None:
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", type=int, default=1000, help="simulated jobs")
    parser.add_argument("--real", type=int, default=500, help="jobs with a process")
    parser.add_argument("--processes", type=int, default=8, help="processes at a time")
    options = parser.parse_args()
    if options.simulated:
        simulated(options.simulated)
    if options.real:
        real(options.real, options.processes)


if __name__ == "__main__":
    main()
