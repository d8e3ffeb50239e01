"""What uploading many small files takes: our sync beside s3fs and boto3 in threads, on the embedded AWS.

The network's delay is added by a forwarder between client and server, as there is next to none on one machine. The
three take turns; every upload goes to a new prefix, and our second run over the same files is measured too.

    python benchmarks/upload.py --files 400 --delay 20 --rounds 3
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import multiprocessing
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.datasets.sync import IN_FLIGHT, sync
from flytekitplugins_smfs.values.settings import Settings

BUCKET = "upload-benchmark"
SIZE = 16 << 10


@contextmanager
def emulator() -> Iterator[tuple[str, dict[str, str]]]:
    """An emulator of our own: its state directory and environment."""
    command = [sys.executable, "-m", "flytekitplugins_smfs.emulator"]
    with tempfile.TemporaryDirectory(prefix="smfs-bench-") as state:
        subprocess.run([*command, "start", "--detach", "--state", state], check=True, stdout=subprocess.DEVNULL)
        try:
            shown = [*command, "env", "--json", "--state", state]
            env = subprocess.run(shown, check=True, capture_output=True, text=True)
            yield state, json.loads(env.stdout)
        finally:
            subprocess.run([*command, "stop", "--state", state], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def delayed(url: str, seconds: float) -> Iterator[str]:
    """A URL behind which `url` answers so much later. The forwarder is a process, so that it takes no one's time."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=forward, args=(urlsplit(url).port, seconds, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def forward(port: int, seconds: float, told: Connection) -> None:
    """Forward connections to `port`, what comes back so much later, and tell the port on which that is done."""

    async def late(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def send() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(due - time.monotonic())
                if not data:
                    break
                target.write(data)
                await target.drain()
            target.close()

        sender = asyncio.create_task(send())
        data = b"-"
        while data:
            data = await source.read(1 << 16)
            waiting.put_nowait((time.monotonic() + delay, data))
        await sender

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", port)
        both = (late(reader, requests, 0.0), late(answers, writer, seconds))
        await asyncio.gather(*both, return_exceptions=True)  # a client that leaves is no failure

    async def serve() -> None:
        server = await asyncio.start_server(connection, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


@dataclass(frozen=True)
class Contest:
    """A directory and an S3 to upload it to."""

    source: Path
    aws: Aws
    url: str
    credentials: tuple[str, str]

    def ours(self, prefix: str) -> None:
        """This package's sync."""
        sync(self.aws, self.source, f"s3://{BUCKET}/{prefix}")

    def s3fs(self, prefix: str) -> None:
        """s3fs as flytekit uses it, with its own defaults."""
        import s3fs  # type: ignore[import-untyped]

        key, secret = self.credentials
        system = s3fs.S3FileSystem(key=key, secret=secret, endpoint_url=self.url, skip_instance_cache=True)
        system.put(f"{self.source}/", f"{BUCKET}/{prefix}/", recursive=True)

    def boto3(self, prefix: str) -> None:
        """boto3 with as many threads as our sync has."""
        client = self.client()
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            jobs = [
                pool.submit(client.put_object, Bucket=BUCKET, Key=f"{prefix}/{file.name}", Body=file.read_bytes())
                for file in self.source.iterdir()
            ]
            for job in jobs:
                job.result()

    def client(self) -> Any:
        """A boto3 client of S3."""
        import boto3
        from botocore.config import Config

        key, secret = self.credentials
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=self.aws.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(max_pool_connections=IN_FLIGHT),
        )

    def arrived(self, prefix: str) -> int:
        """How many objects are under a prefix."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
        return sum(page["KeyCount"] for page in pages)


def timed(work: Callable[[str], None], prefix: str) -> float:
    """Seconds that an upload takes."""
    started = time.perf_counter()
    work(prefix)
    return time.perf_counter() - started


def measure(contest: Contest, files: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each upload, by its name. A first one of each, which loads things, is left out."""
    ways = {"ours": contest.ours, "boto3": contest.boto3, "s3fs": contest.s3fs}
    took: dict[str, list[float]] = {name: [] for name in (*ways, "ours again")}
    for turn in range(rounds + 1):
        for name, work in ways.items():
            seconds = timed(work, f"{name}-{turn}")
            if contest.arrived(f"{name}-{turn}") != files:
                raise SystemExit(f"{name} did not upload every file")
            if turn:
                took[name].append(seconds)
        if turn:
            took["ours again"].append(timed(contest.ours, f"ours-{turn}"))
    return took


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--delay", type=float, default=20.0, help="milliseconds that the network adds to an answer")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="smfs-bench-") as source,
        emulator() as (state, env),
        delayed(env["AWS_ENDPOINT_URL_S3"], given.delay / 1000) as url,
    ):
        noise = random.Random(1)
        for at in range(given.files):
            Path(source, f"part-{at:05}").write_bytes(noise.randbytes(SIZE))
        aws = copy.copy(Aws(Settings(endpoint="emulator", emulator_state=state)))
        aws.endpoint = replace(aws.endpoint, s3_url=url)
        keys = (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        contest = Contest(Path(source), aws, url, keys)
        contest.client().create_bucket(Bucket=BUCKET)
        took = measure(contest, given.files, given.rounds)
    print(f"{given.files} files of {SIZE >> 10} KiB, {given.delay:g} ms of network, median of {given.rounds}:")
    ours = statistics.median(took["ours"])
    for name, seconds in took.items():
        middle = statistics.median(seconds)
        print(f"  {name:10s}  {given.files / middle:7.0f} files/s   {middle / ours:5.2f} times our time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
