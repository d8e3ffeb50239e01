"""Talking to a connector as Flyte does: gRPC to a `pyflyte serve connector` process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from flyteidl.admin import agent_pb2
from flyteidl.core import identifier_pb2
from flyteidl.core.execution_pb2 import TaskExecution
from flyteidl.service.agent_pb2_grpc import AgentMetadataServiceStub, AsyncAgentServiceStub
from flytekit import FlyteContextManager
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import LiteralMap
from flytekit.tools.translator import get_serializable
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flytekitplugins_smfs.flyte.tasks import OperationTask

ROOT = Path(__file__).parents[2]
FINAL = (TaskExecution.SUCCEEDED, TaskExecution.FAILED, TaskExecution.RETRYABLE_FAILED)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Connector:
    """A connector process and a client of it."""

    def __init__(self, environment: Mapping[str, str], modules: tuple[str, ...] = (), log: Path | None = None) -> None:
        self.log = log
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        self._modules = [argument for module in modules for argument in ("--modules", module)]
        self._port, self._metrics = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._channel: grpc.Channel | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def metrics(self) -> str:
        """Where its metrics are, as a URL."""
        return f"http://127.0.0.1:{self._metrics}/metrics"

    def command(self) -> list[str]:
        pyflyte = str(Path(sys.executable).with_name("pyflyte"))
        ports = ["--port", str(self._port), "--prometheus_port", str(self._metrics)]
        return [pyflyte, "serve", "connector", *ports, *self._modules]

    def start(self) -> None:
        with (self.log or Path(os.devnull)).open("ab") as output:
            self.process = subprocess.Popen(
                self.command(),
                env=self._environment,
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )
        self._channel = grpc.insecure_channel(self.address)
        grpc.channel_ready_future(self._channel).result(timeout=60)

    def ready(self, service: str = "smfs.ready") -> int:
        """What its health says of a service."""
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = health_pb2_grpc.HealthStub(self._channel).Check(request, timeout=10)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:  # such a service has never said anything
                return int(health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            raise
        return int(answer.status)

    def kill(self) -> None:
        if self._channel:
            self._channel.close()
        if self.process:
            self.process.kill()
            self.process.wait()

    def task_types(self) -> list[str]:
        answer = AgentMetadataServiceStub(self._channel).ListAgents(agent_pb2.ListAgentsRequest(), timeout=10)
        return [category.name for agent in answer.agents for category in agent.supported_task_categories]

    def create(
        self, task: OperationTask, inputs: Mapping[str, Any], prefix: str = "", custom: Any = None, **owner: Any
    ) -> bytes:
        declared = template(task)
        if custom is not None:
            declared._custom = custom
        request = agent_pb2.CreateTaskRequest(
            template=declared.to_flyte_idl(),
            inputs=literals(task, inputs).to_flyte_idl(),
            output_prefix=prefix,
            task_execution_metadata=execution(**owner),
        )
        return bytes(AsyncAgentServiceStub(self._channel).CreateTask(request, timeout=10).resource_meta)

    def get(self, task: OperationTask, meta: bytes) -> Any:
        category = agent_pb2.TaskCategory(name=task.task_type, version=task.task_type_version)
        request = agent_pb2.GetTaskRequest(task_category=category, resource_meta=meta)
        return AsyncAgentServiceStub(self._channel).GetTask(request, timeout=10).resource

    def delete(self, task: OperationTask, meta: bytes) -> None:
        category = agent_pb2.TaskCategory(name=task.task_type, version=task.task_type_version)
        request = agent_pb2.DeleteTaskRequest(task_category=category, resource_meta=meta)
        AsyncAgentServiceStub(self._channel).DeleteTask(request, timeout=10)

    def finish(self, task: OperationTask, meta: bytes, seconds: float = 90) -> Any:
        """Poll until it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            resource = self.get(task, meta)
            if resource.phase in FINAL:
                return resource
            assert time.monotonic() < deadline, f"it did not end within {seconds} s: {resource.message}"
            time.sleep(0.1)

    def result(self, task: OperationTask, resource: Any) -> Any:
        """The output as the task's Python type."""
        assert resource.phase == TaskExecution.SUCCEEDED, resource.message
        outputs = LiteralMap.from_flyte_idl(resource.outputs)
        context = FlyteContextManager.current_context()
        return TypeEngine.to_python_value(context, outputs.literals["o0"], task.python_interface.outputs["o0"])


def template(task: OperationTask) -> Any:
    images = ImageConfig(default_image=Image("default", "example", "1"))
    chosen = SerializationSettings(project="p", domain="d", version="v", image_config=images)
    return get_serializable(OrderedDict(), chosen, task).template


def literals(task: OperationTask, inputs: Mapping[str, Any]) -> LiteralMap:
    context = FlyteContextManager.current_context()
    return TypeEngine.dict_to_literal_map(context, dict(inputs), task.python_interface.inputs)


def execution(name: str = "f1", node: str = "n0", attempt: int = 0) -> Any:
    run = identifier_pb2.WorkflowExecutionIdentifier(project="flytesnacks", domain="development", name=name)
    return agent_pb2.TaskExecutionMetadata(
        task_execution_id=identifier_pb2.TaskExecutionIdentifier(
            node_execution_id=identifier_pb2.NodeExecutionIdentifier(node_id=node, execution_id=run),
            retry_attempt=attempt,
        )
    )


class Service(Connector):
    """`smfs connector`, the same over our own way of serving."""

    def command(self) -> list[str]:
        smfs = str(Path(sys.executable).with_name("smfs"))
        ports = ["--port", str(self._port), "--metrics-port", str(self._metrics), "--drain", "0.2"]
        return [smfs, "connector", *ports, *self._modules]
