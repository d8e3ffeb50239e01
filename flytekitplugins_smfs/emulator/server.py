"""The API's server process: a front on one port, whose requests are answered in a bounded pool of threads."""

import asyncio
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import processes, services
from .access import Access
from .account import Account
from .admin import PREFIX, Admin
from .dialects import dialect_of, is_for_s3, worded
from .dispatch import Dispatcher
from .faults import AwsError, DropConnection
from .gate import Gate
from .instance import free_port, only_one, read_server_file, write_server_file
from .loaded import for_good
from .messages import Request, Response
from .paths import Paths
from .settings import Settings
from .signatures import SignatureError
from .wire import Arrival, Front, Hangup, Limits, Reply, WireError, relay, reply, run

log = logging.getLogger(__name__)

_TURN_SECONDS = 0.0005
"""How long a thread that computes keeps others waiting. A request gives way at each statement of SQLite, and waits for
so long each time while jobs are laid out: with Python's 5 ms that is a tenth of a second."""
_THREADS = 64
"""How many requests are answered at once; more wait. Injected delays take their time in these threads."""


class Server:
    """Serves one account in the running event loop."""

    def __init__(self, account: Account) -> None:
        limits = Limits()
        self._account = account
        self._dispatcher = Dispatcher(account)
        self._admin = Admin(account)
        self._gate = Gate(account.keys, account.access)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")
        self._front = Front(self._handle, _explain, limits, account.access.names)

    @property
    def port(self) -> int:
        return self._front.port

    async def start(self, port: int) -> None:
        """Listen. Raises OSError if the port is taken."""
        await self._front.start(port)

    async def close(self) -> None:
        """Let what is under way end, and stop."""
        await self._front.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _handle(self, arrival: Arrival) -> Reply:
        if not arrival.target.startswith(PREFIX) and is_for_s3(_read(arrival, b"")):
            return await relay(arrival, self._account.s3.port)
        request = _read(arrival, await arrival.body())
        if request.path == f"{PREFIX}health":  # says that it lives also while all threads are busy
            response = self._admin.handle(request)
        else:
            try:
                response = await asyncio.get_running_loop().run_in_executor(self._pool, self._answer, request)
            except DropConnection:
                raise Hangup from None
        return reply(response.status, response.body, response.headers.items(), request.method)

    def _answer(self, request: Request) -> Response:
        try:
            request = self._gate.admit(request)
        except SignatureError as error:
            return worded(
                request, dialect_of(request), AwsError(error.code, error.message, error.status, **error.fields)
            )
        except AwsError as error:
            return worded(request, dialect_of(request), error)
        if request.path.startswith(PREFIX):
            return self._admin.handle(request)
        with self._account.requests.one():
            return self._dispatcher.handle(request)


def serve(state: Path, port: int | None, changes: dict[str, Any], access: Access) -> None:
    """Run until SIGTERM or SIGINT. Raises AlreadyRunning if another process serves this state directory.

    ``port`` None or 0 takes the port of the last time if it is free, otherwise any free one.
    """
    paths = Paths(state)
    paths.create()
    with only_one(paths):
        sys.setswitchinterval(_TURN_SECONDS)
        logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        settings = Settings.load(paths.settings, services.settings())
        if changes:
            settings.update(changes)
        processes.sweep(paths.processes)
        before = read_server_file(paths)
        with for_good():
            account = Account(paths, settings, free_port(before.get("s3_port")), access)
            account.start()
        run(_until_signal(account, port or free_port(before.get("port"))))
        account.stop()
        for group in processes.kill_all(paths.processes):
            log.error("could not end %s (pid %s)", group.name, group.pid)


async def _until_signal(account: Account, port: int) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = Server(account)
    await server.start(port)
    access = account.access
    write_server_file(account.paths, server.port, account.s3.port, insecure=access.insecure, names=access.names)
    await ended.wait()
    await server.close()


def _read(arrival: Arrival, body: bytes) -> Request:
    return Request(arrival.method, arrival.target, arrival.values, body, arrival.headers)


def _explain(arrival: Arrival | None, error: WireError) -> Reply:
    request = _read(arrival, b"") if arrival else Request("GET", "/", {}, b"")
    response = worded(request, dialect_of(request), AwsError(error.code, error.message, error.status))
    return reply(response.status, response.body, response.headers.items(), request.method)
