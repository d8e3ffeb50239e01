"""Who leaves, or never answers, costs a connection its answer and nothing else."""

import asyncio
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.wire import Arrival, Front, Piece, Reply, relay, run
from flytekitplugins_smfs.emulator.wire.writing import Outlet
from tests.conftest import wait_for

from .conftest import SMALL, Serve, all_of, echo, explain
from .test_front import request, status

_relay = sys.modules["flytekitplugins_smfs.emulator.wire.relay"]  # the package has its function by that name


class Lost(asyncio.Protocol):
    """Says when its connection is gone."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def some() -> AsyncIterator[bytes]:
    yield b"some"


def test_nothing_is_written_to_a_client_who_is_gone(tmp_path: Path) -> None:
    tmp_path.joinpath("file").write_bytes(b"content")

    async def scene() -> None:
        here, there = socket.socketpair()
        with there:
            transport, protocol = await asyncio.get_running_loop().create_connection(Lost, sock=here)
            transport.abort()
            await protocol.lost.wait()
            outlet = Outlet(transport, 1)
            descriptor = os.open(tmp_path / "file", os.O_RDONLY)
            try:
                with pytest.raises(ConnectionResetError):
                    await outlet.file(b"head", Piece(descriptor, 0, 7))
            finally:
                os.close(descriptor)
            with pytest.raises(ConnectionResetError):
                await outlet.stream(b"head", some())

    run(scene())


def test_who_leaves_before_it_is_told_to_go_on_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    begun, tried = asyncio.Event(), asyncio.Event()

    async def handler(arrival: Arrival) -> Reply:
        begun.set()
        while front.open:
            await asyncio.sleep(0.01)
        try:
            return await echo(arrival)
        finally:
            tried.set()

    front = Front(handler, explain)

    async def scene() -> None:
        await front.start(0)
        with socket.create_connection(("127.0.0.1", front.port)) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing it is a reset
            made.sendall(request(b"PUT / HTTP/1.1", b"Expect: 100-continue", b"Content-Length: 4"))
            await begun.wait()
        await asyncio.wait_for(tried.wait(), 10)
        await front.close()

    run(scene())
    assert not caplog.records


def test_a_server_behind_that_never_answers_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_relay, "_MOST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        async def handler(arrival: Arrival) -> Reply:
            return await relay(arrival, port)

        assert status(serve(handler).ask(request(b"PUT / HTTP/1.1", b"Content-Length: 4", body=b"body"))) == 503


def test_who_comes_when_all_places_are_taken_is_turned_away(serve: Serve) -> None:
    running = serve(limits=replace(SMALL, connections=2, idle_seconds=60))
    with running.connection() as one, running.connection() as two:
        for made in (one, two):
            made.sendall(request(b"GET / HTTP/1.1"))
            assert status(made.recv(1000)) == 200
        with running.connection() as third:
            assert all_of(third) in (b"", b"<reset>")
        two.close()
        wait_for(lambda: running.front.open == 1)
        assert status(running.ask(request(b"GET / HTTP/1.1"))) == 200
        one.sendall(request(b"GET / HTTP/1.1"))
        assert status(one.recv(1000)) == 200


def test_a_server_may_open_as_many_files_as_the_system_lets_it() -> None:
    script = (
        "import asyncio, resource as r\n"
        "r.setrlimit(r.RLIMIT_NOFILE, (100, 2000))\n"
        "from flytekitplugins_smfs.emulator.wire import run\n"
        "run(asyncio.sleep(0))\n"
        "print(r.getrlimit(r.RLIMIT_NOFILE))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "(2000, 2000)\n"
