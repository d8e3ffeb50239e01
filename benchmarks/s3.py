"""The embedded S3 beside bare ``rclone serve s3``: many small objects and one large one, put and got.

One client for both, as light as can be: requests are signed before the clock starts and sent over connections that stay
open, and no delay is added. Ours verifies every signature and sum and answers with S3's headers; rclone asks for none.
The two take turns; the medians of all rounds are compared. Seconds of CPU are those of the server alone.

    python benchmarks/s3.py --objects 5000 --size 4096 --large 1024 --rounds 3
"""

from __future__ import annotations

import argparse
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from flytekitplugins_smfs.emulator.instance import free_port
from flytekitplugins_smfs.emulator.signatures import Key, Keys

KEY = Key("AKIDBENCHMARKBENCHMA", "secret", None, "arn:aws:iam::123456789012:user/benchmark", "123456789012")
BUCKET = "benchmark"
BLOCK = bytes(1 << 20)


@dataclass(frozen=True)
class Server:
    """A server under test."""

    name: str
    port: int
    process: psutil.Process

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        times = [each.cpu_times() for each in (self.process, *self.process.children())]
        return float(sum(each.user + each.system for each in times))


@contextmanager
def running(name: str, command: list[str], port: int) -> Iterator[Server]:
    """A server from its first answer to the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    yield Server(name, port, psutil.Process(process.pid))
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{name} does not answer")
    finally:
        process.terminate()
        process.wait()


def ours(state: Path) -> tuple[str, list[str], int]:
    """Our S3 process over a new state."""
    Keys(state / "keys.db").add(KEY)
    port = free_port(None)
    module = "flytekitplugins_smfs.emulator.objects.server.process"
    arguments = [str(state), "--port", str(port), "--account", KEY.account, "--region", "us-east-1"]
    return "ours", [sys.executable, "-m", module, *arguments], port


def rclone(directory: Path) -> tuple[str, list[str], int]:
    """Bare rclone over a directory."""
    port = free_port(None)
    beside = Path(sys.executable).with_name("rclone")
    program = str(beside) if beside.exists() else shutil.which("rclone") or "rclone"
    return "rclone", [program, "serve", "s3", str(directory), "--addr", f"127.0.0.1:{port}", "--config", ""], port


def request(server: Server, method: str, key: str, length: int | None = None) -> bytes:
    """Request line and signed headers."""
    host = f"127.0.0.1:{server.port}"
    asked = AWSRequest(method=method, url=f"http://{host}/{BUCKET}{key}", headers={"Host": host})
    signer = S3SigV4Auth(Credentials(KEY.id, KEY.secret), "s3", "us-east-1")
    asked.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    signer.payload = lambda _: "UNSIGNED-PAYLOAD"
    signer.add_auth(asked)
    lines = [f"{method} /{BUCKET}{key} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.headers.items())]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def exchange(connection: socket.socket, head: bytes, body: Callable[[], Iterator[bytes]] | None, least: int) -> None:
    """Send one request, read its whole answer. Fails unless it is a 200 with at least so many bytes."""
    connection.sendall(head)
    for piece in body() if body else ():
        connection.sendall(piece)
    answer = bytearray()
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise RuntimeError("the connection was closed")
        answer += piece
    headers, _, rest = bytes(answer).partition(b"\r\n\r\n")
    if not headers.startswith(b"HTTP/1.1 20"):
        raise RuntimeError(answer[:500].decode(errors="replace"))
    named = dict(line.lower().split(b": ", 1) for line in headers.split(b"\r\n")[1:])
    size = int(named.get(b"content-length", b"0"))
    left = size - len(rest)
    buffer = bytearray(1 << 20)
    while left > 0:
        left -= connection.recv_into(buffer)
    if size < least:
        raise RuntimeError(f"{size} bytes instead of {least}")


def connected(server: Server) -> socket.socket:
    """A connection that sends at once."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=300)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def timed(server: Server, work: Callable[[], None]) -> tuple[float, float]:
    """Seconds, and seconds of the server's CPU."""
    cpu, begun = server.cpu(), time.perf_counter()
    work()
    return time.perf_counter() - begun, server.cpu() - cpu


def small(server: Server, method: str, count: int, size: int, connections: int, round_: int) -> tuple[float, float]:
    """Put or get many objects, some at a time."""
    heads = [request(server, method, f"/r{round_}/{n:05}", size if method == "PUT" else None) for n in range(count)]
    content = bytes(size)

    def some(start: int) -> None:
        connection = connected(server)
        for head in heads[start::connections]:
            exchange(connection, head, (lambda: iter((content,))) if method == "PUT" else None,
                     0 if method == "PUT" else size)  # fmt: skip
        connection.close()

    def work() -> None:
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(some, range(connections)))

    if method == "PUT":  # rclone fails when several make the same directory at once
        exchange(connected(server), request(server, "PUT", f"/r{round_}/first", 1), lambda: iter((b"1",)), 0)
    return timed(server, work)


def large(server: Server, method: str, mebibytes: int, round_: int) -> tuple[float, float]:
    """Put or get one object."""
    size = mebibytes << 20
    head = request(server, method, f"/large{round_}", size if method == "PUT" else None)
    body = (lambda: iter([BLOCK] * mebibytes)) if method == "PUT" else None
    connection = connected(server)
    seconds = timed(server, lambda: exchange(connection, head, body, 0 if method == "PUT" else size))
    connection.close()
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--size", type=int, default=4096, help="bytes of a small object")
    parser.add_argument("--large", type=int, default=1024, help="MiB of the large object")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="smfs-s3-") as name:
        state, directory = Path(name, "ours"), Path(name, "rclone")
        state.mkdir()
        directory.mkdir()
        with running(*ours(state)) as one, running(*rclone(directory)) as other:
            for server in (one, other):
                exchange(connected(server), request(server, "PUT", "", 0), None, 0)
            for round_ in range(asked.rounds):
                for server in (one, other):
                    for method in ("PUT", "GET"):
                        measured = small(server, method, asked.objects, asked.size, asked.connections, round_)
                        found.setdefault((f"small {method}", server.name), []).append(measured)
                for server in (one, other):
                    for method in ("PUT", "GET"):
                        found.setdefault((f"large {method}", server.name), []).append(
                            large(server, method, asked.large, round_)
                        )
                    exchange(connected(server), request(server, "DELETE", f"/large{round_}"), None, 0)
    print(f"{asked.objects} x {asked.size} bytes over {asked.connections} connections; one object of {asked.large} MiB")
    for what in ("small PUT", "small GET", "large PUT", "large GET"):
        medians = {}
        for who in ("ours", "rclone"):
            seconds = statistics.median(each[0] for each in found[what, who])
            cpu = statistics.median(each[1] for each in found[what, who])
            medians[who] = seconds
            rate = (
                f"{asked.objects / seconds:,.0f} objects/s"
                if "small" in what
                else f"{asked.large / seconds:,.0f} MiB/s"
            )
            print(f"  {what}  {who:6}  {seconds:6.2f} s  {rate:>18}  {cpu:6.2f} s of CPU")
        print(f"  {what}  ours is {medians['rclone'] / medians['ours']:.2f} times as fast")


if __name__ == "__main__":
    main()
