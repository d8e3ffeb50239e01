"""The commands of `smfs cluster`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO

import click
import yaml

from flytekitplugins_smfs.cli.cluster import charts
from flytekitplugins_smfs.cli.cluster.config import STOCK_RATE, Choices, propeller
from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.plain import Json, Record


@click.group()
def cluster() -> None:
    """What a Flyte installation has to be told about these tasks, and whether it was."""


@cluster.command()
@click.option("--for", "chart", type=click.Choice(list(charts.PLACES)), default=charts.PLAIN, show_default=True)
@click.option("--endpoint", default=Choices.endpoint, show_default=True, help="The connector, seen from propeller.")
@click.option("--resync", default=Choices.resync, show_default=True, help="How often propeller asks about a task.")
@click.option("--timeout", default=Choices.timeout, show_default=True, help="How long a call may take.")
@click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="For the pods of Python tasks.")
@click.option("--in-flight", type=int, default=0, metavar="N", help="Tasks under way at the same time.")
@click.option(
    "--values",
    "present",
    type=click.File(encoding="utf-8"),
    help="The installation's own values, whose lists are kept (`helm get values --all`); `-` reads them from stdin.",
)
def config(
    chart: str,
    endpoint: str,
    resync: str,
    timeout: str,
    variables: tuple[str, ...],
    in_flight: int,
    present: IO[str] | None,
) -> None:
    """Print flytepropeller's configuration, or a Helm chart's values for it.

    Helm takes the values after the installation's own: `helm upgrade ... -f own.yaml -f smfs.yaml`.
    """
    choices = Choices(endpoint, resync, timeout, _variables(variables), in_flight)
    found = _mapping(present) if present else None
    if found is None and chart != charts.PLAIN:
        click.echo(
            "The lists in here are put in the place of the installation's own: enabled-plugins, default-env-vars, "
            "supportedTaskTypes. Give its values with --values to keep what is in them.",
            err=True,
        )
    if not in_flight:
        most = int(STOCK_RATE * _seconds(resync))
        click.echo(f"Enough for {most} tasks under way at the same time; --in-flight N for more.", err=True)
    click.echo(written(charts.values(propeller(task_types(), choices), chart, found)), nl=False)


@cluster.command()
@click.option("--connector", metavar="HOST:PORT", help="Ask a connector what it serves.")
@click.option(
    "--endpoint", metavar="HOST:PORT", help="Ask a flyteadmin; without it the one of the config file, if any."
)
@click.option("--insecure", is_flag=True, help="The flyteadmin at --endpoint speaks without TLS.")
@click.option("--project", "-p", default="flytesnacks", show_default=True)
@click.option("--domain", "-d", default="development", show_default=True)
@click.option(
    "--values",
    "present",
    type=click.File(encoding="utf-8"),
    help="A chart's values, propeller's ConfigMap (`kubectl get configmap -o yaml`) or its own file; `-` is stdin.",
)
@click.option("--probe", is_flag=True, help="Register a task that ends at once, and run it.")
@click.pass_context
def check(
    context: click.Context,
    connector: str | None,
    endpoint: str | None,
    insecure: bool,
    project: str,
    domain: str,
    present: IO[str] | None,
    probe: bool,
) -> None:
    """Say what an installation lacks. Ends with 1 when anything is wrong.

    Neither flyteadmin nor propeller tells its configuration: give it with --values, or try it with --probe.
    """
    from flytekitplugins_smfs.cli.cluster.checking import Asked, found

    asked = Asked(connector, endpoint, insecure, project, domain, present.read() if present else None, probe)
    wrong = 0
    for finding in found(asked, task_types()):
        click.echo(str(finding))
        wrong += finding.wrong
    if wrong:
        context.exit(1)


def task_types() -> tuple[str, ...]:
    """Every task type that the connector serves."""
    from flytekitplugins_smfs.operations import catalog

    return tuple(f"smfs-{name}" for name in catalog.names())


def written(config: Record) -> str:
    """A configuration as YAML, in the order in which it was made."""
    return yaml.safe_dump(dict(config), sort_keys=False, width=110, allow_unicode=True)


def _seconds(text: str) -> float:
    from flytekitplugins_smfs.cli.cluster.durations import seconds

    return seconds(text)


def _variables(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, sign, _ in pairs if not (sign and name)]:
        raise SmfsError(f"--env takes NAME=VALUE; {wrong[0]!r} is none.")
    return {name: value for name, _, value in pairs}


def _mapping(file: IO[str]) -> Json:
    try:
        found = yaml.safe_load(file)
    except yaml.YAMLError as error:
        raise SmfsError(f"{Path(file.name).name} is no YAML: {error}") from error
    if not isinstance(found, Mapping):
        raise SmfsError(f"{Path(file.name).name} holds no values.")
    return dict(found)
