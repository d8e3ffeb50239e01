"""What this package leans on that flytekit and moto do not promise; each test says what breaks when it moves."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from flytekit import conditional, dynamic, eager, task, workflow
from flytekit.configuration.file import ConfigFile, get_config_file
from flytekit.core.context_manager import ExecutionState, FlyteContextManager, flyte_context_Var
from flytekit.core.python_function_task import EagerAsyncPythonFunctionTask, PythonFunctionTask
from flytekit.core.type_engine import TypeEngine
from flytekit.core.workflow import WorkflowBase
from flytekit.extend.backend.base_connector import ConnectorRegistry

from flytekitplugins_smfs.flyte import private, tasks
from flytekitplugins_smfs.values.base import Value


def test_the_config_file_can_be_asked_for_anew() -> None:
    """Else `pyflyte --config` is not seen: flytekit's own answer is cached while it is imported."""
    assert callable(get_config_file.__wrapped__)


def test_a_config_file_knows_its_place(tmp_path: Any) -> None:
    """Else errors and `smfs settings` cannot say where a setting comes from."""
    file = tmp_path / "config"
    file.write_text("[smfs]\nendpoint = aws\n")
    assert private.config_path(ConfigFile(str(file))) == str(file)


def test_transformers_are_kept_by_type() -> None:
    """Else a value's transformer would be registered twice, which raises."""
    assert isinstance(TypeEngine._REGISTRY, dict)
    assert private.has_transformer(Value)


def test_connectors_are_kept_by_category() -> None:
    """Else loading the plugin twice raises, and breaks `import flytekit`."""
    assert all(isinstance(category.name, str) for category in ConnectorRegistry._REGISTRY)


def test_contexts_are_a_list_that_is_changed_in_place() -> None:
    """Else `own_contexts` is not needed any more, or does not part threads any more."""
    FlyteContextManager.current_context()
    before = flyte_context_Var.get()
    assert isinstance(before, list)
    with private.own_contexts():
        assert flyte_context_Var.get() is not before
        assert flyte_context_Var.get() == before
    assert flyte_context_Var.get() is before


def test_flytekits_ctrl_c_calls_what_is_registered() -> None:
    """Else Ctrl-C does not reach operations that run in threads only."""
    assert isinstance(FlyteContextManager.signal_handlers, list)


def test_the_modes_of_a_cluster_are_known() -> None:
    """Else a workflow that a pod runs would be taken for a local one."""
    names = {mode.name for mode in ExecutionState.Mode}
    assert {mode.name for mode in private.ON_A_CLUSTER} <= names
    assert names == {
        "TASK_EXECUTION",
        "LOCAL_WORKFLOW_EXECUTION",
        "LOCAL_TASK_EXECUTION",
        "DYNAMIC_TASK_EXECUTION",
        "LOCAL_DYNAMIC_TASK_EXECUTION",
        "EAGER_EXECUTION",
        "EAGER_LOCAL_EXECUTION",
    }


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (WorkflowBase, "__call__"),
        (PythonFunctionTask, "dynamic_execute"),
        (EagerAsyncPythonFunctionTask, "execute"),
    ],
)
def test_outermost_calls_go_through_these(kind: type[Any], method: str) -> None:
    """Else each operation of a workflow would be an execution of the process's."""
    assert tasks is not None
    assert getattr(getattr(kind, method), "smfs", False)
    assert not inspect.iscoroutinefunction(getattr(kind, method))


def test_wrapping_twice_wraps_once() -> None:
    before = WorkflowBase.__call__
    private.wrap_calls()
    assert WorkflowBase.__call__ is before


def test_each_kind_of_call_is_seen_once_with_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else clean-ups release too much, or nothing."""
    from flytekitplugins_smfs.runs import execution

    seen: list[str] = []

    @task
    def look(n: int) -> int:
        call = execution._current.get()
        seen.append(str(id(call)) if call else "none")
        return n

    @workflow
    def flow(n: int) -> int:
        return look(n=n)

    @dynamic
    def dyn(n: int) -> int:
        flow(n=n)
        return flow(n=n)

    @eager
    async def eag(n: int) -> int:
        flow(n=n)
        return flow(n=n)

    flow(n=1)
    assert len(set(seen)) == 1
    seen.clear()
    dyn(n=1)
    assert len(set(seen)) == 1
    seen.clear()
    import asyncio

    asyncio.run(eag(n=1))
    assert (len(seen), len(set(seen))) == (2, 1)
    assert "none" not in seen
    assert execution._current.get() is None


def test_a_conditional_tells_its_nodes() -> None:
    """Else `smfs iam policy` leaves out what only a branch runs."""

    @workflow
    def one(flag: bool) -> None:
        first = conditional("which").if_(flag.is_true()).then(tasks.create_lustre())  # type: ignore[attr-defined]
        first.elif_(flag.is_false()).then(tasks.create_lustre()).else_().then(tasks.create_lustre())

    nodes = private.branches(one.nodes[0].flyte_entity)
    assert [node.flyte_entity for node in nodes] == [tasks.create_lustre] * 3
