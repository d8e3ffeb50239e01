"""What flyteadmin keeps: what is registered, and executions with their nodes and attempts."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flyteidl.admin import (
    execution_pb2,
    launch_plan_pb2,
    node_execution_pb2,
    task_execution_pb2,
    task_pb2,
    workflow_pb2,
)
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier
from google.protobuf.timestamp_pb2 import Timestamp

Key = tuple[str, str, str, str]
TASK_ENDS = (TaskExecution.SUCCEEDED, TaskExecution.FAILED, TaskExecution.ABORTED, TaskExecution.RETRYABLE_FAILED)
ENDS = (WorkflowExecution.SUCCEEDED, WorkflowExecution.FAILED, WorkflowExecution.ABORTED, WorkflowExecution.TIMED_OUT)


def key_of(one: Identifier) -> Key:
    return one.project, one.domain, one.name, one.version


def now() -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.now(UTC))
    return stamp


@dataclass(frozen=True)
class Told:
    """What a task was told to be, and when. Only what is another phase than before is told at all."""

    at: datetime
    phase: int
    reason: str
    links: tuple[str, ...]


@dataclass
class Attempt:
    """One attempt at a task: what admin shows of it, and what it was told."""

    shown: Any
    outputs: Any = None
    told: list[Told] = field(default_factory=list)

    def tell(self, phase: int, reason: str = "", links: Any = ()) -> None:
        """A phase is recorded with the first reason that it came with, and its links once."""
        closure = self.shown.closure
        _pass_on(closure, phase, TaskExecution.RUNNING, TASK_ENDS)
        if reason:
            closure.reason = reason
            closure.reasons.add(message=reason, occurred_at=now())
        for link in links:
            if link.uri not in {log.uri for log in closure.logs}:
                closure.logs.add().CopyFrom(link)
        self.told.append(Told(datetime.now(UTC), phase, reason, tuple(link.uri for link in links)))


@dataclass
class Node:
    """A node's execution: what admin shows of it, and what went in and came out."""

    shown: Any
    parent: str = ""
    inputs: Any = field(default_factory=literals_pb2.LiteralMap)
    outputs: Any = None
    dynamic: Any = None
    attempts: list[Attempt] = field(default_factory=list)

    def tell(self, phase: int, error: Any = None) -> None:
        closure = self.shown.closure
        closure.phase = phase
        closure.updated_at.CopyFrom(now())
        if phase in (NodeExecution.RUNNING, NodeExecution.DYNAMIC_RUNNING) and not closure.HasField("started_at"):
            closure.started_at.CopyFrom(now())
        if error is not None:
            closure.error.CopyFrom(error)

    def attempt(self, task: Identifier, task_type: str, input_uri: str, number: int) -> Attempt:
        """Begin an attempt."""
        name = identifier_pb2.TaskExecutionIdentifier(
            task_id=task, node_execution_id=self.shown.id, retry_attempt=number
        )
        closure = task_execution_pb2.TaskExecutionClosure(
            phase=TaskExecution.QUEUED, created_at=now(), updated_at=now(), task_type=task_type
        )
        made = Attempt(task_execution_pb2.TaskExecution(id=name, input_uri=input_uri, closure=closure))
        self.attempts.append(made)
        return made


