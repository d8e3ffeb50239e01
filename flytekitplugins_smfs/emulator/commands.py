"""The commands of the emulator: start, stop, status, env and reset."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import psutil

from . import processes
from .instance import AlreadyRunning, free_port, is_locked, read_server_file
from .parent import end_with
from .paths import Paths
from .settings import Settings

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_NOT_RUNNING = 3


def default_state() -> Path:
    """``$SMFS_EMULATOR_STATE``, or ``~/.local/state/smfs-emulator``."""
    return Path(os.environ.get("SMFS_EMULATOR_STATE") or Path.home() / ".local/state/smfs-emulator")


_state_option = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_state,
    help="State directory. Default: $SMFS_EMULATOR_STATE or ~/.local/state/smfs-emulator.",
)


class _Commands(click.Group):
    """Ends with one line when the system refuses something, such as a directory nobody may write to."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as problem:
            raise click.ClickException(str(problem)) from problem


@click.group(name="emulator", cls=_Commands)
def emulator() -> None:
    """The embedded AWS."""


@emulator.command()
@_state_option
@click.option("--port", type=int, default=0, help="Port on 127.0.0.1; 0 takes the last one, or any free one.")
@click.option("--detach", is_flag=True, help="Return when it is ready, and leave it running.")
@click.option("--with-process", type=int, metavar="PID", help="End when this process is gone.")
@click.option("--temporary", is_flag=True, help="Remove the state when it ends.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting, e.g. a delay.")
def start(
    state: Path, port: int, detach: bool, with_process: int | None, temporary: bool, changes: tuple[str, ...]
) -> None:
    """Start the embedded AWS. If it is running already, say so."""
    paths = Paths(state.absolute())
    settings = _parsed(changes)
    if detach and (with_process or temporary):
        raise click.UsageError("--with-process and --temporary are for a server that is not detached")
    if foreign := paths.foreign():
        raise click.ClickException(f"{paths.state} is not a state directory: it has {', '.join(foreign[:5])}")
    if is_locked(paths):
        server = _wait_ready(paths, None)
        click.echo(f"already running on {server['url']} (pid {server['pid']}, state {paths.state})")
        return
    paths.create()
    if port and free_port(port) != port:
        raise click.ClickException(f"port {port} of 127.0.0.1 is taken; give another, or 0 for any free one")
    if detach:
        server = _spawn(paths, port, changes)
        click.echo(f"running on {server['url']} (S3 on {server['s3_url']}, pid {server['pid']}, state {paths.state})")
        return
    from .server import serve  # takes long to load, and the other commands do not need it

    click.echo(f"starting on state {paths.state}; end it with Ctrl-C", err=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # until the server has its own way
    if with_process:
        end_with(with_process)
    try:
        serve(paths.state, port or None, settings)
    except AlreadyRunning:
        temporary = False
        server = _wait_ready(paths, None)
        click.echo(f"already running on {server['url']} (pid {server['pid']}, state {paths.state})")
    finally:
        if temporary:
            paths.remove()


@emulator.command()
@_state_option
def stop(state: Path) -> None:
    """End the server, its S3 server and every job, and verify that they are gone."""
    paths = Paths(state.absolute())
    running = is_locked(paths)
    remaining = _stop(paths)
    if remaining:
        raise click.ClickException(f"still there: {', '.join(remaining)}")
    click.echo("stopped" if running else "not running")


@emulator.command()
@_state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(state: Path, as_json: bool) -> None:
    """Say whether it runs, and where. Exit code 3 if it does not."""
    paths = Paths(state.absolute())
    server = _running(paths)
    document = {"running": server is not None, "state": str(paths.state), **(server or {})}
    if as_json:
        click.echo(json.dumps(document))
    elif server:
        click.echo(f"running on {server['url']} (S3 on {server['s3_url']}, pid {server['pid']}, state {paths.state})")
    else:
        click.echo(f"not running (state {paths.state})")
    if server is None:
        sys.exit(_NOT_RUNNING)


@emulator.command()
@_state_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def env(state: Path, as_json: bool) -> None:
    """Print what points an unmodified AWS client here: eval "$(... env)"."""
    paths = Paths(state.absolute())
    server = _running(paths)
    if server is None:
        raise click.ClickException(f"no emulator runs on {paths.state}; start one first")
    variables = environment(server, Settings.load(paths.settings))
    if as_json:
        click.echo(json.dumps(variables))
    else:
        click.echo("\n".join(f"export {name}={value}" for name, value in variables.items()))


@emulator.command()
@_state_option
def reset(state: Path) -> None:
    """Stop it and forget everything: file systems, buckets, jobs, records."""
    paths = Paths(state.absolute())
    if not paths.state.exists():
        click.echo(f"nothing at {paths.state}")
        return
    remaining = _stop(paths)
    if remaining:
        raise click.ClickException(f"still there: {', '.join(remaining)}")
    paths.remove()
    left = f", except what is not the emulator's: {', '.join(paths.foreign())}" if paths.foreign() else ""
    click.echo(f"removed {paths.state}{left}")


def environment(server: dict[str, Any], settings: Settings) -> dict[str, str]:
    """The variables that point AWS clients at a running server."""
    return {
        "AWS_ENDPOINT_URL": server["url"],
        "AWS_ENDPOINT_URL_S3": server["s3_url"],
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_REGION": settings.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _parsed(changes: tuple[str, ...]) -> dict[str, str]:
    from . import services  # takes longer to load than the other commands need

    pairs = [change.partition("=") for change in changes]
    try:
        Settings(groups=services.settings()).update({name: value for name, _, value in pairs})
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--set") from None
    return {name: value for name, _, value in pairs}


def _spawn(paths: Paths, port: int, changes: tuple[str, ...]) -> dict[str, Any]:
    """Start a server in a session of its own and wait until it is ready."""
    command = [sys.executable, "-m", __package__, "start", "--state", str(paths.state), "--port", str(port)]
    for change in changes:
        command += ["--set", change]
    with paths.log.open("ab") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
        )
    return _wait_ready(paths, child)


def _wait_ready(paths: Paths, child: "subprocess.Popen[bytes] | None") -> dict[str, Any]:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (server := _running(paths)) is not None:
            return server
        if child is not None and child.poll() not in (None, 0):
            break
        time.sleep(0.02)
    tail = paths.log.read_text(errors="replace")[-2000:] if paths.log.exists() else ""
    raise click.ClickException(f"it did not become ready; end of {paths.log}:\n{tail}")


def _running(paths: Paths) -> dict[str, Any] | None:
    """What the server says of itself if it holds the state directory and answers."""
    server = read_server_file(paths)
    if not server or not psutil.pid_exists(server["pid"]):
        return None
    try:
        with urllib.request.urlopen(f"{server['url']}/_emulator/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return server if health["pid"] == server["pid"] and health["state"] == str(paths.state) else None


def _stop(paths: Paths) -> list[str]:
    """End everything of a state directory. Returns what could not be ended."""
    server = read_server_file(paths)
    remaining = []
    if is_locked(paths) and not _end_server(paths, int(server.get("pid", 0))):
        remaining.append(f"server {server.get('pid')}")
    remaining += [f"{group.name} (pid {group.pid})" for group in processes.kill_all(paths.processes)]
    return remaining


def _end_server(paths: Paths, pid: int) -> bool:
    """End the server and its children; True when all are gone and the state directory is free."""
    if not pid:
        return False
    family = _family(pid)

    def over() -> bool:
        return not is_locked(paths) and all(processes.has_ended(process) for process in family)

    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        if _until(over):
            return True
    return False


def _family(pid: int) -> list[psutil.Process]:
    try:
        server = psutil.Process(pid)
        return [server, *server.children()]
    except psutil.NoSuchProcess:
        return []


def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False
