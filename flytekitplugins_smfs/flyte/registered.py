"""Which of this package's tasks some packages register, read as pyflyte reads them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flytekit import LaunchPlan
from flytekit.core.array_node import ArrayNode
from flytekit.core.condition import BranchNode
from flytekit.core.workflow import WorkflowBase
from flytekit.tools.module_loader import add_sys_path, just_load_modules

from flytekitplugins_smfs.flyte import private
from flytekitplugins_smfs.flyte.tasks import OperationTask
from flytekitplugins_smfs.operations.policies import LIMITS, Registered
from flytekitplugins_smfs.values.plain import Json
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput


def registered(packages: Sequence[str], source: Path) -> list[Registered]:
    """The tasks that workflows of these packages run or that their modules name.

    pyflyte registers every task of a module that anybody imported, such as all ready-made ones of ours; those that
    nothing here names are left out.
    """
    with add_sys_path(os.fspath(source.absolute())):
        just_load_modules(list(packages))
    prefixes = tuple(f"{package}." for package in packages)
    modules = [module for name, module in sys.modules.items() if f"{name}.".startswith(prefixes)]
    named = (task for module in modules for entity in vars(module).values() for task in _run_by(entity))
    found = {id(task): task for task in named}
    return sorted((of_task(task) for task in found.values()), key=lambda one: (one.operation, one.name))


def of_task(task: OperationTask) -> Registered:
    """What policies go by."""
    binding = task.binding
    spec: Any = binding.spec
    training = spec.get("training", spec)
    unknown = not spec and binding.operation in LIMITS  # whatever it is, a call will say it
    mounts = unknown or FileSystemInput in task.python_interface.inputs.values() or _mounted(training)
    return Registered(
        operation=binding.operation,
        name=str(spec.get("name") or "*") if binding.operation in LIMITS else "*",
        role=training.get("role"),
        mounts=mounts and not training.get("network"),
        vpc=mounts or bool(training.get("network")),
        deck=binding.deck,
    )


def _mounted(training: Json) -> bool:
    channels = training.get("channels", {}).values()
    return any("file_system_id" in channel for channel in channels)


def _run_by(entity: Any) -> Iterator[OperationTask]:
    """The tasks of ours that an entity of Flyte's is or runs: in sub-workflows, branches and failure handlers, too."""
    if isinstance(entity, OperationTask):
        yield entity
    elif isinstance(entity, WorkflowBase):
        for node in [*entity.nodes, *([entity.failure_node] if entity.failure_node else [])]:
            yield from _run_by(node.flyte_entity)
    elif isinstance(entity, LaunchPlan):
        yield from _run_by(entity.workflow)
    elif isinstance(entity, BranchNode):
        for node in private.branches(entity):
            yield from _run_by(node.flyte_entity)
    elif isinstance(entity, ArrayNode):
        yield from _run_by(entity.flyte_entity)
