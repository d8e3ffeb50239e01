"""AdminService, the half that keeps what is registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from flyteidl.admin import common_pb2, launch_plan_pb2, task_pb2, workflow_pb2

from tests.cluster.model.records import Book, key_of
from tests.cluster.model.refusing import invalid, missing


class Registry:
    """Tasks, workflows and launch plans."""

    _book: Book

    def CreateTask(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._keep(self._book.tasks, request, self._book.task, context)
        return task_pb2.TaskCreateResponse()

    def CreateWorkflow(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._keep(self._book.workflows, request, self._book.workflow, context)
        return workflow_pb2.WorkflowCreateResponse()

    def CreateLaunchPlan(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._keep(self._book.plans, request, self._book.plan, context)
        return launch_plan_pb2.LaunchPlanCreateResponse()

    def GetTask(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._kept(self._book.tasks, request.id, context)

    def GetWorkflow(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._kept(self._book.workflows, request.id, context)

    def GetLaunchPlan(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._kept(self._book.plans, request.id, context)

    def GetActiveLaunchPlan(self, request: Any, context: grpc.ServicerContext) -> Any:
        for plan in self._versions(self._book.plans, request.id):
            if plan.closure.state == launch_plan_pb2.ACTIVE:
                return plan
        return missing(context, f"active launch plan {request.id.name}")

    def UpdateLaunchPlan(self, request: Any, context: grpc.ServicerContext) -> Any:
        """One version is active at most."""
        with self._book.lock:
            plan = self._kept(self._book.plans, request.id, context)
            if request.state == launch_plan_pb2.ACTIVE:
                for other in self._versions(self._book.plans, request.id):
                    other.closure.state = launch_plan_pb2.INACTIVE
            plan.closure.state = request.state
            plan.closure.updated_at.GetCurrentTime()
        return launch_plan_pb2.LaunchPlanUpdateResponse()

    def ListTasks(self, request: Any, context: grpc.ServicerContext) -> Any:
        return task_pb2.TaskList(tasks=self._page(self._book.tasks, request))

    def ListWorkflows(self, request: Any, context: grpc.ServicerContext) -> Any:
        return workflow_pb2.WorkflowList(workflows=self._page(self._book.workflows, request))

    def ListLaunchPlans(self, request: Any, context: grpc.ServicerContext) -> Any:
        return launch_plan_pb2.LaunchPlanList(launch_plans=self._page(self._book.plans, request))

    def ListTaskIds(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._names(self._book.tasks, request)

    def ListWorkflowIds(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._names(self._book.workflows, request)

    def ListLaunchPlanIds(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._names(self._book.plans, request)

    def _keep(self, kept: dict[Any, Any], request: Any, make: Callable[..., Any], context: Any) -> None:
        with self._book.lock:
            try:
                made = make(request.id, request.spec)
            except KeyError as error:
                invalid(context, f"{request.id.name} names what is not registered: {error}")
            before = kept.get(key_of(request.id))
            if before is None:
                kept[key_of(request.id)] = made
            elif _content(before) == _content(made):
                context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{request.id.name} with identical structure exists")
            else:
                invalid(context, f"{request.id.name} with different structure already exists")

    def _kept(self, kept: dict[Any, Any], name: Any, context: Any) -> Any:
        with self._book.lock:
            return kept.get(key_of(name)) or missing(context, f"{name.name} of version {name.version}")

    def _versions(self, kept: dict[Any, Any], name: Any) -> list[Any]:
        """All versions of a name, the newest first."""
        with self._book.lock:
            wanted = (name.project, name.domain)
            found = [one for (*place, _, _), one in kept.items() if tuple(place) == wanted]
        return [one for one in reversed(found) if not name.name or one.id.name == name.name]

    def _page(self, kept: dict[Any, Any], request: Any) -> list[Any]:
        """Whole: the model has few. Filters are ignored, and clients find the right one by themselves."""
        return self._versions(kept, request.id)[: request.limit or None]

    def _names(self, kept: dict[Any, Any], request: Any) -> Any:
        with self._book.lock:
            found = dict.fromkeys(
                (key[0], key[1], key[2]) for key in kept if key[:2] == (request.project, request.domain)
            )
        return common_pb2.NamedEntityIdentifierList(
            entities=[common_pb2.NamedEntityIdentifier(project=p, domain=d, name=n) for p, d, n in found]
        )


def _content(entity: Any) -> bytes:
    """What tells two versions apart: not when they were made, nor whether they are active.

    flytekit writes the nodes before a node in no order; propeller's compiler sorts them, so that the same workflow is
    the same (flytepropeller's pull request 323).
    """
    copy = type(entity).FromString(entity.SerializeToString())
    copy.closure.ClearField("created_at")
    if isinstance(copy, launch_plan_pb2.LaunchPlan):
        copy.ClearField("closure")
    if isinstance(copy, workflow_pb2.Workflow):
        compiled = copy.closure.compiled_workflow
        for node in (node for one in (compiled.primary, *compiled.sub_workflows) for node in one.template.nodes):
            node.upstream_node_ids.sort()
    return bytes(copy.SerializeToString(deterministic=True))
