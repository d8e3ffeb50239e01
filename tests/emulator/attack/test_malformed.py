"""Malformed requests over raw sockets: each is answered in bounded time, none with a failure."""

from __future__ import annotations

import collections
import random
import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.emulator.attack.conftest import House
from tests.emulator.attack.maker import Maker, Sent
from tests.emulator.attack.malformed import malformed
from tests.emulator.attack.seeds import SERVICES
from tests.emulator.attack.speaking import Speaker
from tests.matrix import points
from tests.matrix.points import SOAK

REQUESTS = 10_000 if SOAK else 300
SHARES = 5
SECONDS = 20.0
"""What the server's deadlines for headers leave room for."""
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}) ")


def exchanged(port: int, sent: Sent) -> bytes:
    """All that is answered until the server closes, or until as many answers as there must be have come."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        try:
            connection.sendall(sent.data)
            if sent.leaves:
                return b""
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # answered before everything was sent: the answer is there to be read
        try:
            while piece := connection.recv(65536):
                received += piece
        except TimeoutError:
            received.clear()  # told by the time it took
        except ConnectionResetError:
            pass  # after an answer that left some of the request unread
    return bytes(received)


def problem(sent: Sent, answer: bytes, seconds: float) -> str:
    """What is wrong with an answer; empty if nothing is."""
    statuses = [int(status) for status in _STATUS.findall(answer) if status != b"100"]
    if len(statuses) < sent.answers:
        return f"{len(statuses)} answers, not {sent.answers}"
    if any(status >= 500 and status not in (501, 505) for status in statuses):
        return "a failure"
    if 501 in statuses and b"NotImplemented" not in answer:
        return "a failure"
    if b"Traceback" in answer or b'File "' in answer:
        return "the emulator's inside"
    return f"it took {seconds:.1f} s" if seconds > SECONDS - 1 else ""


@pytest.mark.parametrize("share", range(SHARES))
def test_whatever_is_sent(house: House, share: int, request: pytest.FixtureRequest) -> None:
    url = urlsplit(house.emulator.env["AWS_ENDPOINT_URL"])
    speaker, found = Speaker(house.emulator), collections.Counter[str]()
    maker = Maker(speaker, url.netloc, random.Random(share))
    for _ in range(REQUESTS // SHARES):
        sent = malformed(maker)
        began = time.monotonic()
        answer = exchanged(int(url.port or 0), sent)
        if wrong := problem(sent, answer, time.monotonic() - began):
            shown = f"{sent.data[:60]!r} ... {sent.data[-300:]!r}\n  {answer[:80]!r} {answer[-400:]!r}"
            found[f"{sent.kind}: {wrong}\n  {shown}"] += 1
    points.several(request, "fuzz, malformed", REQUESTS // SHARES)
    assert not found, "\n".join(list(found)[:12])
    assert speaker.say(SERVICES["fsx"], "DescribeFileSystems", {}).status == 200
    speaker.hang_up()
