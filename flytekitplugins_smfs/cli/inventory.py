"""`smfs ls` and `smfs release`."""

from __future__ import annotations

import dataclasses
import json

import click
from rich.console import Console
from rich.table import Column, Table

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.operations.service import Holding
from flytekitplugins_smfs.runs.driver import release


def show(execution: str | None, *, as_json: bool) -> None:
    """Print what is there."""
    aws = _aws()
    found = holdings(aws, execution)
    if as_json:
        for one in found:
            click.echo(json.dumps({**dataclasses.asdict(one), "made_at": one.made_at.isoformat()}))
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
        click.confirm("Stop these jobs, and remove these file systems and links?", abort=True, err=True)
    removed = release(execution, aws.settings)
    for name in removed.removed:
        click.echo(f"Removed {name}")
    left = holdings(aws, execution)
    if left:
        _print(left)
        raise click.ClickException("These are still there.")
    click.echo("Nothing is left.")


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
