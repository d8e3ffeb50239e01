"""AdminService, the half that runs: executions, and what there is to see of them."""

from __future__ import annotations

from typing import Any

import grpc
from flyteidl.admin import (
    execution_pb2,
    node_execution_pb2,
    project_pb2,
    task_execution_pb2,
    version_pb2,
)
from flyteidl.core import identifier_pb2
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.service.admin_pb2_grpc import AdminServiceServicer

from tests.cluster.model.propeller import Propeller
from tests.cluster.model.records import Attempt, Book, Execution, Node, new_name
from tests.cluster.model.refusing import invalid, missing, refusing
from tests.cluster.model.registry import Registry
from tests.cluster.model.rules import FIRST_LINE

DOMAINS = ("development", "staging", "production")


class Executions(Registry):
    """Executions, nodes and attempts."""

    def __init__(self, book: Book, propeller: Propeller) -> None:
        self._book, self._propeller = book, propeller

    def CreateExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        name = WorkflowExecutionIdentifier(
            project=request.project, domain=request.domain, name=request.name or new_name()
        )
        inputs = request.inputs if request.HasField("inputs") else request.spec.inputs
        return self._begun(request.spec.launch_plan, name, request.spec, inputs, context)

    def RelaunchExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        before = self._execution(request.id, context)
        return self._again(before, request.name, None, execution_pb2.ExecutionMetadata.RELAUNCH, context)

    def RecoverExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        before = self._execution(request.id, context)
        if not before.ended:
            invalid(context, f"{request.id.name} has not ended")
        return self._again(before, request.name, before, execution_pb2.ExecutionMetadata.RECOVERED, context)

    def TerminateExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        execution = self._execution(request.id, context)
        if execution.ended:
            invalid(context, f"Cannot abort an already terminated workflow execution {request.id.name}")
        execution.cause = request.cause or "aborted"
        return execution_pb2.ExecutionTerminateResponse()

    def GetExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._execution(request.id, context).shown

    def ListExecutions(self, request: Any, context: grpc.ServicerContext) -> Any:
        wanted = (request.id.project, request.id.domain)
        with self._book.lock:
            found = [one.shown for key, one in self._book.executions.items() if key[:2] == wanted]
        return execution_pb2.ExecutionList(executions=found[::-1][: request.limit or None])

    def GetExecutionData(self, request: Any, context: grpc.ServicerContext) -> Any:
        execution = self._execution(request.id, context)
        return execution_pb2.WorkflowExecutionGetDataResponse(
            full_inputs=execution.inputs, full_outputs=execution.outputs or LiteralMap()
        )

    def ListNodeExecutions(self, request: Any, context: grpc.ServicerContext) -> Any:
        execution = self._execution(request.workflow_execution_id, context)
        with self._book.lock:
            found = [one.shown for one in execution.nodes.values() if one.parent == request.unique_parent_id]
        return node_execution_pb2.NodeExecutionList(node_executions=found)

    def GetNodeExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._node(request.id, context).shown

    def GetNodeExecutionData(self, request: Any, context: grpc.ServicerContext) -> Any:
        node = self._node(request.id, context)
        return node_execution_pb2.NodeExecutionGetDataResponse(
            full_inputs=node.inputs, full_outputs=node.outputs or LiteralMap(), dynamic_workflow=node.dynamic
        )

    def ListTaskExecutions(self, request: Any, context: grpc.ServicerContext) -> Any:
        node = self._node(request.node_execution_id, context)
        return task_execution_pb2.TaskExecutionList(task_executions=[one.shown for one in node.attempts])

    def GetTaskExecution(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._attempt(request.id, context).shown

    def GetTaskExecutionData(self, request: Any, context: grpc.ServicerContext) -> Any:
        attempt = self._attempt(request.id, context)
        node = self._node(request.id.node_execution_id, context)
        return task_execution_pb2.TaskExecutionGetDataResponse(
            full_inputs=node.inputs, full_outputs=attempt.outputs or LiteralMap()
        )

    def GetVersion(self, request: Any, context: grpc.ServicerContext) -> Any:
        version = version_pb2.Version(Build=FIRST_LINE, Version="v1.16.8-model", BuildTime="")
        return version_pb2.GetVersionResponse(control_plane_version=version)

    def ListProjects(self, request: Any, context: grpc.ServicerContext) -> Any:
        domains = self.GetDomains(None, context).domains
        project = project_pb2.Project(id="flytesnacks", name="flytesnacks", domains=domains)
        return project_pb2.Projects(projects=[project])

    def GetDomains(self, request: Any, context: grpc.ServicerContext) -> Any:
        return project_pb2.GetDomainsResponse(
            domains=[project_pb2.Domain(id=name, name=name.title()) for name in DOMAINS]
        )

    def _begun(self, plan: Any, name: Any, spec: Any, inputs: Any, context: Any, prior: Execution | None = None) -> Any:
        key = (name.project, name.domain, name.name)
        with self._book.lock:
            if key in self._book.executions:
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"execution {name.name} already exists")
            try:
                made = self._propeller.begin(plan, name, spec, inputs, prior)
            except KeyError as error:
                missing(context, f"{plan.name}: {error}")
            except ValueError as error:
                invalid(context, str(error))
        return execution_pb2.ExecutionCreateResponse(id=made.shown.id)

    def _again(self, before: Execution, name: str, prior: Execution | None, mode: Any, context: Any) -> Any:
        spec = execution_pb2.ExecutionSpec.FromString(before.shown.spec.SerializeToString())
        spec.metadata.mode = mode
        spec.metadata.reference_execution.CopyFrom(before.shown.id)
        project, domain, _ = before.key
        called = WorkflowExecutionIdentifier(project=project, domain=domain, name=name or new_name())
        inputs = LiteralMap.FromString(before.inputs.SerializeToString())
        if spec.launch_plan.resource_type != identifier_pb2.TASK:
            plan = self._kept(self._book.plans, spec.launch_plan, context)
            for fixed in plan.spec.fixed_inputs.literals:
                inputs.literals.pop(fixed, None)
        return self._begun(spec.launch_plan, called, spec, inputs, context, prior)

    def _execution(self, name: Any, context: Any) -> Execution:
        with self._book.lock:
            found = self._book.executions.get((name.project, name.domain, name.name))
        return found or missing(context, f"execution {name.name}")

    def _node(self, name: Any, context: Any) -> Node:
        found = self._execution(name.execution_id, context).nodes.get(name.node_id)
        return found or missing(context, f"node {name.node_id}")

    def _attempt(self, name: Any, context: Any) -> Attempt:
        for attempt in self._node(name.node_execution_id, context).attempts:
            if attempt.shown.id.retry_attempt == name.retry_attempt:
                return attempt
        return missing(context, f"attempt {name.retry_attempt}")


@refusing(AdminServiceServicer)
class Admin(Executions, AdminServiceServicer):
    """Flyte's AdminService."""
