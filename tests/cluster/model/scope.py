"""What the walk of an execution has at hand, and where a node stands in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flyteidl.core import identifier_pb2
from flyteidl.core.execution_pb2 import ExecutionError

from tests.cluster.model.connectors import Connectors
from tests.cluster.model.pods import Pods
from tests.cluster.model.records import Book, Execution, Key
from tests.cluster.model.rules import Rules
from tests.cluster.model.store import Store


@dataclass(frozen=True)
class Cluster:
    """What all executions share."""

    rules: Rules
    book: Book
    store: Store
    connectors: Connectors
    pods: Pods
    launch: Callable[[Any, Any, Any], Execution]
    """Starts the execution of a launch plan: plan, inputs, the node it is a child of."""


@dataclass(frozen=True)
class Scope:
    """A workflow within an execution: its own, one that a node stands for, or one that a task made up."""

    cluster: Cluster
    execution: Execution
    tasks: Mapping[Key, Any]
    workflows: Mapping[Key, Any]
    parent: str = ""
    attempt: int = 0

    def unique(self, node: str) -> str:
        """A node's id within the execution."""
        return f"{self.parent}-{self.attempt}-{node}" if self.parent else node

    def within(self, unique: str, attempt: int = 0, **more: Any) -> Scope:
        return dataclasses.replace(self, parent=unique, attempt=attempt, **more)

    def place(self, unique: str) -> str:
        """Where a node's inputs and outputs lie."""
        project, domain, name = self.execution.key
        return self.cluster.store.uri(f"metadata/propeller/{project}-{domain}-{name}/{unique}/data")

    def task_id(self, task: Any, unique: str, attempt: int) -> Any:
        node = identifier_pb2.NodeExecutionIdentifier(node_id=unique, execution_id=self.execution.shown.id)
        return identifier_pb2.TaskExecutionIdentifier(task_id=task, node_execution_id=node, retry_attempt=attempt)


def failure(code: str, message: str, system: bool = False) -> Any:
    kind = ExecutionError.SYSTEM if system else ExecutionError.USER
    return ExecutionError(code=code, message=message, kind=kind)


class Problem(Exception):
    """What ends a node at once, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
