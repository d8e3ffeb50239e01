"""A connector's process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from following.jobs import REGION, ROLE, ROOT


class Connector:
    """A connector's process, and what it used."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = psutil.Process(process.pid)
        self.address = f"127.0.0.1:{port}"

    @property
    def cpu(self) -> float:
        """Seconds of CPU until now."""
        used = self._process.cpu_times()
        return float(used.user + used.system + used.children_user + used.children_system)

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        return float(self._process.memory_info().rss / (1 << 20))


@contextmanager
def connector(url: str, modules: Sequence[str], log: str) -> Iterator[Connector]:
    """A connector that takes `url` for AWS; what it writes is appended to the file `log`."""
    port, metrics = _free_port(), _free_port()
    command = [str(Path(sys.executable).with_name("pyflyte")), "serve", "connector", "--port", str(port)]
    command += ["--prometheus_port", str(metrics), *(part for one in modules for part in ("--modules", one))]
    with tempfile.TemporaryDirectory(prefix="smfs-bench-") as home, Path(log).open("ab") as written:
        environment = _environment(url, home)
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=written, stderr=written)
        try:
            _await(process, port)
            yield Connector(process, port)
        finally:
            process.kill()
            process.wait()


def _environment(url: str, home: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLYTE"))}
    return kept | {
        "HOME": home,
        "PYTHONPATH": str(ROOT),
        "FLYTE_SMFS_ENDPOINT": url,
        "FLYTE_SMFS_REGION": REGION,
        "FLYTE_SMFS_ROLE": ROLE,
        "AWS_ENDPOINT_URL": url,  # the neighbour's
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(process: subprocess.Popen[bytes], port: int, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("The connector did not start; see --log.")
