"""What asking after a training job costs: our poll beside that of flytekitplugins-awssagemaker, on the embedded AWS.

Both ask after one running job in turns, in one process, and the time between asks is left out.

    python benchmarks/poll.py --rounds 20
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.sagemaker.training import Train
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm, TrainingSpec
from flytekitplugins_smfs.values.settings import Settings

ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
PAUSE = 0.25
"""Seconds between rounds: our door lets five asks a second through, as AWS does."""
Poll = Callable[[], Awaitable[object]]


@contextmanager
def emulator() -> Iterator[str]:
    """An emulator of our own; its state directory."""
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator"]
    with tempfile.TemporaryDirectory(prefix="smfs-bench-") as state:
        subprocess.run([*command, "start", "--detach", "--state", state], check=True, stdout=subprocess.DEVNULL)
        try:
            env = subprocess.run(
                [*command, "env", "--json", "--state", state], check=True, capture_output=True, text=True
            )
            os.environ.update(json.loads(env.stdout))  # for the neighbour, which takes its endpoint from here
            yield state
        finally:
            subprocess.run([*command, "stop", "--state", state], check=True, stdout=subprocess.DEVNULL)


def neighbour(job_name: str) -> Poll:
    """The neighbour's poll of a job."""
    from flytekitplugins.awssagemaker_training.connector import (
        SageMakerTrainingJobConnector,
        SageMakerTrainingJobMetadata,
    )

    connector = SageMakerTrainingJobConnector()
    meta = SageMakerTrainingJobMetadata(config={"TrainingJobName": job_name}, region=os.environ["AWS_REGION"])
    return lambda: connector.get(meta)


async def measure(polls: dict[str, Poll], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """(wall, CPU) milliseconds of each poll. The first of each, which loads things, is left out."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in polls}
    for turn in range(rounds + 1):
        for name, poll in polls.items():
            wall, cpu = time.perf_counter(), time.process_time()
            await poll()
            if turn:
                took[name].append(((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000))
        await asyncio.sleep(PAUSE)
    return took


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with emulator() as state:
        aws = Aws(Settings(endpoint="emulator", emulator_state=state, role=ROLE))
        operation = Train()
        spec = TrainingSpec(name="sleep", algorithm=ImageAlgorithm("sleep:1", entrypoint=("sleep", "600")))
        handle = operation.start(aws, spec, Owner(execution="bench", step="poll"))
        watch: Watch = Watch(operation, handle, 3.0)

        async def ours() -> Any:
            return await asyncio.to_thread(watch.ask, aws)

        while watch.ask(aws.waiting(1.0)).phase is not Phase.RUNNING:
            time.sleep(PAUSE)
        took = asyncio.run(measure({"ours": ours, "neighbour": neighbour(handle.job_name)}, rounds))
        while not operation.cancel(aws, handle):
            time.sleep(PAUSE)
    print(f"asking after one running training job, median of {rounds}:")
    for name, pairs in took.items():
        walls, cpus = zip(*pairs, strict=True)
        print(f"  {name:9s}  {statistics.median(walls):7.1f} ms   {statistics.median(cpus):7.1f} ms of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
