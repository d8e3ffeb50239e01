"""The S3 process: ``python -m flytekitplugins_smfs.emulator.objects.server.process <state> ...``."""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from ...paths import Paths
from ...signatures import Keys
from ...wire import Front
from ..store import ObjectStore
from .answering import Answering, explain
from .commits import Commits
from .service import Service


async def serve(service: Service, port: int) -> None:
    """Answer until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    front = Front(Answering(service), explain, names=tuple(service.names), pages=True)
    await front.start(port)
    await ended.wait()
    await front.close()


def main() -> None:
    """Open the state directory's store and keys, and serve them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--name", action="append", default=[])
    parser.add_argument("--insecure", action="store_true")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
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
    try:
        asyncio.run(serve(service, asked.port))
    finally:
        store.close()


if __name__ == "__main__":
    main()
