"""The commands of the emulator: start, stop, status, env and reset."""

import json
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import click

from . import control, environment
from .access import Access
from .containers import walls
from .instance import AlreadyRunning, free_port, is_locked
from .loaded import for_good
from .parent import end_with
from .paths import Paths, default_state
from .settings import Settings

_NOT_RUNNING = 3

_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_state,
    help="State directory. Default: $SMFS_EMULATOR_STATE, or smfs-emulator in $XDG_STATE_HOME or ~/.local/state.",
)


class _Commands(click.Group):
    """Ends with one line when something is refused, such as a directory nobody may write to; tells no passwords."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (OSError, sqlite3.Error, control.Problem) as problem:
            raise click.ClickException(control.redacted(str(problem))) from problem


@click.group(name="emulator", cls=_Commands)
def emulator() -> None:
    """The embedded AWS."""


@emulator.command()
@_state_option
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=0, help="Port on 127.0.0.1; 0 takes the last one, or any."
)
@click.option("--detach", is_flag=True, help="Return when it is ready, and leave it running.")
@click.option("--with-process", type=int, metavar="PID", help="End when this process is gone.")
@click.option("--temporary", is_flag=True, help="Remove the state when it ends.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting, e.g. a delay.")
@click.option("--host-name", "names", multiple=True, metavar="NAME", help="A further name this machine is reached by.")
@click.option("--insecure", is_flag=True, help="Verify no signatures: whoever reaches the port may do anything.")
def start(
    state: Path,
    port: int,
    detach: bool,
    with_process: int | None,
    temporary: bool,
    changes: tuple[str, ...],
    names: tuple[str, ...],
    insecure: bool,
) -> None:
    """Start the embedded AWS. If it is running already, say so; settings are taken by the running one."""
    paths = Paths(state.absolute())
    settings = _parsed(changes)
    access = Access(tuple(name.lower() for name in names), insecure)
    if detach and (with_process or temporary):
        raise click.UsageError("--with-process and --temporary are for a server that is not detached")
    if foreign := paths.foreign():
        raise click.ClickException(f"{paths.state} is not a state directory: it has {', '.join(foreign[:5])}")
    if (server := control.settled(paths)) is not None:
        _already(paths, server, settings, access)
        return
    paths.create()
    if port and free_port(port) != port:
        raise click.ClickException(f"port {port} of 127.0.0.1 is taken; give another, or 0 for any free one")
    if insecure:
        click.echo("signatures are off: whoever reaches its ports may use it", err=True)
    if detach:
        _say("running", paths, control.spawn(paths, _arguments(port, changes, access)))
        return
    click.echo(f"starting on state {paths.state}; end it with Ctrl-C", err=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # until the server has its own way
    if with_process:
        end_with(with_process)
    environment.forget_clients()
    _serve(paths, port or None, settings, access, temporary)


@emulator.command()
@_state_option
def stop(state: Path) -> None:
    """End the server, its S3 server and every job, and verify that they are gone."""
    paths = Paths(state.absolute())
    running = is_locked(paths)
    if remaining := control.stop(paths):
        raise click.ClickException(f"still there: {', '.join(remaining)}")
    click.echo("stopped" if running else "not running")


@emulator.command()
@_state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(state: Path, as_json: bool) -> None:
    """Say whether it runs, and where. Exit code 3 if it does not."""
    paths = Paths(state.absolute())
    server = control.running(paths)
    missing = walls.available().missing()
    document = {"running": server is not None, "state": str(paths.state), "missing_walls": missing, **(server or {})}
    if as_json:
        click.echo(json.dumps(document))
    elif server:
        _say("running", paths, server)
    else:
        click.echo(f"not running (state {paths.state})")
    for line in [] if as_json else missing:
        click.echo(f"jobs run with {line}")
    if server is None:
        sys.exit(_NOT_RUNNING)


@emulator.command()
@_state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def env(state: Path, as_json: bool) -> None:
    """Print what points an unmodified AWS client here, its key too: eval "$(... env)"."""
    paths = Paths(state.absolute())
    if control.running(paths) is None:
        raise click.ClickException(f"no emulator runs on {paths.state}; start one first")
    variables = environment.variables(paths)
    click.echo(json.dumps(variables) if as_json else environment.exports(variables))


@emulator.command()
@_state_option
def reset(state: Path) -> None:
    """Stop it and forget everything: file systems, buckets, jobs, records, keys."""
    paths = Paths(state.absolute())
    if not paths.state.exists():
        click.echo(f"nothing at {paths.state}")
        return
    if remaining := control.stop(paths):
        raise click.ClickException(f"still there: {', '.join(remaining)}")
    paths.remove()
    left = f", except what is not the emulator's: {', '.join(paths.foreign())}" if paths.foreign() else ""
    click.echo(f"removed {paths.state}{left}")


def _serve(paths: Paths, port: int | None, settings: dict[str, str], access: Access, temporary: bool) -> None:
    """Be the server, unless another was quicker."""
    with for_good():
        from .server import serve  # takes long to load, and the other commands do not need it

    while True:
        theirs = False
        try:
            return serve(paths.state, port, settings, access)
        except AlreadyRunning:
            theirs = True
        finally:
            if temporary and not theirs:
                paths.remove()
        if (server := control.settled(paths)) is not None:
            return _already(paths, server, settings, access)


def _already(paths: Paths, server: dict[str, Any], settings: dict[str, str], access: Access) -> None:
    """Say that it runs; have it take the settings, and refuse what only a start can change."""
    _say("already running", paths, server)
    if access.insecure and not server.get("insecure"):
        raise click.ClickException("it runs with signatures on; stop it to start it with --insecure")
    if unknown := sorted(set(access.names) - set(server.get("names", []))):
        raise click.ClickException(
            f"it runs without the name {', '.join(unknown)}; stop it to start it with --host-name"
        )
    if settings:
        control.change_settings(paths, server, settings)
        click.echo(f"it has taken {', '.join(f'{name}={value}' for name, value in settings.items())}")


def _say(how: str, paths: Paths, server: dict[str, Any]) -> None:
    where = f"S3 on {server['s3_url']}, pid {server['pid']}, state {paths.state}"
    click.echo(f"{how} on {server['url']} ({where})" + ("; signatures are off" if server.get("insecure") else ""))


def _arguments(port: int, changes: tuple[str, ...], access: Access) -> list[str]:
    arguments = ["--port", str(port)]
    for option, values in (("--set", changes), ("--host-name", access.names)):
        for value in values:
            arguments += [option, value]
    return [*arguments, "--insecure"] if access.insecure else arguments


def _parsed(changes: tuple[str, ...]) -> dict[str, str]:
    if not changes:
        return {}
    from . import services  # takes longer to load than a start without changes should wait

    pairs = [change.partition("=") for change in changes]
    try:
        Settings(groups=services.settings()).update({name: value for name, _, value in pairs})
    except ValueError as problem:
        raise click.BadParameter(control.redacted(str(problem)), param_hint="--set") from None
    return {name: value for name, _, value in pairs}