@dataclass
class Execution:
    """An execution of a launch plan or of a single task."""

    shown: Any
    inputs: Any
    template: Any
    """The workflow's; of a single task, one of one node."""
    outputs: Any = None
    nodes: dict[str, Node] = field(default_factory=dict)
    recovered: Execution | None = None
    """Whose successful nodes are taken over."""
    cause: str | None = None
    """Why it is to be aborted."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.shown.id.project, self.shown.id.domain, self.shown.id.name

    @property
    def phase(self) -> int:
        return int(self.shown.closure.phase)

    @property
    def ended(self) -> bool:
        return self.phase in ENDS

    def tell(self, phase: int) -> None:
        _pass_on(self.shown.closure, phase, WorkflowExecution.RUNNING, ENDS)

    def node(self, unique: str, spec: str, parent: str, **about: bool) -> Node:
        """A node begins."""
        name = identifier_pb2.NodeExecutionIdentifier(node_id=unique, execution_id=self.shown.id)
        shown = node_execution_pb2.NodeExecution(
            id=name,
            closure=node_execution_pb2.NodeExecutionClosure(
                phase=NodeExecution.QUEUED, created_at=now(), updated_at=now()
            ),
            metadata=node_execution_pb2.NodeExecutionMetaData(spec_node_id=spec, **about),
        )
        self.nodes[unique] = Node(shown, parent)
        return self.nodes[unique]


@dataclass
class Book:
    """All that is kept, in memory. Whoever reads or writes holds the lock."""

    tasks: dict[Key, Any] = field(default_factory=dict)
    workflows: dict[Key, Any] = field(default_factory=dict)
    plans: dict[Key, Any] = field(default_factory=dict)
    executions: dict[tuple[str, str, str], Execution] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    """What no connector may do, in words."""
    lock: Any = field(default_factory=threading.RLock)
    _order: Iterator[int] = field(default_factory=itertools.count)

    def task(self, name: Identifier, spec: Any) -> Any:
        closure = task_pb2.TaskClosure(created_at=now())
        closure.compiled_task.template.CopyFrom(spec.template)
        closure.compiled_task.template.id.CopyFrom(name)
        return task_pb2.Task(id=name, closure=closure)

    def workflow(self, name: Identifier, spec: Any) -> Any:
        """What a compiler would make of it, as far as clients look. Raises KeyError for a task that is not there."""
        closure = workflow_pb2.WorkflowClosure(created_at=now())
        compiled = closure.compiled_workflow
        compiled.primary.template.CopyFrom(spec.template)
        compiled.primary.template.id.CopyFrom(name)
        for sub in spec.sub_workflows:
            compiled.sub_workflows.add().template.CopyFrom(sub)
        wanted = {key_of(task): task for one in (spec.template, *spec.sub_workflows) for task in tasks_of(one)}
        for task in wanted.values():
            compiled.tasks.add().CopyFrom(self.tasks[key_of(task)].closure.compiled_task)
        return workflow_pb2.Workflow(id=name, closure=closure)

    def plan(self, name: Identifier, spec: Any) -> Any:
        workflow = self.workflows[key_of(spec.workflow_id)].closure.compiled_workflow.primary.template
        closure = launch_plan_pb2.LaunchPlanClosure(
            state=launch_plan_pb2.INACTIVE,
            expected_inputs=spec.default_inputs,
            expected_outputs=workflow.interface.outputs,
            created_at=now(),
            updated_at=now(),
        )
        return launch_plan_pb2.LaunchPlan(id=name, spec=spec, closure=closure)

    def execution(self, name: Any, spec: Any, inputs: Any, template: Any, workflow: Identifier) -> Execution:
        closure = execution_pb2.ExecutionClosure(
            phase=WorkflowExecution.QUEUED, created_at=now(), updated_at=now(), workflow_id=workflow
        )
        made = Execution(execution_pb2.Execution(id=name, spec=spec, closure=closure), inputs, template)
        self.executions[made.key] = made
        return made


def nodes_of(template: Any) -> Iterator[Any]:
    """Every node of a workflow, those within branches and arrays too."""
    for node in template.nodes:
        yield from nodes_within(node)
    if template.HasField("failure_node"):
        yield from nodes_within(template.failure_node)


def nodes_within(node: Any) -> Iterator[Any]:
    """A node, and those of all ways that it may go."""
    yield node
    if node.HasField("branch_node"):
        choice = node.branch_node.if_else
        for block in (choice.case, *choice.other):
            yield from nodes_within(block.then_node)
        if choice.HasField("else_node"):
            yield from nodes_within(choice.else_node)
    if node.HasField("array_node"):
        yield from nodes_within(node.array_node.node)


def tasks_of(template: Any) -> Iterator[Identifier]:
    return (node.task_node.reference_id for node in nodes_of(template) if node.HasField("task_node"))


def new_name() -> str:
    return f"f{uuid.uuid4().hex[:19]}"


def _pass_on(closure: Any, phase: int, running: int, ends: Collection[int]) -> None:
    """A phase, and the times that come with it."""
    closure.phase = phase
    closure.updated_at.CopyFrom(now())
    if phase == running and not closure.HasField("started_at"):
        closure.started_at.CopyFrom(now())
    if phase in ends and closure.HasField("started_at"):
        closure.duration.FromTimedelta(_since(closure.started_at))


def _since(stamp: Timestamp) -> timedelta:
    return datetime.now(UTC) - stamp.ToDatetime(tzinfo=UTC)
