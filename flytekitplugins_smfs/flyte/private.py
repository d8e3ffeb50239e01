"""Every private name of flytekit that this package leans on; a test for each names what breaks when it moves."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from flytekit.configuration.file import FLYTECTL_CONFIG_ENV_VAR, FLYTECTL_CONFIG_ENV_VAR_OVERRIDE, ConfigFile
from flytekit.configuration.file import get_config_file as _get_config_file
from flytekit.core.condition import BranchNode
from flytekit.core.context_manager import ExecutionState, FlyteContextManager, flyte_context_Var
from flytekit.core.python_function_task import EagerAsyncPythonFunctionTask, PythonFunctionTask
from flytekit.core.type_engine import TypeEngine
from flytekit.core.workflow import WorkflowBase

from flytekitplugins_smfs.runs import execution, signals
from flytekitplugins_smfs.values.plain import Json, Record

CONFIG_VARIABLES = (FLYTECTL_CONFIG_ENV_VAR_OVERRIDE, FLYTECTL_CONFIG_ENV_VAR)
Mode = ExecutionState.Mode
ON_A_CLUSTER = frozenset({Mode.TASK_EXECUTION, Mode.DYNAMIC_TASK_EXECUTION, Mode.EAGER_EXECUTION})
_lock = threading.Lock()
_other_threads: list[int] = []


def found_config_file() -> ConfigFile | None:
    """The config file that flytekit finds by itself, asked anew: its own answer is cached while it is imported."""
    found: ConfigFile | None = _get_config_file.__wrapped__(None)
    return found


def config_path(file: ConfigFile | None) -> str:
    """Where it was read from."""
    return str(getattr(file, "_location", "")) if file is not None else ""


def has_transformer(kind: type[Any]) -> bool:
    """Whether a transformer of its own is registered for a type."""
    return kind in TypeEngine._REGISTRY


@contextlib.contextmanager
def own_contexts() -> Iterator[None]:
    """flytekit's contexts in a list of this call's own: the one in the context variable is changed in place, and
    `asyncio.to_thread` shares it between threads."""
    FlyteContextManager.current_context()  # fills the list of a new thread, and sets flytekit's own Ctrl-C first
    token = flyte_context_Var.set(list(flyte_context_Var.get()))
    try:
        yield
    finally:
        flyte_context_Var.reset(token)


def runs_here() -> bool:
    """Whether a call is a local run: not while a workflow is compiled, and not in a pod of a cluster."""
    context = FlyteContextManager.current_context()
    compiling = context.compilation_state is not None and context.compilation_state.mode == 1
    state = context.execution_state
    return not compiling and not (state is not None and state.mode in ON_A_CLUSTER)


def wrap_calls() -> None:
    """Let the outermost call of a workflow, launch plan, @dynamic or @eager be an execution; once for the process."""
    _wrap(WorkflowBase, "__call__", _workflow_inputs)
    _wrap(PythonFunctionTask, "dynamic_execute", _given)
    _wrap(EagerAsyncPythonFunctionTask, "execute", _given)


Inputs = Callable[[Any, tuple[Any, ...], Json], tuple[tuple[Any, ...], Json]]


def _wrap(kind: type[Any], method: str, named: Inputs) -> None:
    plain = getattr(kind, method)
    if getattr(plain, "smfs", False):
        return

    @functools.wraps(plain)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not runs_here():
            return plain(self, *args, **kwargs)
        args, kwargs = named(self, args, kwargs)
        with own_contexts(), execution.called(str(self.name), [list(args[1:]), kwargs]):
            return plain(self, *args, **kwargs)

    call.smfs = True  # type: ignore[attr-defined]
    setattr(kind, method, call)


def _workflow_inputs(self: Any, args: tuple[Any, ...], kwargs: Json) -> Any:
    """By name, so that `on_failure` is given those too that were not: flytekit passes on what has a name."""
    names = list(self.python_interface.inputs)
    if len(args) <= len(names) and not set(names[: len(args)]) & set(kwargs):
        return (), {**dict(zip(names, args, strict=False)), **kwargs}
    return args, kwargs


def _given(self: Any, args: tuple[Any, ...], kwargs: Record) -> Any:
    return args, dict(kwargs)


@contextlib.contextmanager
def _flytekit_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """flytekit's own Ctrl-C handler calls what is registered with it: for operations in threads only."""
    registered = FlyteContextManager.signal_handlers
    with _lock:
        _other_threads.append(threading.get_ident())
        if handler not in registered:
            registered.append(handler)
    try:
        yield
    finally:
        with _lock:
            _other_threads.remove(threading.get_ident())
            if not _other_threads:
                registered.remove(handler)


if _flytekit_signals not in signals.elsewhere:
    signals.elsewhere.append(_flytekit_signals)


def branches(entity: BranchNode) -> list[Any]:
    """The nodes of a conditional, one of which will run."""
    block = entity._ifelse_block
    nodes = [case.then_node for case in (block.case, *(block.other or ()))]
    return nodes if block.else_node is None else [*nodes, block.else_node]
