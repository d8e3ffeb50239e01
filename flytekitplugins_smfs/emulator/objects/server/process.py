"""The S3 server: ``python -m flytekitplugins_smfs.emulator.objects.server.process <state> ...``.

It is two processes that take turns at one port, where there are two processors: Python uses one each. Each has the
store open for itself. They end together, however one of them ends.
"""

import argparse
import asyncio
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from ...paths import Paths
from ...signatures import Keys
from ...wire import Front, bound, run
from ..store import ObjectStore
from .answering import Answering, explain
from .commits import Commits
from .service import Service

_PROCESSES = 2
"""More do not help: the store is written by one at a time."""


async def serve(service: Service, listening: socket.socket, other: int | None) -> None:
    """Answer until SIGTERM or SIGINT, or until the other process has ended, which closes the pipe ``other``."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if other is not None:
        loop.add_reader(other, _end, other, ended)
    front = Front(Answering(service), explain, names=tuple(service.names), pages=True)
    await front.start(0, listening)
    await ended.wait()
    await front.close()


def _end(other: int, ended: asyncio.Event) -> None:
    """The other process is gone; its pipe would say so again and again."""
    asyncio.get_running_loop().remove_reader(other)
    ended.set()


def main() -> None:
    """Bind the port, part, and serve the state directory's store."""
    asked = _arguments()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    listening = bound(asked.port)
    listening.listen(512)
    child, other = _part() if min(_PROCESSES, os.cpu_count() or 1) > 1 else (0, None)
    paths = Paths(asked.state)
    store = ObjectStore(paths.objects)
    service = Service(
        store=store,
        commits=Commits(store.database),
        keys=Keys(paths.keys),
        account=asked.account,
        region=asked.region,
        names=frozenset(asked.name),
        insecure=asked.insecure,
    )
    _checkpoint_aside(store)
    gc.freeze()  # what is loaded stays, and need not be looked through
    try:
        run(serve(service, listening, other))
    finally:
        store.close()
        if child:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


def _part() -> tuple[int, int | None]:
    """Become two processes. The first gets the second's pid, and a pipe that is closed when that ends."""
    ended, alive = os.pipe()
    child = os.fork()
    if child:
        os.close(alive)
        return child, ended
    os.close(ended)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: end when the other does
    return 0, None


def _checkpoint_aside(store: ObjectStore) -> None:
    try:
        store.database.checkpoint_aside()
    except OSError as damage:  # told to who asks
        logging.getLogger(__name__).error("%s", damage)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--name", action="append", default=[])
    parser.add_argument("--insecure", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
