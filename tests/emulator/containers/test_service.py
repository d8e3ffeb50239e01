"""A container job that serves: no deadline, ports that it listens at when it is ready, and an end only when asked."""

import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.containers import addresses, environment
from flytekitplugins_smfs.emulator.containers.job import NETWORK, ContainerJob, Host, Software, prepare
from flytekitplugins_smfs.emulator.containers.pip_settings import PipSettings
from flytekitplugins_smfs.emulator.containers.sandbox import Sandbox
from flytekitplugins_smfs.emulator.containers.shared_network import SharedNetwork
from flytekitplugins_smfs.emulator.containers.walls import available
from flytekitplugins_smfs.emulator.store import Store

from .test_sandbox import eventually, finished

SERVE = (
    "import http.server, os, sys, time\n"
    "while not os.path.exists('go'): time.sleep(0.01)\n"
    "http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
)
PORT = 8080


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    (tmp_path / "processes").mkdir()
    return tmp_path / "processes"


@contextmanager
def running(job: ContainerJob, place: str, registry: Path) -> Iterator[Sandbox]:
    """Within, the job's host serves at a place as soon as there is a file ``go``."""
    [host] = job.hosts
    job.files(host.name).mkdir(parents=True)
    software = Software([sys.executable, "-c", SERVE, place, str(PORT)], environment.product())
    spec = prepare(job, software, host, available().namespaces, PipSettings({}, "", [], []))
    sandbox = job.sandbox(host.name, registry)
    spec.write(sandbox.folder.spec)
    assert not job.is_ready(host, registry)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop("Stopped", 0)
        assert finished(sandbox).reason == "Stopped"
    assert not job.is_ready(host, registry)


def test_a_host_is_ready_when_it_listens_at_its_ports(tmp_path: Path, registry: Path) -> None:
    block = addresses.lease(Store(tmp_path / "state.db"), tmp_path, "service", 1)
    host = Host("serving", addresses.address(block, 0))
    job = ContainerJob("service", tmp_path / "service", (host,), "role", ports=(PORT,))
    with running(job, host.address, registry) as sandbox:
        assert not job.is_ready(host, registry)
        (job.files(host.name) / "go").touch()
        eventually(lambda: job.is_ready(host, registry), 30)
        with urllib.request.urlopen(f"http://{host.address}:{PORT}/", timeout=10) as answer:
            assert answer.status == 200
        assert not sandbox.listens(host.address, (PORT, PORT + 1))
        assert not sandbox.listens(addresses.address(block, 1), (PORT,))


@pytest.mark.skipif(not available().networks, reason="this system allows no private network")
def test_a_host_in_a_network_of_its_own_is_ready_too(tmp_path: Path, registry: Path) -> None:
    host = Host("serving", addresses.address(0, 0))
    job = ContainerJob("service", tmp_path / "service", (host,), "role", ports=(PORT,), routes=())
    network = SharedNetwork(tmp_path / "service" / NETWORK, job.name, registry)
    network.folder.write(1, ())
    network.start()
    with running(job, "0.0.0.0", registry):
        assert not job.is_ready(host, registry)
        (job.files(host.name) / "go").touch()
        eventually(lambda: job.is_ready(host, registry), 30)
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://{host.address}:{PORT}/", timeout=3)
    eventually(lambda: not network.alive())
    network.stop()
