"""A server between a client and the emulator's S3: counts requests, and answers some with an error instead."""

from __future__ import annotations

import copy
import http.client
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from flytekitplugins_smfs.aws.door import Aws


def error(status: int, code: str, message: str) -> tuple[int, str]:
    """An error as S3 answers it."""
    return status, f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'


class _Server(ThreadingHTTPServer):
    def handle_error(self, *connection: object) -> None:
        """A client that leaves is no failure; what it missed shows in the test."""


class Between:
    """`seen` has every request as (method, path), `bodies` those of POST.

    `instead` may answer a request itself, with status and body.
    """

    def __init__(self, aws: Aws) -> None:
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        self.instead: Callable[[str, str], tuple[int, str] | None] = lambda method, path: None
        self._behind = urlsplit(str(aws.endpoint.s3_url)).netloc
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.aws = copy.copy(aws)
        self.aws.endpoint = replace(aws.endpoint, s3_url=f"http://127.0.0.1:{self._server.server_port}")

    def __enter__(self) -> Between:
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, method: str, times: int, status: int, code: str, message: str) -> None:
        """Answer the first so many requests of a method with an error."""
        left = [times]
        lock = threading.Lock()

        def instead(asked: str, path: str) -> tuple[int, str] | None:
            with lock:
                if asked != method or left[0] == 0:
                    return None
                left[0] -= 1
                return error(status, code, message)

        self.instead = instead

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.seen)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.seen.append((self.command, self.path))
                if self.command == "POST":
                    outer.bodies.append(body.decode())
                if own := outer.instead(self.command, self.path):
                    self.reply(own[0], {}, own[1].encode())
                    return
                behind = http.client.HTTPConnection(outer._behind, timeout=30)
                behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    behind.putheader(name, value)
                behind.endheaders(body)
                given = behind.getresponse()
                self.reply(given.status, dict(given.getheaders()), given.read())
                behind.close()

            def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
                for name, value in headers.items():
                    if name not in ("Content-Length", "Transfer-Encoding", "Connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", length)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, *arguments: object) -> None:
                """Tests read `seen`."""

        return Handler
