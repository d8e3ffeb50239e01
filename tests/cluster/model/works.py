"""What runs an attempt at a task: a connector, or a pod. Each tells how far it is when it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
from flyteidl.admin import agent_pb2
from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution

from tests.cluster.model.connectors import Connectors, Item
from tests.cluster.model.rules import Endpoint
from tests.cluster.model.store import Store

SAYING = (TaskExecution.QUEUED, TaskExecution.WAITING_FOR_RESOURCES, TaskExecution.INITIALIZING)
"""Phases that carry a message. RUNNING has none."""


@dataclass
class Order:
    """What an attempt is to do and where."""

    template: Any
    inputs: Any
    prefix: str
    """Where its outputs go: its own."""
    input_uri: str
    raw_prefix: str
    metadata: Any
    """flyteidl's TaskExecutionMetadata."""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class State:
    """How far an attempt is."""

    phase: int
    reason: str = ""
    links: Any = ()
    outputs: Any = None
    error: Any = None
    system: bool = False
    """It failed by the system's fault: the user's retries are not used up."""
    custom_info: Any = None


class Work(Protocol):
    """An attempt that runs."""

    def look(self) -> State | None:
        """How far it is; None if nothing was heard."""

    def end(self) -> None:
        """Make it end. Raises Undone."""

    def forget(self) -> None:
        """It has ended by itself."""


class Undone(Exception):
    """It could not be made to end."""


class Unbegun(Exception):
    """It could not be begun."""


class ConnectorWork:
    """A connector's."""

    def __init__(self, connectors: Connectors, store: Store, order: Order, endpoint: Endpoint) -> None:
        self._connectors, self._store, self._prefix = connectors, store, order.prefix
        template = rendered(order)
        try:
            self._item: Item = connectors.create(template, order.inputs, order.prefix, order.metadata, endpoint)
        except grpc.RpcError as error:
            raise Unbegun(f"failed to create task from connector with {error.code()}: {error.details()}") from error

    def look(self) -> State | None:
        item, answer = self._item, self._item.answer
        if item.lost and answer is None:
            message = f"CacheFailed: {item.lost}"
            error = ExecutionError(code="CacheFailed", message=message, kind=ExecutionError.SYSTEM)
            return State(TaskExecution.FAILED, message, error=error, system=True)
        if answer is None:
            return None
        state = State(answer.phase, links=answer.log_links)
        if answer.HasField("custom_info"):
            state.custom_info = answer.custom_info
        if answer.phase in SAYING:
            state.reason = answer.message
        elif answer.phase == TaskExecution.SUCCEEDED:
            state.outputs = answer.outputs if answer.HasField("outputs") else None
        elif answer.phase in (TaskExecution.FAILED, TaskExecution.RETRYABLE_FAILED, TaskExecution.ABORTED):
            state.reason = answer.message
            given = answer.agent_error if answer.HasField("agent_error") else agent_pb2.AgentError()
            code = given.code or "UnknownError"
            state.error = ExecutionError(code=code, message=answer.message, kind=ExecutionError.USER)
        return state

    def end(self) -> None:
        try:
            self._connectors.delete(self._item)
        except grpc.RpcError as error:
            raise Undone(f"failed to delete task from connector with {error.code()}: {error.details()}") from error

    def forget(self) -> None:
        self._connectors.forget(self._item)


def rendered(order: Order) -> Any:
    """The template as it is sent: through bytes, and with what the container's arguments stand for."""
    template = type(order.template).FromString(order.template.SerializeToString())
    if template.HasField("container"):
        container = template.container
        command, arguments = ([filled(text, order) for text in part] for part in (container.command, container.args))
        del container.command[:], container.args[:]
        container.command.extend(command)
        container.args.extend(arguments)
    return template


def filled(text: str, order: Order) -> str:
    """An argument of a container's command with the places that it names."""
    task = order.metadata.task_execution_id
    unique = f"{task.node_execution_id.execution_id.name}-{task.node_execution_id.node_id}-{task.retry_attempt}"
    known = {
        "{{.input}}": order.input_uri,
        "{{.inputPrefix}}": order.input_uri.rpartition("/")[0],
        "{{.outputPrefix}}": order.prefix,
        "{{.rawOutputDataPrefix}}": order.raw_prefix,
        "{{.checkpointOutputPrefix}}": f"{order.raw_prefix}/_flytecheckpoints",
        "{{.prevCheckpointPrefix}}": '""',
        "{{.perRetryUniqueKey}}": unique,
    }
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def failure_of(document: ErrorDocument) -> State:
    """What a container wrote of its failure."""
    told = document.error
    passing = told.kind == ContainerError.RECOVERABLE
    system = told.origin == ExecutionError.SYSTEM
    error = ExecutionError(code=told.code, message=told.message, kind=told.origin)
    phase = TaskExecution.RETRYABLE_FAILED if passing else TaskExecution.FAILED
    return State(phase, told.message, error=error, system=system and passing)
