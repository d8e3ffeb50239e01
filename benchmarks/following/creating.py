"""Many creates at once."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections import Counter, OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import grpc

from following.cloud import Log, Served, aws
from following.connecting import Connector, connector
from following.jobs import DEADLINE, Job
from following.polling import OURS, Poller


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
        get = await poller.get(stub, Job(f"create {index}", ((0.0, "Starting"),)), meta)
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
