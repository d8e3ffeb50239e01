"""`smfs settings`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Column, Table

from flytekitplugins_smfs.flyte import config
from flytekitplugins_smfs.values.settings import Settings, without_password


def show() -> None:
    """Print every setting, its value and its source; raise SettingsError when they do not stand."""
    chosen = config.settings()
    given = {source.name: source for source in config.sources()}
    console = Console()
    table = Table("setting", Column("value", overflow="fold"), Column("from", overflow="fold"))
    for name in Settings.model_fields:
        source = given.get(name)
        table.add_row(name, without_password(source.value) if source else "-", source.where if source else "not set")
    console.print(f"AWS is {chosen.described}.")
    console.print(table)
