"""SIGKILL under load: ten clients work, all that the emulator is dies, and what it acknowledged is there again."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import Emulator, wait_for
from tests.emulator.attack.jobs import BUCKET
from tests.emulator.attack.ledger import Lost
from tests.emulator.attack.working import GROUP, Client
from tests.emulator.services.fsx.test_file_system import subnet
from tests.matrix import points
from tests.matrix.points import SOAK

KILLS = 50 if SOAK else 4
CLIENTS = 10
FOUND_SECONDS = 3.0 if SOAK else 20.0
"""Within so much the next command of the product has found it again. A sample shares the processors with others."""
VICTIMS = ("server and S3", "server", "S3", "server, S3 and jobs")
QUICK = {"fsx_creating_seconds": 0.2, "training_starting_seconds": 0.1, "simulated_seconds": 0.5, "max_processes": 3}
MODEL = ["sh", "-c", "echo begun; sleep 0.5; echo $TRAINING_JOB_NAME > $SM_MODEL_DIR/name"]


class Siege:
    """An emulator, its clients, and what was not as it should be."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.wrong: list[str] = []
        self.seconds: list[float] = []
        self._chance = random.Random(7)
        emulator.client("logs").create_log_group(logGroupName=GROUP)
        self.clients = [Client(number, emulator, subnet(emulator)) for number in range(CLIENTS)]
        self._pool = ThreadPoolExecutor(CLIENTS)
        for client in self.clients:
            client.begin()

    @property
    def acknowledged(self) -> int:
        return sum(client.ledger.acknowledged for client in self.clients)

    def kill(self, what: str) -> None:
        """Let them work for a while, kill, find it again, and compare."""
        leave, before = threading.Event(), self.acknowledged
        working = [self._pool.submit(client.work, leave) for client in self.clients]
        try:
            wait_for(lambda: self.acknowledged >= before + 3 * CLIENTS or any(one.done() for one in working), 60)
            time.sleep(self._chance.uniform(0, 1))  # a random moment
            self.wrong += [f"before the kill: {one.exception()!r}" for one in working if one.done()]
            for victim in self._victims(what):
                with suppress(psutil.NoSuchProcess):
                    victim.kill()
        finally:
            leave.set()
        self._find_again(what)
        self._ended(working)
        self.compare()

    def compare(self, everything: bool = False) -> None:
        """Note what is not as it was acknowledged."""
        for found in [self._pool.submit(client.compare, everything) for client in self.clients]:
            self.wrong += found.result()

    def _find_again(self, what: str) -> None:
        before, began = self.emulator.env, time.monotonic()
        self.emulator.start()
        if what == "S3":
            wait_for(self._s3_answers)
        self.seconds.append(time.monotonic() - began)
        if self.emulator.env != before:
            self.wrong.append(f"it was found elsewhere: {self.emulator.env}, not {before}")

    def _s3_answers(self) -> bool:
        with closing(self.emulator.client("s3")) as s3, suppress(Exception):
            return bool(s3.list_buckets()["Buckets"])
        return False

    def _ended(self, working: list[Future[None]]) -> None:
        for one in working:
            if (error := one.exception()) is not None and not isinstance(error, Lost):
                self.wrong.append(f"at the kill: {error!r}")

    def _victims(self, what: str) -> list[psutil.Process]:
        server = psutil.Process(self.emulator.server["pid"])
        found = [] if what == "S3" else [server]
        if what != "server":
            found += server.children(recursive=True)
        if "jobs" in what:
            for group in self.emulator.processes():
                with suppress(psutil.NoSuchProcess):
                    leader = psutil.Process(group["pid"])
                    found += [leader, *leader.children(recursive=True)]
        self._chance.shuffle(found)
        return found


