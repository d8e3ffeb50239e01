"""The propeller: walks each execution until it has ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from flyteidl.admin import execution_pb2
from flyteidl.core import identifier_pb2, workflow_pb2
from flyteidl.core.execution_pb2 import ExecutionError, WorkflowExecution
from flyteidl.core.identifier_pb2 import Identifier
from flyteidl.core.literals_pb2 import LiteralMap

from tests.cluster.model.connectors import Connectors
from tests.cluster.model.graph import Graph
from tests.cluster.model.pods import Pods
from tests.cluster.model.records import Book, Execution, Key, key_of, new_name
from tests.cluster.model.rules import Rules
from tests.cluster.model.scope import Cluster, Scope, failure
from tests.cluster.model.store import Store
from tests.cluster.model.works import Undone

_log = logging.getLogger(__name__)


class Propeller:
    """All executions of a cluster, each walked by a thread of its own."""

    def __init__(self, rules: Rules, book: Book, store: Store, connectors: Connectors, pods: Pods) -> None:
        self._rules, self._book, self._connectors = rules, book, connectors
        self._cluster = Cluster(rules, book, store, connectors, pods, self._launch)
        self._stop = threading.Event()
        self._running = threading.Event()
        self._running.set()
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        """Leave everything as it stands."""
        self._stop.set()
        self.go_on()
        for thread in self._threads:
            thread.join()

    def pause(self) -> None:
        """Stand still: nothing is looked at, and no connector is asked."""
        self._running.clear()
        self._connectors.running.clear()

    def go_on(self) -> None:
        self._connectors.running.set()
        self._running.set()

    def begin(
        self, plan: Identifier, name: Any, spec: Any, inputs: LiteralMap, prior: Execution | None = None
    ) -> Execution:
        """Begin an execution of a launch plan or a task; of `prior` it takes over what succeeded. Raises KeyError for
        a plan that is not there, and ValueError for inputs that it does not take."""
        with self._book.lock:
            template, tasks, workflows, workflow, given = self._resolved(plan, inputs)
            made = self._book.execution(name, spec, given, template, workflow)
            made.recovered = prior
        scope = Scope(self._cluster, made, tasks, workflows)
        thread = threading.Thread(target=self._walk, args=(scope, template), name=made.shown.id.name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return made

    def _launch(self, plan: Identifier, inputs: LiteralMap, parent: Any) -> Execution:
        run = parent.execution_id
        name = identifier_pb2.WorkflowExecutionIdentifier(project=run.project, domain=run.domain, name=new_name())
        spec = execution_pb2.ExecutionSpec(launch_plan=plan)
        spec.metadata.mode = execution_pb2.ExecutionMetadata.CHILD_WORKFLOW
        spec.metadata.parent_node_execution.CopyFrom(parent)
        return self.begin(plan, name, spec, inputs)

    def _resolved(self, plan: Identifier, inputs: LiteralMap) -> tuple[Any, Mapping[Key, Any], Any, Identifier, Any]:
        if plan.resource_type == identifier_pb2.TASK:
            task = self._book.tasks[key_of(plan)].closure.compiled_task.template
            return _alone(task), {key_of(task.id): task}, {}, task.id, _checked(inputs, task.interface)
        found = self._book.plans[key_of(plan)]
        compiled = self._book.workflows[key_of(found.spec.workflow_id)].closure.compiled_workflow
        tasks = {key_of(one.template.id): one.template for one in compiled.tasks}
        workflows = {key_of(one.template.id): one.template for one in compiled.sub_workflows}
        given = _filled(found.spec, inputs)
        return compiled.primary.template, tasks, workflows, found.spec.workflow_id, given

    def _walk(self, scope: Scope, template: Any) -> None:
        execution = scope.execution
        try:
            execution.tell(WorkflowExecution.RUNNING)
            self._to_the_end(execution, Graph(scope, template, lambda _: execution.inputs.literals))
        except Exception as error:  # noqa: BLE001 - a thread that dies would leave its execution running for ever
            _log.exception("the model broke at %s", execution.shown.id.name)
            self._failed(execution, failure("ModelBroke", f"the model broke: {error!r}", system=True))

    def _to_the_end(self, execution: Execution, graph: Graph) -> None:
        streak = 0
        while not self._stop.is_set():
            self._running.wait()
            if execution.cause is not None:
                self._aborted(execution, graph)
                return
            moved = graph.advance()
            if graph.error is not None:
                self._failed(execution, graph.error)
                return
            if graph.outputs is not None:
                execution.outputs = graph.outputs
                execution.tell(WorkflowExecution.SUCCEEDED)
                return
            streak = streak + 1 if moved else 0
            if not moved or streak >= self._rules.streak:
                streak = 0
                self._stop.wait(self._rules.reevaluation)

    def _aborted(self, execution: Execution, graph: Graph) -> None:
        """`on_failure` does not run."""
        closure = execution.shown.closure
        try:
            graph.abort(execution.cause or "", self._rules.abort_tries)
        except Undone as error:
            self._failed(execution, failure("WorkflowAbortFailed", f"Workflow abort failed: {error}", system=True))
            return
        closure.abort_metadata.cause = execution.cause or ""
        execution.tell(WorkflowExecution.ABORTED)

    def _failed(self, execution: Execution, error: ExecutionError) -> None:
        execution.shown.closure.error.CopyFrom(error)
        execution.tell(WorkflowExecution.FAILED)


def _alone(task: Any) -> Any:
    """The workflow of one node that an execution of a task is."""
    node = workflow_pb2.Node(id=task.id.name.rpartition(".")[2].replace("_", "-")[:63])
    node.task_node.reference_id.CopyFrom(task.id)
    node.metadata.CopyFrom(workflow_pb2.NodeMetadata(retries=task.metadata.retries, timeout=task.metadata.timeout))
    template = workflow_pb2.WorkflowTemplate(id=task.id, interface=task.interface, nodes=[node])
    for name in task.interface.inputs.variables:
        binding = template.nodes[0].inputs.add(var=name)
        binding.binding.promise.var = name
    for name in task.interface.outputs.variables:
        binding = template.outputs.add(var=name)
        binding.binding.promise.node_id, binding.binding.promise.var = node.id, name
    return template


def _checked(inputs: LiteralMap, interface: Any) -> LiteralMap:
    known, given = set(interface.inputs.variables), set(inputs.literals)
    if known != given:
        raise ValueError(f"inputs {sorted(given - known)} are not known, {sorted(known - given)} are missing")
    return inputs


def _filled(spec: Any, inputs: LiteralMap) -> LiteralMap:
    """What an execution is given: the plan's fixed inputs, the caller's, and defaults for the rest."""
    found = LiteralMap()
    fixed, parameters = spec.fixed_inputs.literals, spec.default_inputs.parameters
    for name, literal in inputs.literals.items():
        if name in fixed:
            raise ValueError(f"fixed input {name} cannot be overridden")
        if name not in parameters:
            raise ValueError(f"invalid input {name}: it is not in the launch plan's interface")
        found.literals[name].CopyFrom(literal)
    for name, literal in fixed.items():
        found.literals[name].CopyFrom(literal)
    for name, parameter in parameters.items():
        if name in found.literals:
            continue
        if not parameter.HasField("default"):
            raise ValueError(f"{name} is required and was not given")
        found.literals[name].CopyFrom(parameter.default)
    return found
