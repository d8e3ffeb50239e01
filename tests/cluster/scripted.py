"""A connector that answers as a test says, and workflows made by hand: what holds the model to its own rules."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from flyteidl.admin import agent_pb2, execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import literals_pb2
from flyteidl.core.execution_pb2 import TaskExecution
from flyteidl.core.identifier_pb2 import LAUNCH_PLAN, TASK, WORKFLOW, Identifier, WorkflowExecutionIdentifier
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.core.types_pb2 import INTEGER, LiteralType
from flyteidl.core.workflow_pb2 import Node, WorkflowTemplate
from flyteidl.service.admin_pb2_grpc import AdminServiceStub
from flyteidl.service.agent_pb2_grpc import AsyncAgentServiceServicer, add_AsyncAgentServiceServicer_to_server

from tests.cluster.cluster import DOMAIN, PROJECT

KIND = "scripted"


@dataclass(frozen=True)
class Call:
    """A call that came: what for, and when."""

    method: str
    attempt: str
    """Node and attempt, as in `n0/1`."""
    at: float
    request: Any


def said(phase: int, message: str = "", *links: str, outputs: int | None = None) -> Any:
    """An answer to a get."""
    answer = agent_pb2.Resource(phase=phase, message=message)
    for link in links:
        answer.log_links.add(uri=link, name=link)
    if outputs is not None:
        answer.outputs.CopyFrom(number(outputs))
    return answer


def number(value: int) -> Any:
    literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(integer=value)))
    return literals_pb2.LiteralMap(literals={"o0": literal})


DONE = said(TaskExecution.SUCCEEDED, outputs=7)
RUNNING = said(TaskExecution.RUNNING)


@dataclass
class Scripted(AsyncAgentServiceServicer):  # type: ignore[misc]
    """`script` says what an attempt's gets answer, one after the other, the last for ever; a status code is raised."""

    script: dict[str, list[Any]] = field(default_factory=dict)
    creates: dict[str, grpc.StatusCode] = field(default_factory=dict)
    """Attempts whose create fails."""
    deletes: dict[str, grpc.StatusCode] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def CreateTask(self, request: Any, context: Any) -> Any:
        task = request.task_execution_metadata.task_execution_id
        attempt = f"{task.node_execution_id.node_id}/{task.retry_attempt}"
        self._came("create", attempt, request, self.creates.get(attempt), context)
        return agent_pb2.CreateTaskResponse(resource_meta=attempt.encode())

    def GetTask(self, request: Any, context: Any) -> Any:
        attempt = request.resource_meta.decode()
        answers = self.script.get(attempt, [DONE])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self._came("get", attempt, request, answer if isinstance(answer, grpc.StatusCode) else None, context)
        return agent_pb2.GetTaskResponse(resource=answer)

    def DeleteTask(self, request: Any, context: Any) -> Any:
        attempt = request.resource_meta.decode()
        self._came("delete", attempt, request, self.deletes.get(attempt), context)
        return agent_pb2.DeleteTaskResponse()

    def of(self, method: str, attempt: str = "") -> list[Call]:
        return [call for call in self.calls if call.method == method and call.attempt.startswith(attempt)]

    def _came(self, method: str, attempt: str, request: Any, code: Any, context: Any) -> None:
        self.calls.append(Call(method, attempt, time.monotonic(), request))
        if code is not None:
            context.abort(code, f"{method} of {attempt} fails")


def serve(connector: Scripted) -> Iterator[str]:
    """Where it is, as long as it is."""
    server = grpc.server(ThreadPoolExecutor(8))
    add_AsyncAgentServiceServicer_to_server(connector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"ipv4:127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def task(name: str, retries: int = 0, timeout: float = 0, kind: str = KIND, deck: bool = False) -> Any:
    """A task that takes nothing and gives a number."""
    template = TaskTemplate(id=_named(TASK, name), type=kind)
    template.interface.outputs.variables["o0"].type.CopyFrom(LiteralType(simple=INTEGER))
    template.metadata.retries.retries = retries
    template.metadata.generates_deck.value = deck
    template.custom["number"] = 3
    if timeout:
        template.metadata.timeout.FromMilliseconds(int(timeout * 1000))
    return template


def node(name: str, of: Any, *after: str) -> Any:
    made = Node(id=name, upstream_node_ids=after)
    made.task_node.reference_id.CopyFrom(of.id)
    return made


class Author:
    """Registers by hand, and starts what was registered."""

    def __init__(self, endpoint: str) -> None:
        self.channel = grpc.insecure_channel(endpoint)
        self.admin = AdminServiceStub(self.channel)
        self._count = 0

    def run(self, *tasks: Any, nodes: list[Any] | None = None, failure: Any = None) -> Any:
        """The id of an execution of these tasks, side by side as n0, n1..., unless it is said otherwise."""
        self._count += 1
        for one in (*tasks, *([failure] if failure else [])):
            self._kept(self.admin.CreateTask, task_pb2.TaskCreateRequest(id=one.id, spec={"template": one}))
        name = f"w{self._count}"
        template = WorkflowTemplate(nodes=nodes or [node(f"n{n}", one) for n, one in enumerate(tasks)])
        if failure is not None:
            template.failure_node.CopyFrom(node("fn0", failure))
        workflow, plan = _named(WORKFLOW, name), _named(LAUNCH_PLAN, name)
        self.admin.CreateWorkflow(workflow_pb2.WorkflowCreateRequest(id=workflow, spec={"template": template}))
        self.admin.CreateLaunchPlan(
            launch_plan_pb2.LaunchPlanCreateRequest(id=plan, spec=launch_plan_pb2.LaunchPlanSpec(workflow_id=workflow))
        )
        return self.admin.CreateExecution(
            execution_pb2.ExecutionCreateRequest(
                project=PROJECT, domain=DOMAIN, name=f"e{self._count}", spec={"launch_plan": plan}
            )
        ).id

    def seen(self, name: WorkflowExecutionIdentifier) -> Any:
        return self.admin.GetExecution(execution_pb2.WorkflowExecutionGetRequest(id=name))

    def terminate(self, name: WorkflowExecutionIdentifier) -> None:
        self.admin.TerminateExecution(execution_pb2.ExecutionTerminateRequest(id=name, cause="a person said so"))

    def recover(self, name: WorkflowExecutionIdentifier, new: str) -> Any:
        return self.admin.RecoverExecution(execution_pb2.ExecutionRecoverRequest(id=name, name=new)).id

    def _kept(self, create: Any, request: Any) -> None:
        try:
            create(request)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
                raise


def _named(kind: int, name: str) -> Any:
    return Identifier(resource_type=kind, project=PROJECT, domain=DOMAIN, name=name, version="1")
