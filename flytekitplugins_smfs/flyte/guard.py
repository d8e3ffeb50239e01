"""Ctrl-C and SIGTERM between the operations of a local workflow: its clean-up must run all the same.

flytekit answers Ctrl-C with `exit(1)` and SIGTERM not at all, and neither runs a workflow's `on_failure`. Once a
workflow has begun an operation there may be something to clean up, so from then until it ends these signals raise an
exception.
"""

from __future__ import annotations

import signal
import threading
import weakref
from types import FrameType

from flytekit.core.context_manager import ExecutionState, flyte_context_Var

from flytekitplugins_smfs.runs.signals import SIGNALS, Handler, described
from flytekitplugins_smfs.values.errors import OperationCancelled

_before: dict[int, Handler] = {}


def guard_workflow(execution: str) -> None:
    """Guard the local workflow that is running, until it has ended. Does nothing outside of one."""
    state = _running_workflow()
    if state is None or _before or threading.current_thread() is not threading.main_thread():
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise OperationCancelled(
            f"The workflow was stopped by {described(number)} between two operations. Where it has no clean-up of its "
            f"own, `smfs release {execution}` removes what it made."
        )

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            _before[number] = signal.signal(number, stop)
    # The state belongs to the workflow's call and goes with it, or with the exception that ended it.
    weakref.finalize(state, _restore).atexit = False


def _running_workflow() -> ExecutionState | None:
    modes = (ExecutionState.Mode.LOCAL_WORKFLOW_EXECUTION, ExecutionState.Mode.LOCAL_DYNAMIC_TASK_EXECUTION)
    for context in flyte_context_Var.get():
        if context.execution_state and context.execution_state.mode in modes:
            return context.execution_state
    return None


def _restore() -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may; the next guarded workflow will find the handlers still in place
    while _before:
        number, handler = _before.popitem()
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
