"""Keys to sign with, and a server that verifies whatever real clients send it."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.emulator.signatures import Decoder, Dialect, Key, Keys, SignatureError, Verified, verify

ARN = "arn:aws:iam::123456789012:user/somebody"
USER = Key("AKIAQQQQQQQQQQQQQQQQ", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None, ARN, "123456789012", "AIDAQ")
SESSION = Key("ASIAQQQQQQQQQQQQQQQQ", "another/Secret+Key", "a/session+token==", ARN, "123456789012", "AIDAQ", 4e9)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    table = Keys(tmp_path_factory.mktemp("keys") / "keys.db")
    table.add(USER)
    table.add(SESSION)
    yield table
    table.close()


@dataclass
class Seen:
    """A request as it stood on the wire, and what became of it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    verified: Verified | None = None
    content: bytes = b""
    trailers: dict[str, str] = field(default_factory=dict)
    error: SignatureError | None = None


class Recorder(ThreadingHTTPServer):
    """Verifies each request; answers 200 with an ETag, or the error."""

    daemon_threads = True

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.seen: list[Seen] = []
        self.dialect = Dialect.S3
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, seen: Seen) -> None:
        try:
            body = b"" if self.dialect is Dialect.S3 else seen.body
            seen.verified = verify(
                seen.method, seen.target, seen.headers, self.keys, time.time(), dialect=self.dialect, body=body
            )
            decoder = Decoder(seen.verified, seen.headers)
            for start in range(0, len(seen.body), 10_000):
                seen.content += decoder.feed(seen.body[start : start + 10_000])
            decoder.finish()
            seen.trailers = decoder.trailers
        except SignatureError as error:
            seen.error = error
        self.seen.append(seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def answer(self) -> None:
        method, target, _ = self.requestline.split(" ")
        headers = [(n, v.encode("latin-1").decode("utf-8", "surrogateescape")) for n, v in self.headers.items()]
        seen = Seen(method, target, headers, self._body())
        self.server.take(seen)
        self.send_response(seen.error.status if seen.error else 200)
        self.send_header("ETag", '"d41d8cd98f00b204e9800998ecf8427e"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Tests look at ``seen``."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


@pytest.fixture
def recorder(keys: Keys) -> Iterator[Recorder]:
    server = Recorder(keys)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Keys]:
    """An empty table of a test's own."""
    own = Keys(tmp_path / "keys.db")
    yield own
    own.close()
