"""Many training jobs asked of one connector at once, over gRPC: each is made once, and none fails. N3

AWS takes one CreateTrainingJob a second; Flyte gives a create ten. So most of them wait in the connector.
"""

from __future__ import annotations

import collections
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from flyteidl.core.execution_pb2 import TaskExecution

from flytekitplugins_smfs.flyte.training_tasks import TrainingTask
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm
from tests.conftest import Emulator, wait_for
from tests.flyte.connecting import FINAL, Connector
from tests.matrix.points import sampled
from tests.operations.driving import ROLE

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/burst:1"
BRIEF, LASTING = (
    TrainingTask(f"burst.{name}", ImageAlgorithm(IMAGE, entrypoint=("sleep",), arguments=(seconds,)), {})
    for name, seconds in (("brief", "0.2"), ("lasting", "6"))
)
"""The second one's jobs outlast a connector that starts again, so that the next attempt takes up the one before."""


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Iterator[Connector]:
    environment = {
        "FLYTE_SMFS_ENDPOINT": "emulator",
        "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state),
        "FLYTE_SMFS_ROLE": ROLE,
        "HOME": str(tmp_path),
    }
    one = Connector(environment, ("flytekitplugins_smfs.flyte.warm",))
    one.start()
    yield one
    one.kill()


@dataclass
class Burst:
    """Tasks of one execution that are created at the same moment, and followed as Flyte does."""

    connector: Connector
    emulator: Emulator
    outputs: Path
    task: TrainingTask
    count: int
    name: str = field(default_factory=lambda: f"burst{time.time_ns() % 10**10}")
    metas: dict[int, bytes] = field(default_factory=dict)
    attempts: collections.Counter[int] = field(default_factory=collections.Counter)

    fatal: int = 0
    """The how manieth answer to a create is the connector's last."""

    def __post_init__(self) -> None:
        self._since = self.emulator.last_call()

    def create(self) -> None:
        """Ask for all that were not answered yet. Who gets no answer begins the next attempt the next time."""
        asked = [node for node in range(self.count) if node not in self.metas]
        together = threading.Barrier(len(asked))

        def one(node: int) -> None:
            attempt = self.attempts[node]
            prefix = f"{self.outputs}/n{node}/data/{attempt}"
            together.wait()
            try:
                self.metas[node] = self.connector.create(
                    self.task, {}, prefix, name=self.name, node=f"n{node}", attempt=attempt
                )
            except grpc.RpcError:
                self.attempts[node] += 1
            if 0 < self.fatal <= len(self.metas):
                self.kill()

        with ThreadPoolExecutor(len(asked)) as pool:
            list(pool.map(one, asked))

    def kill(self) -> None:
        """Kill the connector."""
        self.fatal = 0
        assert self.connector.process is not None
        self.connector.process.send_signal(signal.SIGKILL)

    def jobs(self) -> list[str]:
        """The owner of each job that AWS has taken: its execution and node."""
        calls = self.emulator.calls(self._since)
        taken = [call["request"] for call in calls if call["operation"] == "CreateTrainingJob" and not call["error"]]
        tags = [{tag["Key"]: tag["Value"] for tag in request["Tags"]} for request in taken]
        return [one["smfs:owner"] for one in tags if one["smfs:execution"].endswith(self.name)]

    def finish(self) -> None:
        """Poll each to its end: all have succeeded, by one job each."""
        followed, deadline = dict(self.metas), time.monotonic() + 60 + 2 * self.count
        while followed:
            for node, meta in list(followed.items()):
                resource = self.connector.get(self.task, meta)
                if resource.phase in FINAL:
                    assert resource.phase == TaskExecution.SUCCEEDED, resource.message
                    del followed[node]
                assert time.monotonic() < deadline, resource.message
            time.sleep(0.2)
        jobs = self.jobs()
        assert len(self.metas) == self.count
        assert len(set(jobs)) == self.count
        assert len(jobs) == self.count


@pytest.mark.parametrize("count", sampled([12, 40], []))
def test_a_burst(connector: Connector, emulator: Emulator, tmp_path: Path, count: int) -> None:
    burst = Burst(connector, emulator, tmp_path, BRIEF, count)
    burst.create()
    burst.finish()
    assert not burst.attempts


@pytest.mark.parametrize(
    ("count", "asking"), sampled([(count, asking) for count in (12, 40) for asking in (True, False)], [(12, True)])
)
def test_a_burst_whose_connector_is_killed_and_started_again(
    connector: Connector, emulator: Emulator, tmp_path: Path, count: int, asking: bool
) -> None:
    """Killed while it is `asking`, some creates get no answer; else when some are made and the others wait."""
    burst = Burst(connector, emulator, tmp_path, LASTING, count, fatal=count // 3 if asking else 0)
    burst.create()
    if not asking:
        wait_for(lambda: len(burst.jobs()) >= count // 3, 40)
        burst.kill()
    connector.kill()
    assert bool(burst.attempts) == asking
    assert len(burst.jobs()) < count
    connector.start()
    if asking:
        burst.create()
    burst.finish()
    assert set(burst.attempts.values()) <= {1}
