"""What Flyte's request for a task says beside its inputs: whose work it is, and what goes with it."""

from __future__ import annotations

import hashlib

from flytekit.models.task import TaskExecutionMetadata, TaskTemplate

from flytekitplugins_smfs.values.operation import Order, Owner


def order_of(template: TaskTemplate, output_prefix: str, metadata: TaskExecutionMetadata | None) -> Order:
    """What the sequel may need beside the spec: where outputs lie, and the command of a task that has a body, whose
    arguments Flyte has filled in."""
    container = template.container
    command = (*(container.command or ()), *(container.args or ())) if container else ()
    environment = {
        **((container.env or {}) if container else {}),
        **((metadata.environment_variables or {}) if metadata else {}),
    }
    return Order(output_prefix, command, environment)


def owner_of(metadata: TaskExecutionMetadata | None, output_prefix: str) -> Owner:
    """Whose work this is. Without metadata the output prefix stands for it: it is each attempt's own."""
    task = metadata.task_execution_id if metadata else None
    node = task.node_execution_id if task else None
    if task is None or node is None or not node.execution_id.name:
        digest = hashlib.sha256(output_prefix.encode()).hexdigest()[:20]
        return Owner(execution=f"unknown/unknown/{digest}", step="unknown")
    run = node.execution_id
    return Owner(
        execution=f"{run.project}/{run.domain}/{run.name}",
        step=node.node_id or task.task_id.name,
        attempt=task.retry_attempt,
    )
