"""The server process of an ``Emulator``: a child that ends with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from .. import processes
from ..instance import is_locked, read_server_file
from ..paths import Paths
from .admin import EmulatorError

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_LOOK_SECONDS = 0.01


class ServerProcess:
    """One run of the server on one state directory."""

    def __init__(self, paths: Paths, port: int, changes: Mapping[str, object], temporary: bool) -> None:
        """``changes`` are settings to start with; a ``temporary`` state is removed by the server when it ends."""
        self._paths = paths
        self._owner = os.getpid()
        command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", "start", "--state", str(paths.state)]
        command += ["--port", str(port), "--with-process", str(self._owner), *(["--temporary"] if temporary else [])]
        for name, value in changes.items():
            command += ["--set", f"{name}={value}"]
        with paths.log.open("ab") as output:
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd="/"
            )

    def await_ready(self) -> None:
        """Return when the server answers. Raises EmulatorError if it ended or is late."""
        deadline = time.monotonic() + _START_SECONDS
        while read_server_file(self._paths).get("pid") != self._child.pid:
            if self._child.poll() is not None or time.monotonic() > deadline:
                log = self._paths.log
                tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
                self._end()
                raise EmulatorError(f"the embedded AWS did not start on {self._paths.state}:\n{tail}")
            time.sleep(_LOOK_SECONDS)

    def stop(self) -> None:
        """End the server and its jobs. Raises EmulatorError if something is left. In a forked process, nothing."""
        if os.getpid() != self._owner:
            return
        self._end()
        left = [f"{group.name} (pid {group.pid})" for group in processes.kill_all(self._paths.processes)]
        if is_locked(self._paths):
            left.append(f"server {self._child.pid}")
        if left:
            raise EmulatorError(f"still there: {', '.join(left)}")

    def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._child.send_signal(number)
            try:
                self._child.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
