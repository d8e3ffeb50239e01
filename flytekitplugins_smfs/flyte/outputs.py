"""What Flyte is answered: the phase, and with success the outputs, as literals or beside the deck."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flyteidl.core.errors_pb2 import ErrorDocument
from flyteidl.core.execution_pb2 import TaskExecution, TaskLog
from flytekit.core.context_manager import FlyteContext, FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.core.utils import write_proto_to_file
from flytekit.deck.deck import DECK_FILE_NAME, get_deck_template
from flytekit.extend.backend.base_connector import Resource
from flytekit.models.literals import LiteralMap

from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.operation import Answer, Phase

OUTPUTS_FILE = "outputs.pb"
ERROR_FILE = "error.pb"

PHASES: dict[Phase, Any] = {
    Phase.WAITING: TaskExecution.WAITING_FOR_RESOURCES,
    Phase.QUEUED: TaskExecution.QUEUED,
    Phase.INITIALIZING: TaskExecution.INITIALIZING,
    Phase.RUNNING: TaskExecution.RUNNING,
    Phase.SUCCEEDED: TaskExecution.SUCCEEDED,
    Phase.FAILED: TaskExecution.FAILED,
    Phase.RETRYABLE_FAILED: TaskExecution.RETRYABLE_FAILED,
}

_log = logging.getLogger(__name__)


async def answer(meta: Meta, found: Answer) -> Resource:
    """An answer as Flyte's resource, the result as typed literals."""
    outputs = None
    if found.phase is Phase.SUCCEEDED:
        outputs, problem = await _outputs(meta, found)
        if problem:
            found = Answer(Phase.FAILED, problem, found.links)
    return Resource(
        phase=PHASES[found.phase],
        message=found.message,
        log_links=[TaskLog(name=link.name, uri=link.url) for link in found.links],
        outputs=outputs,
    )


async def _outputs(meta: Meta, found: Answer) -> tuple[LiteralMap | None, str]:
    """The outputs, unless they lie beside the deck, and what is wrong with them."""
    ctx = FlyteContextManager.current_context()
    operation = catalog.load(meta.operation)
    if operation.writes_outputs:
        return None, await _job_error(ctx, meta)
    types, named = operation.output_types(), {}
    for name, value in operation.outputs(found.result).items():
        literal_type = TypeEngine.to_literal_type(types[name])
        named[name] = await TypeEngine.async_to_literal(ctx, value, types[name], literal_type)
    outputs = LiteralMap(literals=named)
    if not meta.output_prefix:
        return outputs, ""
    try:
        await _write_outputs(ctx, meta, found, outputs)
    except Exception as error:  # noqa: BLE001 - whatever the store's driver raises, the result counts more than its deck
        _log.warning("The deck of %s was not written to %s: %r", meta.operation, meta.output_prefix, error)
        return outputs, ""
    return None, ""


async def _job_error(ctx: FlyteContext, meta: Meta) -> str:
    """What the body of a task that ran in a job left as its error; empty for none."""
    here = Path(ctx.file_access.get_random_local_directory()) / ERROR_FILE
    try:
        await ctx.file_access.async_get_data(f"{meta.output_prefix.rstrip('/')}/{ERROR_FILE}", str(here))
    except Exception as error:  # noqa: BLE001 - each store's driver has its own way of saying that there is none
        _log.debug("No %s: %r", ERROR_FILE, error)
        return ""
    if not here.is_file():
        return ""
    document = ErrorDocument.FromString(here.read_bytes())
    return f"{document.error.code}: {document.error.message}"


async def _write_outputs(ctx: FlyteContext, meta: Meta, found: Answer, outputs: LiteralMap) -> None:
    """Flyte shows a deck only when the outputs lie beside it instead of being answered inline."""
    from flytekitplugins_smfs.flyte.decks import operation_deck

    here = Path(ctx.file_access.get_random_local_directory())
    page = operation_deck(meta.operation, found, found.result, catalog.deck_of(meta.operation))
    tabs = {"NAV_HTML": '<li onclick="handleLinkClick(this)">Operation</li>', "BODY_HTML": f"<div>{page}</div>"}
    (here / DECK_FILE_NAME).write_text(get_deck_template().substitute(tabs), encoding="utf-8")
    write_proto_to_file(outputs.to_flyte_idl(), str(here / OUTPUTS_FILE))
    for name in (DECK_FILE_NAME, OUTPUTS_FILE):
        await ctx.file_access.async_put_data(str(here / name), f"{meta.output_prefix.rstrip('/')}/{name}")
