"""Nothing sent to a front stops it: each request is answered in AWS's manner or its connection closed in time."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flytekitplugins_smfs.emulator.wire import Arrival, Hangup, Limits, Reply, reply
from tests.conftest import wait_for

from .conftest import SMALL, Running, Serve, all_of

HOST = b"Host: localhost\r\n"


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([line, b"Host: localhost", *headers, b"", body])


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1."), answer
    return int(answer[9:12])


def test_an_answer_has_a_date_an_id_and_no_cors(serve: Serve) -> None:
    answer = serve().ask(request(b"PUT /a%20b//../c?d HTTP/1.1", b"Content-Length: 4", body=b"body"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) == 200
    assert body == b"PUT|/a%20b//../c?d|body"  # as it was sent
    names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    assert names.count(b"date") == names.count(b"x-amzn-requestid") == names.count(b"content-length") == 1
    assert not [name for name in names if name.startswith(b"access-control")]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (request(b"GET / HTTP/1.1", b"Origin: http://evil.example"), b"AccessDenied"),
        (request(b"OPTIONS / HTTP/1.1", b"Origin: null", b"Access-Control-Request-Method: PUT"), b"AccessDenied"),
        (request(b"POST / HTTP/1.1", b"Sec-Fetch-Site: cross-site", b"Content-Length: 1", body=b"a"), b"AccessDenied"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"AccessDenied"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"AccessDenied"),
        (b"GET / HTTP/1.0\r\n\r\n", b"AccessDenied"),
    ],
)
def test_a_browsers_page_is_refused(serve: Serve, sent: bytes, code: bytes) -> None:
    answer = serve().ask(sent)
    assert status(answer) == 403 or b"BadRequest" in answer
    assert code in answer or b"BadRequest" in answer
    assert b"access-control" not in answer.lower()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"G@T / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (request(b"GET / HTTP/1.1", b"A: " + b"a" * 5000), 400),
        (request(b"GET / HTTP/1.1", *(b"A%d: b" % n for n in range(50))), 400),
        (request(b"PUT / HTTP/1.1", b"Content-Length: -1"), 400),
        (request(b"PUT / HTTP/1.1", b"Content-Length: 1e3"), 400),
        (request(b"PUT / HTTP/1.1", b"Content-Length: 5", b"Content-Length: 6", body=b"abcdef"), 400),
        (request(b"PUT / HTTP/1.1", b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), 400),
        (request(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"zz\r\nabc\r\n0\r\n\r\n"), 400),
        (request(b"PUT / HTTP/1.1", b"Content-Length: 20000", body=b"a" * 20000), 413),
        (request(b"PUT / HTTP/1.1", b"Content-Length: 99999999999999999999", body=b"a"), 400),
        (
            request(
                b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"4e20\r\n" + b"a" * 20000 + b"\r\n0\r\n\r\n"
            ),
            413,
        ),
        (request(b"PUT / HTTP/1.1", b"Expect: a-miracle", b"Content-Length: 1", body=b"a"), 417),
        (request(b"PUT / HTTP/1.1", b"Content-Length: 5", body=b"ab"), 400),  # and no more
    ],
)
def test_what_is_ill_made_is_an_error_of_the_client(serve: Serve, sent: bytes, expected: int) -> None:
    running = serve()
    answer = running.ask(sent)
    assert status(answer) == expected
    assert b"Traceback" not in answer
    assert b"aiohttp" not in answer.lower()
    assert status(running.ask(request(b"GET / HTTP/1.1", b"Connection: close"))) == 200


def test_expect_is_answered_before_the_body(serve: Serve) -> None:
    with serve().connection() as made:
        made.sendall(request(b"PUT / HTTP/1.1", b"Expect: 100-continue", b"Content-Length: 4", b"Connection: close"))
        assert made.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        made.sendall(b"body")
        assert all_of(made).endswith(b"PUT|/|body")


def test_head_says_a_length_and_sends_nothing(serve: Serve) -> None:
    async def handler(arrival: Arrival) -> Reply:
        return reply(200, b"", [("Content-Length", "12345"), ("X-A", "1"), ("X-A", "2")], arrival.method)

    answer = serve(handler).ask(request(b"HEAD / HTTP/1.1"))
    assert b"content-length: 12345\r\n" in answer.lower()
    assert answer.endswith(b"\r\n\r\n")
    assert answer.lower().count(b"x-a: ") == 2


def slow_headers(made: socket.socket) -> None:
    made.sendall(b"GET / HTTP/1.1\r\nHost: local")


def slow_body(made: socket.socket) -> None:
    made.sendall(request(b"PUT / HTTP/1.1", b"Content-Length: 100", body=b"some"))


def slow_chunks(made: socket.socket) -> None:
    made.sendall(request(b"PUT / HTTP/1.1", b"Transfer-Encoding: chunked", body=b"5\r\nab"))


def nothing(made: socket.socket) -> None:
    pass


@pytest.mark.parametrize(
    ("begin", "answered"),
    [(nothing, b""), (slow_headers, b""), (slow_body, b"RequestTimeout"), (slow_chunks, b"RequestTimeout")],
)
def test_who_is_slow_is_let_go(serve: Serve, begin: Callable[[socket.socket], None], answered: bytes) -> None:
    running = serve()
    began = time.monotonic()
    with running.connection() as made:
        begin(made)
        answer = all_of(made)
    assert answered in answer
    assert bool(answer) == bool(answered)
    assert time.monotonic() - began < SMALL.idle_seconds + 3


def test_a_drip_does_not_hold_a_body_open(serve: Serve) -> None:
    running = serve()
    with running.connection() as made:
        made.sendall(request(b"PUT / HTTP/1.1", b"Content-Length: 100"))
        made.settimeout(0.2)
        began, answer = time.monotonic(), b""
        while not answer and time.monotonic() - began < 5:
            made.sendall(b"a")
            try:
                answer = made.recv(1000)
            except TimeoutError:
                continue
    assert b"RequestTimeout" in answer
    assert time.monotonic() - began < 3


def test_a_drip_does_not_hold_headers_open(serve: Serve) -> None:
    with serve().connection() as made:
        began = time.monotonic()
        made.sendall(b"GET / HTTP/1.1\r\n")
        made.settimeout(0.1)
        answer = None
        while answer is None and time.monotonic() - began < 5:
            try:
                made.sendall(b"A: b\r\n")
                answer = made.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                answer = b""
    assert answer == b""
    assert time.monotonic() - began < 3


def test_who_does_not_read_holds_nothing_up(serve: Serve) -> None:
    async def handler(arrival: Arrival) -> Reply:
        return reply(200, bytes(64 * 1024 * 1024))

    running = serve(handler)
    with running.connection() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.sendall(request(b"GET / HTTP/1.1"))
        wait_for(lambda: running.front.open == 1)
        wait_for(lambda: running.front.open == 0, SMALL.write_seconds + 3)  # though the client is still there


def test_a_defect_is_told_without_its_inside(serve: Serve) -> None:
    async def handler(arrival: Arrival) -> Reply:
        raise RuntimeError("the secret inside")

    answer = serve(handler).ask(request(b"GET / HTTP/1.1"))
    assert status(answer) == 500
    assert b"InternalError" in answer
    assert b"secret" not in answer


def test_a_hangup_is_no_answer(serve: Serve) -> None:
    async def handler(arrival: Arrival) -> Reply:
        raise Hangup

    assert serve(handler).ask(request(b"GET / HTTP/1.1")) in (b"", b"<reset>")


def test_a_taken_port_is_said(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        async def start() -> None:
            from flytekitplugins_smfs.emulator.wire import Front

            from .conftest import echo, explain

            with pytest.raises(OSError):
                await Front(echo, explain).start(taken.getsockname()[1])

        asyncio.run(start())


def test_all_requests_that_came_before_the_end_are_answered(serve: Serve) -> None:
    one = b"POST /%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab"
    answer = serve().ask(b"".join(one % number for number in range(9)))
    assert [part[:6] for part in answer.split(b"POST|")[1:]] == [
        b"/%d|ab%b" % (n, b"H" if n < 8 else b"") for n in range(9)
    ]


def test_what_ends_early_is_told_so_at_once(serve: Serve) -> None:
    running = serve(limits=Limits(read_seconds=60, header_seconds=60))
    for sent in (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc", b"GET / HTTP/1.1\r\nHost: loc"):
        began = time.monotonic()
        assert b" 400 " in running.ask(sent).split(b"\r\n")[0]
        assert time.monotonic() - began < 5


def test_other_versions_of_http_are_refused(serve: Serve) -> None:
    assert b" 505 " in serve().ask(b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n").split(b"\r\n")[0]


alphabet = st.sampled_from(
    [b"GET", b"PUT", b" ", b"/", b"?", b"HTTP/1.1", b"\r\n", b"\n", b"\r", b":", b"Host: localhost", b"\x00", b"\xff",
     b"Content-Length: ", b"Transfer-Encoding: chunked", b"10", b"-", b"a", b"%", b"%zz", b";", b"\r\n\r\n"]
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(alphabet, max_size=25))
def test_no_bytes_stop_it(fuzzed: Running, parts: list[bytes]) -> None:
    answer = fuzzed.ask(b"".join(parts))
    assert answer == b"" or answer.startswith(b"HTTP/1.")
    assert b"Traceback" not in answer
    assert b" 500 " not in answer.split(b"\r\n")[0]


@pytest.fixture
def fuzzed(serve: Serve) -> Running:
    return serve()
