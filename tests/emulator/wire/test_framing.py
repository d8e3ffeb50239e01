"""What frames a request (headers, chunks, trailers) is read strictly, bounded, and each request has its time."""

import socket
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from flytekitplugins_smfs.emulator.wire import Arrival, Reply, reply

from .conftest import SMALL, Serve, all_of
from .test_front import request, status


def test_blanks_around_a_header_are_none_of_it(serve: Serve) -> None:
    async def handler(arrival: Arrival) -> Reply:
        return reply(200, f"{arrival.length}|{arrival.header('a')}".encode(), method=arrival.method)

    sent = request(b"PUT / HTTP/1.1", b"Content-Length: 4 \t", b"A: \tb c \t ", body=b"body")
    assert serve(handler).ask(sent).endswith(b"\r\n\r\n4|b c")


def test_each_of_several_requests_has_its_time(serve: Serve) -> None:
    one = request(b"GET / HTTP/1.1")
    with serve().connection() as made:
        for piece in (one[:9], one[9:] + one[:9], one[9:] + one[:9], one[9:]):
            made.sendall(piece)
            time.sleep(SMALL.header_seconds * 0.6)  # each alone is in time
        made.shutdown(socket.SHUT_WR)
        assert all_of(made).count(b"GET|/|") == 3


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ((b"Content-Length: 4",), b"body", 400),
        ((b"Transfer-Encoding: chunked",), b"4\r\nbody\r\n0\r\n\r\n", 400),
        ((b"Content-Length: 0",), b"", 200),
        ((), b"", 200),
    ],
)
def test_an_upgrade_is_ignored_and_never_costs_a_body(
    serve: Serve, headers: tuple[bytes, ...], body: bytes, expected: int
) -> None:
    upgrade = (b"Connection: Upgrade", b"Upgrade: websocket")
    assert status(serve().ask(request(b"PUT / HTTP/1.1", *upgrade, *headers, body=body))) == expected


@pytest.mark.parametrize("begin", [b"4\r\nbody\r\n0\r\nA: ", b"4\r\nbody\r\n4;a="], ids=["trailer", "extension"])
def test_what_a_body_is_framed_with_has_a_bound(serve: Serve, begin: bytes) -> None:
    with serve(limits=replace(SMALL, read_seconds=60, whole_seconds=60)).connection() as made:
        made.sendall(request(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked", body=begin))
        sent = 0
        try:
            while sent < 100_000:
                sent += made.send(b"a" * 1000)
                made.settimeout(0.01)
                with suppress(TimeoutError):
                    assert status(made.recv(1000)) == 400
                    break
        except ConnectionError:
            pass
    assert sent < 100_000


def test_many_small_chunks_are_no_headers(serve: Serve) -> None:
    with serve().connection() as made:
        made.sendall(request(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked", b"Connection: close"))
        for _ in range(200):
            made.sendall(b"4;" + b"a" * 500 + b"\r\n")
            made.sendall(b"body\r\n")
        made.sendall(b"0\r\n\r\n")
        assert all_of(made).endswith(b"PUT|/|" + b"body" * 200)
