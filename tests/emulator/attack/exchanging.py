"""Bytes sent over a socket of their own, and what may be wrong with what comes back."""

from __future__ import annotations

import re
import socket

import psutil

from tests.conftest import Emulator
from tests.emulator.attack.maker import Sent

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
    if 501 in statuses and b"NotImplemented" not in answer and not sent.data.startswith(b"HEAD"):
        return "a failure"
    if b"Traceback" in answer or b'File "' in answer:
        return "the emulator's inside"
    if b"not yours" in answer:
        return "what is outside"
    return f"it took {seconds:.1f} s" if seconds > SECONDS - 1 else ""


def open_files(emulator: Emulator) -> int:
    """How many files and connections the emulator's processes have open."""
    server = psutil.Process(emulator.server["pid"])
    return sum(process.num_fds() for process in (server, *server.children(recursive=True)))
