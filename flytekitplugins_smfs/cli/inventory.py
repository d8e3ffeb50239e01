"""`smfs ls` and `smfs release`."""

from __future__ import annotations

import time

import click
from rich.console import Console
from rich.table import Column, Table

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.operations.catalog import load
from flytekitplugins_smfs.operations.inventory import Holding, holdings
from flytekitplugins_smfs.values.lustre.file_system import ReleaseSpec
from flytekitplugins_smfs.values.operation import Owner, Phase

FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
"""Seconds between two looks at what is being removed."""


def show(execution: str | None, *, as_json: bool) -> None:
    """Print what is there."""
    aws = _aws()
    found = holdings(aws, execution)
    if as_json:
        for one in found:
            click.echo(one.model_dump_json())
        return
    if not found:
        click.echo("Nothing is there" + (f" that {execution} made." if execution else "."))
        return
    _print(found)


def remove(execution: str, *, ask: bool) -> None:
    """Remove what an execution made and say what, if anything, is left."""
    aws = _aws()
    found = holdings(aws, execution)
    if not found:
        click.echo(f"Nothing is there that {execution} made.")
        return
    _print(found)
    if ask:
        click.confirm("Remove these file systems and links?", abort=True, err=True)
    _release(aws, execution)
    left = holdings(aws, execution)
    if left:
        _print(left)
        raise click.ClickException("These are still there; running jobs are ended by aborting their execution.")
    click.echo("Nothing is left.")


def _release(aws: Aws, execution: str) -> None:
    operation = load("release")
    handle = operation.start(aws, ReleaseSpec(), Owner(execution=execution, step="smfs release"))
    wait = FIRST_WAIT
    with Console(stderr=True).status("Removing") as status:
        progress = operation.poll(aws, handle)
        while not progress.phase.final:
            status.update(progress.message or "Removing")
            time.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT)
            progress = operation.poll(aws, handle)
    if progress.phase is not Phase.SUCCEEDED:
        raise click.ClickException(progress.message)
    for name in progress.result.removed:
        click.echo(f"Removed {name}")


def _aws() -> Aws:
    chosen = settings()
    aws = Aws(chosen)
    click.echo(f"AWS is {chosen.described}, region {aws.region}.", err=True)
    return aws


def _print(found: tuple[Holding, ...]) -> None:
    table = Table(*(Column(name, overflow="fold") for name in ("kind", "id", "state", "made", "execution")))
    for one in found:
        table.add_row(one.kind, one.id, one.state, f"{one.made_at:%Y-%m-%d %H:%M:%S}", one.execution)
    Console().print(table)
