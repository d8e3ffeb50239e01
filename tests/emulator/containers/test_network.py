"""Networks that hosts share: what they reach, and when it ends."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.containers import relay
from flytekitplugins_smfs.emulator.containers.detached import NotStarted
from flytekitplugins_smfs.emulator.containers.network import bind_beside
from flytekitplugins_smfs.emulator.containers.routes import Route, places, routes
from flytekitplugins_smfs.emulator.containers.sandbox import Sandbox
from flytekitplugins_smfs.emulator.containers.shared_network import SharedNetwork
from flytekitplugins_smfs.emulator.containers.spec import ProcessSpec
from flytekitplugins_smfs.emulator.containers.walls import available, readable

from .test_sandbox import eventually, finished, texts

private_only = pytest.mark.skipif(not available().networks, reason="this system allows no private network")
Network = Callable[..., SharedNetwork]
TALK = (
    "import socket, sys\n"
    "with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as s:\n"
    "    s.sendall(b'x' * 3000000); s.shutdown(socket.SHUT_WR)\n"
    "    print(len(b''.join(iter(lambda: s.recv(65536), b''))))\n"
)
"""Sends, says that it is done, and counts what comes back."""


def test_urls_become_routes() -> None:
    found = routes(
        [
            "http://127.0.0.1:4566",
            "http://s3.localhost:4567/bucket",
            "https://me@pypi.org/simple",
            "https://pypi.org/other",
            "http://pypi.org:8080",
            "https://files.example",
            "http://10.1.2.3:3128",
            "/opt/wheels",
            "no-url",
            "http://[::1]:80",
            "http://bad:port",
            "ftp://old.example",
        ]
    )
    assert found == (
        Route("127.0.0.1", 4566, "127.0.0.1"),
        Route("s3.localhost", 4567, "127.0.0.1"),
        Route("pypi.org", 443, "127.255.0.3"),
        Route("pypi.org", 8080, "127.255.0.3"),
        Route("files.example", 443, "127.255.0.4"),
        Route("10.1.2.3", 3128, "10.1.2.3"),
    )
    assert [route.host for route in found if route.named] == ["s3.localhost", "pypi.org", "pypi.org", "files.example"]


def test_names_of_one_server_share_its_place() -> None:
    found = routes(["http://localhost:3128", "http://127.0.0.1:3128", "http://s3.localhost:3128", "http://127.0.0.1:1"])
    assert [route.host for route in found] == ["localhost", "127.0.0.1", "s3.localhost", "127.0.0.1"]
    assert places(found) == (Route("localhost", 3128, "127.0.0.1"), Route("127.0.0.1", 1, "127.0.0.1"))


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that answers with what it was sent once that is complete."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"".join(iter(partial(connection.recv, 65536), b"")))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    (tmp_path / "processes").mkdir()
    made = []

    def make(hosts: int, *ways: Route) -> SharedNetwork:
        found = SharedNetwork(tmp_path / ("long" * 40) / "network", "job", tmp_path / "processes")
        found.folder.write(hosts, ways)
        found.start()
        made.append(found)
        return found

    yield make
    for found in made:
        found.stop()


def run(network: SharedNetwork, tmp_path: Path, name: str, script: str) -> list[str]:
    """A host's output when it has ended."""
    (tmp_path / name).mkdir()
    environment = {"PATH": os.environ["PATH"], "TALK": TALK}
    image = [sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1])]
    spec = ProcessSpec(["sh", "-c", script], environment, "/", readable=readable(image), joins=str(network.folder.path))
    sandbox = Sandbox(tmp_path / name, name, tmp_path / "processes")
    spec.write(sandbox.folder.spec)
    sandbox.start()
    outcome = finished(sandbox)
    return [*texts(sandbox), *([outcome.error] if outcome.error else [])]


@private_only
def test_connections_are_carried_to_where_a_route_leads(network: Network, tmp_path: Path, echo: int) -> None:
    ways = [Route("127.0.0.1", echo, at) for at in ("127.0.0.1", "127.255.0.1", "10.1.2.3")]
    ways.append(Route("127.0.0.1", 1, "127.255.0.2"))  # nobody listens there
    talk = "".join(f'{sys.executable} -Ic "$TALK" {way.address} {way.port} 2>&1 | tail -1;' for way in ways)
    lines = run(network(1, *ways), tmp_path, "host", talk)
    assert lines[:3] == ["3000000"] * 3
    assert "Error" in lines[3]


@private_only
def test_it_ends_when_all_its_hosts_have(network: Network, tmp_path: Path) -> None:
    shared = network(2)
    records = tmp_path / "processes"
    assert run(shared, tmp_path, "one", "echo done") == ["done"]
    assert len(list(records.iterdir())) == 1  # it waits for the other
    assert run(shared, tmp_path, "two", "echo done") == ["done"]
    eventually(lambda: not shared.alive())
    shared.stop()
    assert list(records.iterdir()) == []
    [refused] = run(shared, tmp_path, "three", "echo done")
    assert refused.startswith("the job's network is not there")


def test_hosts_may_live_longer_than_it_waits_for_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(relay, "_WAITING_SECONDS", 0.2)

    async def scene() -> None:
        door = bind_beside(tmp_path / "socket")
        with door, socket.socket(socket.AF_UNIX) as host, socket.socket(socket.AF_UNIX) as late:
            running = asyncio.create_task(relay.Relay(2, []).run(door, []))
            await asyncio.to_thread(host.connect, str(tmp_path / "socket"))
            assert await asyncio.to_thread(host.recv, 1) == b"x"
            done, _ = await asyncio.wait([running], timeout=0.6)
            assert not done  # it lives, and the other one may still come
            await asyncio.to_thread(late.connect, str(tmp_path / "socket"))
            assert await asyncio.to_thread(late.recv, 1) == b"x"
            host.close()
            late.close()
            await asyncio.wait_for(running, 5)

    asyncio.run(scene())


def test_it_does_not_wait_for_ever_for_hosts_that_never_come(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(relay, "_WAITING_SECONDS", 0.1)
    with bind_beside(tmp_path / "socket") as door:
        asyncio.run(asyncio.wait_for(relay.Relay(1, []).run(door, []), 5))


@private_only
def test_a_place_that_is_taken_fails_by_name(network: Network) -> None:
    with pytest.raises(NotStarted):
        network(1, Route("127.0.0.1", 80, "127.0.0.1"), Route("127.0.0.1", 80, "127.0.0.1"))
