"""Keeps the S3 process alive: it ends when this process does, and is started again when it dies."""

import ctypes
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

_READY_SECONDS = 30.0


class Keeper:
    """The S3 server process of a state directory. ``arguments`` are those of ``server.process``."""

    def __init__(self, state: Path, log_file: Path, port: int, arguments: Sequence[str]) -> None:
        self._log_file = log_file
        self._command = [
            sys.executable, "-m", f"{__package__}.server.process", str(state), "--port", str(port), *arguments,
        ]  # fmt: skip
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="s3", daemon=True)

    def start(self) -> None:
        """Start the server. It answers after ``await_ready``."""
        self._keeper.start()

    def await_ready(self) -> None:
        """Return when the server answers. Raises RuntimeError if it does not."""
        if not self._ready.wait(_READY_SECONDS):
            raise RuntimeError(f"the S3 server does not answer on port {self.port}; see {self._log_file}")

    def stop(self) -> None:
        """End the server; it may have been started again a moment ago, so ask until the keeper is done."""
        self._stopping.set()
        while self._keeper.is_alive():
            if self._process is not None:
                self._process.terminate()
            self._keeper.join(0.1)

    def _keep(self) -> None:
        """Run in one thread for the whole life: Linux ends the child with the thread that started it."""
        while not self._stopping.is_set():
            self._process = self._spawn()
            self._await_answer(self._process)
            code = self._process.wait()
            if not self._stopping.is_set():
                log.warning("the S3 server ended with %s; starting it again", code)
                self._stopping.wait(0.2)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self._log_file.open("ab") as output:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def _await_answer(self, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None and not self._stopping.is_set():
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                self._ready.set()
                return


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent's thread ends (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
