"""A state directory's server, from outside: whether it runs, how it is started, asked and ended."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from . import processes
from .instance import holder, is_locked, read_server_file
from .paths import Paths
from .signatures import Keys

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)")


class Problem(Exception):
    """Something that the user is told in one line."""


def running(paths: Paths) -> dict[str, Any] | None:
    """What the server says of itself if it holds the state directory and answers."""
    server = read_server_file(paths)
    if not server or not psutil.pid_exists(server["pid"]):
        return None
    try:
        with urllib.request.urlopen(f"{server['url']}/_emulator/health", timeout=5) as answer:
            health = json.load(answer)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return server if health.get("pid") == server["pid"] and health.get("state") == str(paths.state) else None


def spawn(paths: Paths, arguments: list[str]) -> dict[str, Any]:
    """Start a server in a session of its own and wait until it is ready."""
    command = [sys.executable, "-m", __package__, "start", "--state", str(paths.state), *arguments]
    with paths.log.open("ab") as output:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
        )
    return wait_ready(paths, child)


def wait_ready(paths: Paths, child: "subprocess.Popen[bytes] | None" = None) -> dict[str, Any]:
    """What the server says of itself once it answers. Raises Problem with the end of its log if it does not."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if (server := running(paths)) is not None:
            return server
        if child is not None and child.poll() not in (None, 0):
            break
        time.sleep(0.02)
    raise _unready(paths)


def settled(paths: Paths) -> dict[str, Any] | None:
    """What the server says of itself that has the state directory, once it answers; None if there is none.

    One that was killed may have it for a moment more: that is waited for. Raises Problem as ``wait_ready`` does.
    """
    deadline = time.monotonic() + _START_SECONDS
    while is_locked(paths):
        if (server := running(paths)) is not None:
            return server
        if time.monotonic() > deadline:
            raise _unready(paths)
        time.sleep(0.02)
    return None


def change_settings(paths: Paths, server: dict[str, Any], changes: dict[str, Any]) -> None:
    """Have a running server take settings. Raises Problem if it does not."""
    from botocore.auth import SigV4Auth  # takes longer to load than the other commands need
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    keys = Keys(paths.keys)
    key = keys.own()
    keys.close()
    url = f"{server['url']}/_emulator/settings"
    asked = AWSRequest("PUT", url, {"Content-Type": "application/json"}, json.dumps(changes).encode())
    if key is not None:
        SigV4Auth(Credentials(key.id, key.secret), "emulator", "us-east-1").add_auth(asked)
    request = urllib.request.Request(url, asked.body, dict(asked.headers.items()), method="PUT")
    try:
        urllib.request.urlopen(request, timeout=20).close()
    except urllib.error.HTTPError as refused:
        raise Problem(f"it did not take the settings: {refused.read().decode(errors='replace')}") from None


def stop(paths: Paths) -> list[str]:
    """End everything of a state directory. Returns what could not be ended."""
    remaining = []
    if is_locked(paths) and not _end_server(paths):
        remaining.append(f"server {holder(paths) or ''}".strip())
    remaining += [f"{group.name} (pid {group.pid})" for group in processes.kill_all(paths.processes)]
    return remaining


def redacted(text: str) -> str:
    """A text without the passwords of the URLs in it."""
    return _PASSWORD.sub("***", text)


def _unready(paths: Paths) -> Problem:
    tail = paths.log.read_text(errors="replace")[-2000:] if paths.log.exists() else ""
    return Problem(f"it did not become ready; end of {paths.log}:\n{tail}")


def _end_server(paths: Paths) -> bool:
    """End the server and its children; True when all are gone and the state directory is free."""
    pid = holder(paths)
    if pid is None:
        return _until(lambda: not is_locked(paths))
    family = _family(pid)

    def over() -> bool:
        return not is_locked(paths) and all(processes.has_ended(process) for process in family)

    for how in (signal.SIGTERM, signal.SIGKILL):
        if holder(paths) == pid:
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
