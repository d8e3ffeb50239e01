"""Fixtures that all tests share: a real emulator on a free port."""

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import settings as hypothesis_settings

from tests.clients import selection
from tests.matrix import points

# How long an example takes says how busy the machine is.
hypothesis_settings.register_profile("house", deadline=None)
hypothesis_settings.load_profile("house")

Answer = TypeVar("Answer")

# flytekit leaves directories wherever temporary files go: for the tests and what they start, a place that is removed.
# pytest's own stay where they are, so that those of failed tests can be looked at.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
SCRATCH = tempfile.mkdtemp(prefix="smfs-tests-")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
os.environ["TMPDIR"] = tempfile.tempdir = SCRATCH

# Where these are ignored (under nohup, in the background of a script) all that the tests start would ignore them, too.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGQUIT, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    points.configure(config)
    selection.configure(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    points.select(config, items)
    selection.select(config, items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    points.try_one(item)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in (*points.told(terminalreporter), *selection.told(terminalreporter)):
        terminalreporter.write_line(line)


def run_emulator(*arguments: str) -> str:
    """Run one of the emulator's commands and return what it printed."""
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator", *arguments]
    return subprocess.run(command, check=True, text=True, capture_output=True, timeout=120).stdout


@dataclass
class Emulator:
    """A running emulator and how to reach it."""

    state: Path
    env: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> "Emulator":
        """Start it and return when it is ready."""
        run_emulator("start", "--detach", "--state", str(self.state), "--port", "0", *arguments)
        self.env = json.loads(run_emulator("env", "--json", "--state", str(self.state)))
        return self

    def stop(self) -> None:
        """Stop it; fails if a process of it is left."""
        run_emulator("stop", "--state", str(self.state))

    @property
    def server(self) -> dict[str, Any]:
        """What the server says of itself: pid, ports, URLs."""
        return dict(json.loads((self.state / "server.json").read_text()))

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of the emulator. It does not retry unless told to."""
        name = f"AWS_ENDPOINT_URL_{service.upper()}"
        return boto3.client(
            service,
            endpoint_url=self.env.get(name, self.env["AWS_ENDPOINT_URL"]),
            region_name=config.pop("region_name", self.env["AWS_REGION"]),
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 0}, **config),
        )

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The AWS calls received after number ``since``."""
        return list(self.admin("GET", f"calls?since={since}")["calls"])

    def last_call(self) -> int:
        """The number of the latest call."""
        return max((call["seq"] for call in self.calls()), default=0)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Make these faults happen, and no others."""
        self.admin("PUT", "faults", list(faults))

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings; returns all of them."""
        return self.admin("PUT", "settings", changes)

    @contextlib.contextmanager
    def changed_settings(self, **changes: Any) -> Iterator[None]:
        """Within, the settings are changed; afterwards they are as before."""
        before = self.settings()
        self.settings(**changes)
        try:
            yield
        finally:
            self.settings(**{name: before[name] for name in changes})

    def clock(self, **change: Any) -> dict[str, Any]:
        """Where the emulator's clock stands, after setting it forward (``advance``) or choosing a ``mode``."""
        return self.admin("PUT", "clock", change) if change else self.admin("GET", "clock")

    def processes(self) -> list[dict[str, Any]]:
        """The process groups of jobs that live."""
        return list(self.admin("GET", "processes")["processes"])

    def admin(self, method: str, name: str, document: Any = None) -> dict[str, Any]:
        """Ask the emulator something that is not AWS."""
        body = None if document is None else json.dumps(document).encode()
        with urllib.request.urlopen(self.signed(method, f"/_emulator/{name}", body), timeout=60) as answer:
            return dict(json.load(answer))

    def signed(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        service: str = "emulator",
        region: str | None = None,
    ) -> urllib.request.Request:
        """A plain request to the API's port, signed with the emulator's key."""
        url = f"{self.env['AWS_ENDPOINT_URL']}{path}"
        headers = {name.title(): value for name, value in (headers or {}).items()}
        if body is not None:  # urllib would add one that is not signed
            headers.setdefault("Content-Type", "application/octet-stream")
        asked = AWSRequest(method, url, headers, body or b"")
        keys = Credentials(self.env["AWS_ACCESS_KEY_ID"], self.env["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, service, region or self.env["AWS_REGION"]).add_auth(asked)
        return urllib.request.Request(url, body, dict(asked.headers.items()), method=method)


def wait_for(question: Callable[[], Answer | None], seconds: float = 15.0) -> Answer:
    """Ask until the answer is true; fails after a deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"still not so after {seconds} s: {question}")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator for the whole session, shared: make your own resources and leave its settings as they were."""
    running = Emulator(tmp_path_factory.mktemp("emulator") / "state").start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def own_emulator(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator of the test's own, not yet started: for kills, restarts and settings."""
    mine = Emulator(tmp_path / "state")
    try:
        yield mine
    finally:
        mine.stop()
