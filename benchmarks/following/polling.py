"""A poller that stands in for flytepropeller."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc

from following.jobs import AT_ONCE, DEADLINE, ENDED, REGION, Job


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
                    self.gets.append(await self.get(stub, job, self.side.meta(job)))

            await asyncio.gather(*(ask(job) for job in jobs))

    async def _one(self, stub: Any, job: Job, due: float, turns: asyncio.Semaphore) -> None:
        meta = self.side.meta(job)
        while due < self.until:
            await asyncio.sleep(max(0.0, due - time.time()))
            async with turns:
                if time.time() >= self.until:
                    return
                get = await self.get(stub, job, meta)
            self.gets.append(get)
            if get.final:
                return
            due = max(due + self.interval, time.time())

    async def get(self, stub: Any, job: Job, meta: bytes) -> Get:
        """Ask once."""
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
