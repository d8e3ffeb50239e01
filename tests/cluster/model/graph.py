"""The walk of a workflow: which node is next, what it is given, and what a failure does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from flyteidl.core.execution_pb2 import NodeExecution
from flyteidl.core.literals_pb2 import Literal, LiteralMap, Scalar
from flyteidl.core.types_pb2 import Error, SimpleType

from tests.cluster.model import kinds
from tests.cluster.model.bindings import Outputs, bound, needed
from tests.cluster.model.records import Node, nodes_within
from tests.cluster.model.scope import Problem, Scope, failure
from tests.cluster.model.works import Undone

_SYSTEM = ("start-node", "end-node")


class Run(Protocol):
    """A node that was begun. `outputs` or `error` is set once it has ended."""

    outputs: LiteralMap | None
    error: Any
    timed_out: bool

    def advance(self) -> bool: ...

    def abort(self, reason: str, tries: int = 1) -> None: ...


class Graph:
    """A workflow that is walked. `outputs` or `error` is set when it has ended."""

    timed_out = False

    def __init__(self, scope: Scope, template: Any, outside: Outputs) -> None:
        self.scope, self._template, self._outside = scope, template, outside
        self._specs = {node.id: node for node in template.nodes if node.id not in _SYSTEM}
        self._runs: dict[str, Run] = {}
        self._nodes: dict[str, Node] = {}
        self._done: dict[str, LiteralMap] = {}
        self._why: Any = None
        """The first failure; from then on everything else is ended, and the failure node runs."""
        self._failure: Run | None = None
        self.outputs: LiteralMap | None = None
        self.error: Any = None

    def advance(self) -> bool:
        """One round. True if something moved."""
        if self._why is not None:
            return self._fail()
        moved = False
        for name, spec in self._specs.items():
            if name not in self._runs and name not in self._done and self._ready(spec):
                self._begin(spec)
                moved = True
            if name in self._runs and name not in self._done:
                moved |= self._step(name)
            if self._why is not None:
                self._end_others(f"Workflow failed: {self._why.message}"[:500])
                return True
        if len(self._done) == len(self._specs):
            self.outputs = bound(self._template.outputs, self._given)
            moved = True
        return moved

    def abort(self, reason: str, tries: int = 1) -> None:
        """End every node that runs. Raises Undone when one could not be ended, after all were tried."""
        problems = []
        if self._failure is not None and not (self._failure.outputs or self._failure.error):
            self._failure.abort(reason, tries)
        for name, run in self._runs.items():
            if name not in self._done and not run.error:
                try:
                    run.abort(reason, tries)
                except Undone as error:
                    problems.append(str(error))
                self._nodes[name].tell(NodeExecution.ABORTED)
        if problems:
            raise Undone("; ".join(problems))

    def _ready(self, spec: Any) -> bool:
        """All that it waits for is done; for a branch, all that any way of it waits for."""
        before: set[str] = set()
        for one in nodes_within(spec):
            before |= {*one.upstream_node_ids, *needed(one.inputs)}
        return before & self._specs.keys() <= self._done.keys()

    def _given(self, node: str) -> Mapping[str, Any]:
        """What a node gave; what is not of this workflow came from outside."""
        if node not in self._specs:
            return self._outside(node)
        literals: Mapping[str, Any] = self._done[node].literals
        return literals

    def _begin(self, spec: Any) -> None:
        unique = self.scope.unique(spec.id)
        with self.scope.cluster.book.lock:
            node = self.scope.execution.node(unique, spec.id, self.scope.parent, **kinds.about(spec))
        self._nodes[spec.id] = node
        earlier = self.scope.execution.recovered
        before = earlier.nodes.get(unique) if earlier else None
        if before is not None and before.outputs is not None:
            node.inputs, node.outputs = before.inputs, before.outputs
            node.tell(NodeExecution.RECOVERED)
            self._done[spec.id] = before.outputs
            return
        try:
            node.inputs = bound(spec.inputs, self._given)
            self._runs[spec.id] = kinds.run(self.scope, spec, node, self._given)
        except (Problem, KeyError) as error:
            self._why = failure(getattr(error, "code", "BindingError"), f"{unique}: {error}")
            node.tell(NodeExecution.FAILED, self._why)

    def _step(self, name: str) -> bool:
        run, node = self._runs[name], self._nodes[name]
        moved = run.advance()
        if run.outputs is not None:
            node.outputs = run.outputs
            node.tell(NodeExecution.SUCCEEDED)
            self._done[name] = run.outputs
            return True
        if run.error is not None:
            node.tell(NodeExecution.TIMED_OUT if run.timed_out else NodeExecution.FAILED, run.error)
            self._why = run.error
            return True
        return moved

    def _end_others(self, reason: str) -> None:
        try:
            self.abort(reason)
        except Undone as error:
            book = self.scope.cluster.book
            with book.lock:
                book.violations.append(f"after a failure: {error}")

    def _fail(self) -> bool:
        """The failure node with the workflow's inputs, and then the end."""
        if not self._template.HasField("failure_node"):
            self.error = self._why
            return True
        spec = self._template.failure_node
        if self._failure is None:
            unique = self.scope.unique(spec.id)
            node = self.scope.execution.node(unique, spec.id, self.scope.parent, **kinds.about(spec))
            node.inputs = self._failure_inputs(spec)
            self._nodes[spec.id] = node
            self._failure = kinds.run(self.scope, spec, node, self._given)
            return True
        moved = self._failure.advance()
        node = self._nodes[spec.id]
        if self._failure.outputs is not None:
            node.outputs = self._failure.outputs
            node.tell(NodeExecution.SUCCEEDED)
            self.error = self._why
        elif self._failure.error is not None:
            node.tell(NodeExecution.FAILED, self._failure.error)
            self.error = self._why
        return moved or self.error is not None

    def _failure_inputs(self, spec: Any) -> LiteralMap:
        given = bound(spec.inputs, self._given)
        template = self.scope.tasks.get(kinds.key(spec))
        wanted = template.interface.inputs.variables if template is not None else {}
        for name, variable in wanted.items():
            kind = variable.type
            union = [one.simple for one in kind.union_type.variants]
            if name not in given.literals and SimpleType.ERROR in (kind.simple, *union):
                told = Error(failed_node_id=next(reversed(self._runs), ""), message=self._why.message)
                given.literals[name].CopyFrom(Literal(scalar=Scalar(error=told)))
        return given
