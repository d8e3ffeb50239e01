"""The local runner: a task's operation, driven in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flytekitplugins_smfs.aws.names import slug
from flytekitplugins_smfs.flyte.binding import validated
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.runs import display
from flytekitplugins_smfs.runs.driver import Ended, drive
from flytekitplugins_smfs.values.plain import Record

if TYPE_CHECKING:
    from datetime import timedelta

    from flytekitplugins_smfs.flyte.binding import Binding


def run(
    name: str,
    binding: Binding,
    inputs: Record,
    *,
    retries: int = 0,
    timeout: timedelta | None = None,
    deck: bool = False,
) -> Record:
    """Run a task's operation and give its outputs by name.

    Raises InvalidSpec before any AWS call, and OperationFailed, OperationTimedOut or OperationCancelled after the
    operation has ended.
    """
    operation = catalog.load(binding.operation)
    spec = validated(operation.spec_type, binding.data(inputs), f"The call of {name}")
    ended = drive(operation, spec, settings(), name, retries, timeout)
    if deck:
        display.console().print(
            f"{name} deck: {_write_deck(name, binding.operation, ended)}", soft_wrap=True, highlight=False
        )
    outputs: Record = operation.outputs(ended.answer.result)
    return outputs


def _write_deck(name: str, operation: str, ended: Ended) -> str:
    """Add the operation's page to the decks that flytekit writes when the task ends, and keep it as a file."""
    from flytekit import Deck

    from flytekitplugins_smfs.flyte.decks import operation_deck, page
    from flytekitplugins_smfs.flyte.report import deck_directory

    deck = operation_deck(name, ended.answer, ended.answer.result, catalog.deck_of(operation))
    Deck("Operation", deck)
    directory = deck_directory()
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{slug(f'{ended.owner.step}-{ended.owner.execution}', 120)}.html"
    file.write_text(page(name, deck), encoding="utf-8")
    return file.as_uri()
