"""The HTTP server: one thread per connection, loopback only, answers written in one packet."""

import logging
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from . import processes, services
from .account import Account
from .admin import PREFIX, Admin
from .dispatch import Dispatcher
from .faults import DropConnection
from .instance import free_port, only_one, read_server_file, write_server_file
from .paths import Paths
from .protocol import Request, Response
from .settings import Settings

log = logging.getLogger(__name__)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, has it answered, writes the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: "Server"

    def answer(self) -> None:
        request = Request(
            self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, self._body()
        )
        try:
            response = self.server.answer(request)
        except DropConnection:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._write(response)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are recorded in the store, not in the log."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return b"".join(chunks)

    def _write(self, response: Response) -> None:
        self.send_response_only(response.status)
        if "date" not in response.headers:
            self.send_header("date", self.date_time_string())
        for name, value in response.headers.items():
            if name != "content-length":
                self.send_header(name, value)
        length = len(response.body)
        if self.command == "HEAD":
            length = int(response.headers.get("content-length", length))
        self.send_header("content-length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    """Serves one account."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, account: Account, port: int) -> None:
        self._account = account
        self._dispatcher = Dispatcher(account)
        self._admin = Admin(account)
        super().__init__(("127.0.0.1", port), _Handler)

    def answer(self, request: Request) -> Response:
        if request.path.startswith(PREFIX):
            return self._admin.handle(request)
        with self._account.requests.one():
            return self._dispatcher.handle(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.debug("a connection ended early", exc_info=True)

    def server_bind(self) -> None:
        """Bind without asking DNS for the host's name, as the base class would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]


def serve(state: Path, port: int | None, changes: dict[str, Any]) -> None:
    """Run until SIGTERM or SIGINT. Raises AlreadyRunning if another process serves this state directory.

    ``port`` None or 0 takes the port of the last time if it is free, otherwise any free one.
    """
    paths = Paths(state)
    paths.create()
    with only_one(paths):
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        settings = Settings.load(paths.settings, services.settings())
        if changes:
            settings.update(changes)
        before = read_server_file(paths)
        account = Account(paths, settings, free_port(before.get("s3_port")))
        account.start()
        server = Server(account, port or free_port(before.get("port")))
        write_server_file(paths, server.server_port, account.storage.port)
        _until_signal(server)
        server.server_close()
        account.stop()
        for group in processes.kill_all(paths.processes):
            log.error("could not end %s (pid %s)", group.name, group.pid)


def _until_signal(server: Server) -> None:
    def end(*_: Any) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    server.serve_forever(poll_interval=0.1)
