"""The kinds of nodes beside tasks: workflows within workflows, branches, launch plans, and what a task made up."""

from __future__ import annotations

from typing import Any

from flyteidl.admin import node_execution_pb2
from flyteidl.core import workflow_pb2
from flyteidl.core.execution_pb2 import NodeExecution
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import LiteralMap

from tests.cluster.model.attempts import TaskRun
from tests.cluster.model.bindings import Outputs, holds
from tests.cluster.model.records import Execution, Key, Node, key_of
from tests.cluster.model.scope import Problem, Scope, failure


def about(spec: Any) -> dict[str, bool]:
    """What clients must know of a node to find what lies within it."""
    sub = spec.WhichOneof("target") == "workflow_node" and spec.workflow_node.HasField("sub_workflow_ref")
    return {"is_parent_node": sub or spec.HasField("branch_node")}


def key(spec: Any) -> Key:
    """Which task a node stands for."""
    return key_of(spec.task_node.reference_id)


def run(scope: Scope, spec: Any, node: Node, given: Outputs) -> Any:
    """Begin a node, in a workflow whose other nodes gave this. Raises Problem for what the model does not walk."""
    target = spec.WhichOneof("target")
    if target == "task_node":
        return Task(scope, spec, node)
    if target == "branch_node":
        return Branch(scope, spec, node, given)
    if target == "workflow_node" and spec.workflow_node.HasField("sub_workflow_ref"):
        return Sub(scope, scope.workflows[key_of(spec.workflow_node.sub_workflow_ref)], node)
    if target == "workflow_node":
        return Plan(scope, spec.workflow_node.launchplan_ref, node)
    raise Problem("NotModelled", f"the model does not walk nodes of the kind {target}")


class Within:
    """A workflow that lies within a node."""

    timed_out = False

    def __init__(self, scope: Scope, template: Any, node: Node, given: Outputs) -> None:
        from tests.cluster.model.graph import Graph

        node.tell(NodeExecution.RUNNING)
        self._graph = Graph(scope, template, given)
        self.outputs: LiteralMap | None = None
        self.error: Any = None

    def advance(self) -> bool:
        moved = self._graph.advance()
        self.outputs, self.error = self._graph.outputs, self._graph.error
        return moved

    def abort(self, reason: str, tries: int = 1) -> None:
        self._graph.abort(reason, tries)


class Sub(Within):
    """A workflow that is a node of another."""

    def __init__(self, scope: Scope, template: Any, node: Node) -> None:
        super().__init__(scope.within(node.shown.id.node_id), template, node, lambda _: node.inputs.literals)


class Branch(Within):
    """The first way whose condition is true. What lies within it is bound to the nodes around it."""

    def __init__(self, scope: Scope, spec: Any, node: Node, given: Outputs) -> None:
        choice = spec.branch_node.if_else
        for block in (choice.case, *choice.other):
            if holds(block.condition, node.inputs.literals):
                chosen = block.then_node
                break
        else:
            if not choice.HasField("else_node"):
                raise Problem("UserProvidedError", choice.error.message)
            chosen = choice.else_node
        template = workflow_pb2.WorkflowTemplate(nodes=[chosen])
        for name in _outputs(scope, chosen):
            promise = template.outputs.add(var=name).binding.promise
            promise.node_id, promise.var = chosen.id, name
        super().__init__(scope.within(node.shown.id.node_id), template, node, given)


def _outputs(scope: Scope, spec: Any) -> list[str]:
    target = spec.WhichOneof("target")
    if target == "task_node":
        return list(scope.tasks[key(spec)].interface.outputs.variables)
    if target == "workflow_node" and spec.workflow_node.HasField("sub_workflow_ref"):
        return list(scope.workflows[key_of(spec.workflow_node.sub_workflow_ref)].interface.outputs.variables)
    return []


class Plan:
    """A launch plan as a node: an execution of its own."""

    timed_out = False

    def __init__(self, scope: Scope, plan: Identifier, node: Node) -> None:
        self._child: Execution = scope.cluster.launch(plan, node.inputs, node.shown.id)
        closure = node.shown.closure
        closure.workflow_node_metadata.executionId.CopyFrom(self._child.shown.id)
        node.tell(NodeExecution.RUNNING)
        self.outputs: LiteralMap | None = None
        self.error: Any = None

    def advance(self) -> bool:
        if not self._child.ended:
            return False
        if self._child.outputs is not None:
            self.outputs = self._child.outputs
        else:
            said = self._child.shown.closure.error.message
            self.error = failure("LaunchPlanFailed", f"execution {self._child.shown.id.name} failed: {said}")
        return True

    def abort(self, reason: str, tries: int = 1) -> None:
        self._child.cause = reason


class Task(TaskRun):
    """A task, and the workflow that it may have made up."""

    def __init__(self, scope: Scope, spec: Any, node: Node) -> None:
        template = scope.tasks[key(spec)]
        super().__init__(scope, spec, template, node, node.inputs)
        self._scope_of_node, self._node_of_task = scope, node
        self._within: Within | None = None

    def advance(self) -> bool:
        if self._within is None and self.made_up is None:
            return super().advance()
        if self._within is None:
            self._within = self._made()
            return True
        moved = self._within.advance()
        self.outputs, self.error = self._within.outputs, self._within.error
        return moved

    def abort(self, reason: str, tries: int = 1) -> None:
        (self._within or super()).abort(reason, tries)

    def _made(self) -> Within:
        job, scope, node = self.made_up, self._scope_of_node, self._node_of_task
        assert job is not None
        template = workflow_pb2.WorkflowTemplate(nodes=job.nodes, outputs=job.outputs)
        template.id.CopyFrom(self._template.id)
        template.interface.outputs.CopyFrom(self._template.interface.outputs)
        tasks = {**scope.tasks, **{key_of(one.id): one for one in job.tasks}}
        workflows = {**scope.workflows, **{key_of(one.id): one for one in job.subworkflows}}
        node.shown.metadata.is_parent_node = node.shown.metadata.is_dynamic = True
        node.dynamic = node_execution_pb2.DynamicWorkflowNodeMetadata(id=self._template.id)
        compiled = node.dynamic.compiled_workflow
        compiled.primary.template.CopyFrom(template)
        for sub in job.subworkflows:
            compiled.sub_workflows.add().template.CopyFrom(sub)
        for one in tasks.values():
            compiled.tasks.add().template.CopyFrom(one)
        node.tell(NodeExecution.DYNAMIC_RUNNING)
        inner = scope.within(node.shown.id.node_id, self.number, tasks=tasks, workflows=workflows)
        return Within(inner, template, node, lambda _: {})