@pytest.fixture
def siege(own_emulator: Emulator) -> Siege:
    own_emulator.state.mkdir()
    (own_emulator.state / "images.json").write_text(json.dumps({"*mine*": MODEL}))
    own_emulator.start(*(word for name, value in QUICK.items() for word in ("--set", f"{name}={value}")))
    return Siege(own_emulator)


@pytest.mark.timeout(1200)
def test_nothing_acknowledged_is_lost(siege: Siege, request: pytest.FixtureRequest) -> None:
    for number in range(KILLS):
        siege.kill(VICTIMS[number % len(VICTIMS)])
        assert not siege.wrong, f"after kill {number + 1}: " + "\n".join(siege.wrong[:20])
    points.several(request, "kills", KILLS)
    points.several(request, "kills, writes acknowledged", siege.acknowledged)
    for seconds in siege.seconds:
        points.answered(request, seconds)
    wait_for(lambda: at_rest(siege.emulator), 120)
    siege.compare(everything=True)
    assert not siege.wrong, "\n".join(siege.wrong[:20])
    check_jobs(siege)
    check_nothing_else_is_there(siege)
    siege.emulator.stop()
    check_databases(siege.emulator.state)
    assert max(siege.seconds) < FOUND_SECONDS, siege.seconds


def at_rest(emulator: Emulator) -> bool:
    """Whether every file system is made and every job has ended."""
    lifecycles = {one["Lifecycle"] for one in file_systems(emulator)}
    jobs = {one["TrainingJobStatus"] for one in training_jobs(emulator)}
    return lifecycles <= {"AVAILABLE"} and jobs <= {"Completed", "Failed"} and not emulator.processes()


def file_systems(emulator: Emulator) -> list[dict[str, Any]]:
    pages = emulator.client("fsx").get_paginator("describe_file_systems").paginate()
    return [one for page in pages for one in page["FileSystems"]]


def training_jobs(emulator: Emulator) -> list[dict[str, Any]]:
    pages = emulator.client("sagemaker").get_paginator("list_training_jobs").paginate()
    return [one for page in pages for one in page["TrainingJobSummaries"]]


def check_jobs(siege: Siege) -> None:
    """A job has its model, or has failed because what watched it was killed; its disk is given back."""
    sagemaker, s3 = siege.emulator.client("sagemaker"), siege.emulator.client("s3")
    known = {name for client in siege.clients for name in client.ledger.known("job")}
    assert {one["TrainingJobName"] for one in training_jobs(siege.emulator)} == known
    for name in known:
        found = sagemaker.describe_training_job(TrainingJobName=name)
        if found["TrainingJobStatus"] == "Failed":
            assert found["FailureReason"].startswith("InternalServerError"), found
        else:
            key = found["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
            assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 0
        assert not list((siege.emulator.state / "jobs" / name).glob("attempt-*/algo-1/ml"))


def check_nothing_else_is_there(siege: Siege) -> None:
    """Nothing was made twice, half or for nobody."""
    found = file_systems(siege.emulator)
    assert {one["FileSystemId"] for one in found} == {
        id for client in siege.clients for id in client.file_systems.values()
    }
    interfaces = siege.emulator.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    assert sorted(one["NetworkInterfaceId"] for one in interfaces) == sorted(
        id for one in found for id in one["NetworkInterfaceIds"]
    )
    pages = siege.emulator.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = {one["Key"] for page in pages for one in page.get("Contents", [])}
    assert {key for key in keys if key.startswith("client-")} == {
        key for client in siege.clients for key in client.ledger.known("object")
    }
    objects = siege.emulator.state / "objects"
    siege.emulator.stop()
    siege.emulator.start()
    with closing(sqlite3.connect(objects / "index.db")) as index:
        named = {file for table in ("objects", "parts") for (file,) in index.execute(f"SELECT file FROM {table}")}
    wait_for(lambda: {path.name for path in (objects / "files").glob("*/*")} == named)


def check_databases(state: Path) -> None:
    for path in (*state.glob("*.db"), *state.glob("objects/*.db")):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
