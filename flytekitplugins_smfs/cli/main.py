"""The `smfs` command: the emulator, the cluster, what is there and its removal, and the settings in force."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from flytekitplugins_smfs.cli.cluster.commands import cluster
from flytekitplugins_smfs.cli.iam import iam
from flytekitplugins_smfs.values.errors import SmfsError

CONFIG_VARIABLE = "FLYTECTL_CONFIG"
"""Where flytekit looks for the name of its config file."""


class Smfs(click.Group):
    """Shows this package's errors as messages, not as tracebacks."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except SmfsError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Smfs)
@click.option(
    "--config",
    "-c",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The Flyte config file with the section [smfs], as for pyflyte.",
)
@click.version_option(package_name="flytekitplugins-smfs")
def cli(config: Path | None) -> None:
    """SageMaker training over FSx for Lustre from Flyte: what people do by hand."""
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config.absolute())


@cli.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
    short_help="The embedded AWS: start, stop, status, env, reset.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def emulator(arguments: tuple[str, ...]) -> None:
    """Run the emulator's own command line in place of this process."""
    os.execv(sys.executable, [sys.executable, "-m", "flytekitplugins_smfs.emulator", *arguments])


@cli.command()
@click.option("--port", default=8000, show_default=True, help="Where flytepropeller reaches it, by gRPC.")
@click.option("--metrics-port", default=9090, show_default=True, help="Where Prometheus finds its metrics.")
@click.option("--modules", "-m", multiple=True, help="Modules that define more connectors, loaded at the start.")
@click.option("--drain", default=5.0, show_default=True, help="Seconds between being unready and refusing calls.")
def connector(port: int, metrics_port: int, modules: tuple[str, ...], drain: float) -> None:
    """Serve Flyte's connector until SIGTERM: with health that knows AWS, metrics, and a log of JSON lines."""
    try:
        from flytekitplugins_smfs.flyte.serve import serve
    except ModuleNotFoundError as error:
        missing = f"{error.name} is missing: pip install 'flytekitplugins-smfs[connector]'"
        raise click.ClickException(missing) from error
    serve(port, metrics_port, modules, drain)


@cli.command()
def settings() -> None:
    """Show the settings in force and where each comes from."""
    from flytekitplugins_smfs.cli.settings import show

    show()


@cli.command()
@click.argument("execution", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
def ls(execution: str | None, as_json: bool) -> None:
    """List what this package made and that is still there, of every EXECUTION or of one.

    These are file systems, their links, and jobs that have not ended.
    """
    from flytekitplugins_smfs.cli.inventory import show

    show(execution, as_json=as_json)


@cli.command()
@click.argument("execution")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def release(execution: str, yes: bool) -> None:
    """Stop the jobs and remove the file systems, with their links, that EXECUTION made.

    The data behind the links stays in S3.
    """
    from flytekitplugins_smfs.cli.inventory import remove

    remove(execution, ask=not yes)


cli.add_command(cluster)
cli.add_command(iam)


def main() -> None:
    """The console script."""
    cli(prog_name="smfs")
