"""The connector's work, free of threads and event loops: begin, look, answer, cancel."""

from __future__ import annotations

import hashlib
import logging
import threading
from pathlib import Path
from typing import Any

from flyteidl.core.execution_pb2 import TaskExecution, TaskLog
from flytekit.core.context_manager import FlyteContext, FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.core.utils import write_proto_to_file
from flytekit.deck.deck import DECK_FILE_NAME, get_deck_template
from flytekit.extend.backend.base_connector import Resource
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskExecutionMetadata, TaskTemplate

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte import literals
from flytekitplugins_smfs.flyte.binding import Binding, plain_inputs, validated
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.flyte.meta import LONGEST_PROBLEM, Meta
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.runs.pace import Pace
from flytekitplugins_smfs.values.errors import AwsFault, Capacity, Denied, SmfsError, Throttled, Transient
from flytekitplugins_smfs.values.operation import Owner, Phase, Progress

literals.register()

ANSWER_TIME = 4.0
"""Seconds in which the last AWS call of a create or delete is begun: Flyte gives each of them 10 in all."""
STOPPING_TIME = 1800.0
SLOWEST_STOP_POLL = 10.0
PASSING = (Throttled, Transient, Capacity, Denied)
"""Faults that may be over at the next attempt; Denied because a connector's credentials are renewed."""
OUTPUT = "o0"
OUTPUTS_FILE = "outputs.pb"

PHASES: dict[Phase, Any] = {
    Phase.QUEUED: TaskExecution.QUEUED,
    Phase.INITIALIZING: TaskExecution.INITIALIZING,
    Phase.RUNNING: TaskExecution.RUNNING,
    Phase.SUCCEEDED: TaskExecution.SUCCEEDED,
    Phase.FAILED: TaskExecution.FAILED,
    Phase.RETRYABLE_FAILED: TaskExecution.RETRYABLE_FAILED,
}

_log = logging.getLogger(__name__)


def begin(
    template: TaskTemplate, output_prefix: str, inputs: LiteralMap | None, metadata: TaskExecutionMetadata | None
) -> Meta:
    """Start a task's operation.

    A create that raises costs the user a retry whatever the reason, and shows a traceback. So what is wrong is put
    into the meta, and the first get answers it as a failure that is final, or is not.
    """
    binding = Binding.of_custom(template.custom)
    try:
        operation = catalog.load(binding.operation)
        spec = validated(operation.spec_type, binding.data(plain_inputs(inputs)), f"The call of {template.id.name}")
        aws = Aws(settings()).within(ANSWER_TIME)
        handle = operation.start(aws, spec, owner_of(metadata, output_prefix))
    except SmfsError as error:
        problem = str(error)[:LONGEST_PROBLEM]
        return Meta(binding.operation, problem=problem, retryable=isinstance(error, PASSING))
    prefix = output_prefix if binding.deck else ""
    return Meta(binding.operation, handle.model_dump(mode="json", exclude_none=True), output_prefix=prefix)


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


def look(meta: Meta, last: Progress[Any] | None) -> Progress[Any]:
    """How far it is; never raises for what AWS answers."""
    if meta.handle is None:
        phase = Phase.RETRYABLE_FAILED if meta.retryable else Phase.FAILED
        return Progress(phase=phase, message=meta.problem)
    operation, handle = _loaded(meta)
    answered: Progress[Any] = operation.poll(Aws(settings()), handle, last)
    return answered


async def answer(meta: Meta, progress: Progress[Any]) -> Resource:
    """Progress as Flyte's resource, the result as a typed literal."""
    outputs = await _outputs(meta, progress) if progress.phase is Phase.SUCCEEDED else None
    return Resource(
        phase=PHASES[progress.phase],
        message=progress.message,
        log_links=[TaskLog(name=link.name, uri=link.url) for link in progress.links],
        outputs=outputs,
    )


async def _outputs(meta: Meta, progress: Progress[Any]) -> LiteralMap | None:
    ctx = FlyteContextManager.current_context()
    kind = catalog.load(meta.operation).result_type
    literal = await TypeEngine.async_to_literal(ctx, progress.result, kind, TypeEngine.to_literal_type(kind))
    outputs = LiteralMap(literals={OUTPUT: literal})
    if not meta.output_prefix:
        return outputs
    try:
        await _write_outputs(ctx, meta, progress, outputs)
    except Exception as error:  # noqa: BLE001 - whatever the store's driver raises, the result counts more than its deck
        _log.warning("The deck of %s was not written to %s: %r", meta.operation, meta.output_prefix, error)
        return outputs
    return None


async def _write_outputs(ctx: FlyteContext, meta: Meta, progress: Progress[Any], outputs: LiteralMap) -> None:
    """Flyte shows a deck only when the outputs lie beside it instead of being answered inline."""
    from flytekitplugins_smfs.flyte.decks import operation_deck

    here = Path(ctx.file_access.get_random_local_directory())
    page = operation_deck(meta.operation, progress, progress.result)
    tabs = {"NAV_HTML": '<li onclick="handleLinkClick(this)">Operation</li>', "BODY_HTML": f"<div>{page}</div>"}
    (here / DECK_FILE_NAME).write_text(get_deck_template().substitute(tabs), encoding="utf-8")
    write_proto_to_file(outputs.to_flyte_idl(), str(here / OUTPUTS_FILE))
    for name in (DECK_FILE_NAME, OUTPUTS_FILE):
        await ctx.file_access.async_put_data(str(here / name), f"{meta.output_prefix.rstrip('/')}/{name}")


def cancel_once(meta: Meta) -> bool:
    """Ask for the end; True once it has ended. Raises AwsFault when AWS did not take the request."""
    if meta.handle is None:
        return True
    operation, handle = _loaded(meta)
    return bool(operation.cancel(Aws(settings()).within(ANSWER_TIME), handle))


def cancel_until_ended(meta: Meta) -> None:
    """Ask again until it has ended: some ends have several steps."""
    pace, pause = Pace(SLOWEST_STOP_POLL), threading.Event()
    waited = 0.0
    while waited < STOPPING_TIME:
        wait = pace.next()
        pause.wait(wait)
        waited += wait
        try:
            if cancel_once(meta):
                return
        except AwsFault as fault:
            _log.warning("A cancelled %s could not be looked at just now: %s", meta.operation, fault)
    _log.error("A cancelled %s had not ended after %.0f s: %s", meta.operation, waited, meta.handle)


def _loaded(meta: Meta) -> tuple[Any, Any]:
    operation = catalog.load(meta.operation)
    return operation, operation.handle_type.model_validate(meta.handle)
