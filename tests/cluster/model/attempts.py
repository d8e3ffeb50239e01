"""A task node: its attempts, one after the other, until one succeeds or none is left."""

from __future__ import annotations

import time
from typing import Any

from flyteidl.admin import agent_pb2
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution
from flyteidl.core.literals_pb2 import LiteralMap

from tests.cluster.model.records import Attempt, Node
from tests.cluster.model.rules import CONNECTOR
from tests.cluster.model.scope import Problem, Scope, failure
from tests.cluster.model.works import ConnectorWork, Order, State, Unbegun, Undone, Work

_RANK = {
    TaskExecution.QUEUED: 0,
    TaskExecution.WAITING_FOR_RESOURCES: 0,
    TaskExecution.INITIALIZING: 1,
    TaskExecution.RUNNING: 2,
}
_END = 3


class TaskRun:
    """Runs a task node. `outputs` or `error` is set when it has ended; `made_up` if it wants a workflow walked."""

    def __init__(self, scope: Scope, spec: Any, template: Any, node: Node, inputs: LiteralMap) -> None:
        self._scope, self._template, self._node, self._inputs = scope, template, node, inputs
        self.unique = node.shown.id.node_id
        metadata = spec.metadata if spec.HasField("metadata") else template.metadata
        self._retries = max(metadata.retries.retries, template.metadata.retries.retries)
        timeout = metadata.timeout.ToTimedelta() or template.metadata.timeout.ToTimedelta()
        self._deadline = time.monotonic() + timeout.total_seconds() if timeout else None
        self._number, self._user_failures, self._system_failures = 0, 0, 0
        self._work: Work | None = None
        self._attempt: Attempt | None = None
        self.outputs: LiteralMap | None = None
        self.error: Any = None
        self.timed_out = False
        self.made_up: DynamicJobSpec | None = None

    @property
    def number(self) -> int:
        return self._number

    @property
    def prefix(self) -> str:
        """Where this attempt's outputs go."""
        return f"{self._scope.place(self.unique)}/{self._number}"

    def advance(self) -> bool:
        """One look at it. True if something moved."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            return self._too_late()
        if self._work is None:
            return self._begin()
        state = self._work.look()
        assert self._attempt is not None
        if state is None or state.phase == self._attempt.shown.closure.phase:
            return False
        if self._rank(state.phase) < self._rank(self._attempt.shown.closure.phase):
            self._violation(state)
            return False
        self._tell(state)
        return True

    def abort(self, reason: str, tries: int = 1) -> None:
        """Make it end. Raises Undone after so many tries in vain."""
        if self._work is not None and not (self.outputs or self.error):
            for left in reversed(range(tries)):
                try:
                    self._work.end()
                    break
                except Undone:
                    if not left:
                        raise
            assert self._attempt is not None
            self._attempt.tell(TaskExecution.ABORTED, reason)

    def _begin(self) -> bool:
        scope, store = self._scope, self._scope.cluster.store
        place = scope.place(self.unique)
        if self._attempt is None:
            store.write(f"{place}/inputs.pb", self._inputs)
            self._node.shown.input_uri = f"{place}/inputs.pb"
        task = self._template.id
        self._attempt = self._node.attempt(task, self._template.type, f"{place}/inputs.pb", self._number)
        self._attempt.tell(TaskExecution.QUEUED, "task submitted to the plugin")
        order = self._order(place)
        try:
            self._work = self._started(order)
        except Unbegun as error:
            why = failure("CreateFailed", str(error))
            self._over(State(TaskExecution.RETRYABLE_FAILED, str(error), error=why), delete=False)
        except Problem as error:
            why = failure(error.code, str(error))
            self._over(State(TaskExecution.FAILED, str(error), error=why), delete=False)
        else:
            self._node.tell(NodeExecution.RUNNING)
        return True

    def _order(self, place: str) -> Order:
        name = self._scope.task_id(self._template.id, self.unique, self._number)
        run = name.node_execution_id.execution_id
        metadata = agent_pb2.TaskExecutionMetadata(
            task_execution_id=name,
            namespace=f"{run.project}-{run.domain}",
            max_attempts=self._retries + 1,
            environment_variables={one.key: one.value for one in self._scope.execution.shown.spec.envs.values},
        )
        raw = self._scope.cluster.store.uri(f"raw/{run.name}/{self.unique}/{self._number}")
        environment = dict(metadata.environment_variables)
        return Order(
            self._template, self._inputs, f"{place}/{self._number}", f"{place}/inputs.pb", raw, metadata, environment
        )

    def _started(self, order: Order) -> Work:
        cluster, kind = self._scope.cluster, self._template.type
        if cluster.rules.plugins.get(kind) == CONNECTOR:
            endpoint = cluster.rules.endpoint(kind)
            if endpoint is None:
                raise Problem("BadTaskSpecification", f"no connector is configured for task type {kind}")
            return ConnectorWork(cluster.connectors, cluster.store, order, endpoint)
        if not self._template.HasField("container"):
            raise Problem("BadTaskSpecification", f"container not specified in task template of type {kind}")
        return cluster.pods.start(order)

    def _tell(self, state: State) -> None:
        attempt = self._attempt
        assert attempt is not None
        if state.phase == TaskExecution.SUCCEEDED:
            self._succeeded(state)
        elif _RANK.get(state.phase, _END) == _END:
            self._over(state, delete=state.phase == TaskExecution.RETRYABLE_FAILED)
        else:
            if state.custom_info is not None:
                attempt.shown.closure.custom_info.CopyFrom(state.custom_info)
            attempt.tell(state.phase, state.reason, state.links)
            if self._template.metadata.generates_deck.value and state.phase == TaskExecution.RUNNING:
                self._node.shown.closure.deck_uri = f"{self.prefix}/deck.html"

    def _succeeded(self, state: State) -> None:
        store, attempt = self._scope.cluster.store, self._attempt
        assert attempt is not None
        assert self._work is not None
        if state.outputs is not None:
            store.write(f"{self.prefix}/outputs.pb", state.outputs)
            found = state.outputs
        else:
            self.made_up = store.read(f"{self.prefix}/futures.pb", DynamicJobSpec)
            found = store.literals(f"{self.prefix}/outputs.pb") if self.made_up is None else LiteralMap()
            deck = f"{self.prefix}/deck.html"
            self._node.shown.closure.deck_uri = deck if store.holds(deck) else ""
        if found is None and self._template.interface.outputs.variables:
            message = f"nothing was written to {self.prefix}/outputs.pb"
            why = failure("OutputsNotFound", message)
            self._over(State(TaskExecution.FAILED, message, error=why), delete=False)
            return
        self._work.forget()
        attempt.shown.closure.output_uri = f"{self.prefix}/outputs.pb"
        attempt.outputs = found or LiteralMap()
        attempt.tell(TaskExecution.SUCCEEDED, state.reason, state.links)
        if self.made_up is None:
            self.outputs = attempt.outputs

    def _over(self, state: State, delete: bool) -> None:
        """An attempt failed: another follows at once if one is left."""
        attempt = self._attempt
        assert attempt is not None
        attempt.shown.closure.error.CopyFrom(state.error)
        attempt.tell(state.phase, state.reason, state.links)
        self._node.shown.closure.deck_uri = ""
        again = state.phase == TaskExecution.RETRYABLE_FAILED and self._another(state.system)
        if self._work is not None:
            if delete and again:
                self._end_quietly()
            self._work.forget()
        self._work = None
        if again:
            self._number += 1
        else:
            self.error = state.error

    def _another(self, system: bool) -> bool:
        if system:
            self._system_failures += 1
            return self._system_failures <= self._scope.cluster.rules.system_retries
        self._user_failures += 1
        return self._user_failures <= self._retries

    def _too_late(self) -> bool:
        self.timed_out = True
        if self._work is not None:
            self._end_quietly()
            assert self._attempt is not None
            self._attempt.tell(TaskExecution.ABORTED, "timeout")
            self._work = None
        self.error = failure("TimeoutExpired", f"node {self.unique} did not end within its timeout")
        return True

    def _end_quietly(self) -> None:
        assert self._work is not None
        try:
            self._work.end()
        except Undone as error:
            with self._scope.cluster.book.lock:
                self._scope.cluster.book.violations.append(f"{self.unique}: {error}")

    def _rank(self, phase: int) -> int:
        return _RANK.get(phase, _END)

    def _violation(self, state: State) -> None:
        names = TaskExecution.Phase
        assert self._attempt is not None
        before, after = names.Name(self._attempt.shown.closure.phase), names.Name(state.phase)
        text = f"{self.unique}: {after} after {before}: {state.reason}"
        book = self._scope.cluster.book
        with book.lock:
            if text not in book.violations:
                book.violations.append(text)
