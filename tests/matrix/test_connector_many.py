"""Many file systems and links asked of one connector at once: none fails for its pace, and no phase is false. N3"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.execution_pb2 import TaskExecution

from flytekitplugins_smfs.flyte.tasks import create_lustre, delete_lustre, link_repository
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from tests.conftest import Emulator
from tests.flyte.connecting import Service
from tests.matrix.points import sampled
from tests.operations.driving import BUCKET, ROLE

FLYTE = 10.0
"""Seconds that Flyte gives a request."""


@pytest.fixture
def connector(emulator: Emulator, tmp_path: Path) -> Iterator[Service]:
    environment = {
        "FLYTE_SMFS_ENDPOINT": "emulator",
        "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state),
        "FLYTE_SMFS_ROLE": ROLE,
        "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
        "HOME": str(tmp_path),
    }
    one = Service(environment, log=tmp_path / "log")
    one.start()
    yield one
    one.kill()


def together(count: int, work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def finished(connector: Service, task: Any, metas: list[bytes]) -> list[Any]:
    """Each by its typed result; every one succeeded."""
    return together(len(metas), lambda at: connector.result(task, connector.finish(task, metas[at], 120)))


@pytest.mark.parametrize("count", sampled([8, 40], [8]))
def test_file_systems_links_and_deletions_at_once(connector: Service, emulator: Emulator, count: int) -> None:
    run = f"many{time.time_ns() % 10**9}"

    def created(task: Any, inputs: Callable[[int], dict[str, Any]], step: str) -> list[Any]:
        metas = together(count, lambda at: connector.create(task, inputs(at), name=run, node=f"{step}{at}"))
        return finished(connector, task, metas)

    systems = created(create_lustre, lambda at: {"spec": LustreSpec()}, "fs")
    assert len({one.id for one in systems}) == count
    where = f"s3://{BUCKET}/{run}"
    links = created(
        link_repository, lambda at: {"file_system": systems[at], "repository": f"{where}/{at}", "path": "/ns1"}, "link"
    )
    assert len({one.association_id for one in links}) == count
    gone = created(delete_lustre, lambda at: {"file_system": systems[at]}, "rm")
    assert sorted(one.removed[0] for one in gone) == sorted(one.id for one in systems)


@pytest.mark.parametrize("count", sampled([30, 100], [30]))
def test_gets_at_once_after_a_restart_tell_no_false_phase(connector: Service, emulator: Emulator, count: int) -> None:
    run = f"gets{time.time_ns() % 10**9}"
    with emulator.changed_settings(fsx_creating_seconds=120.0):
        metas = [connector.create(create_lustre, {"spec": LustreSpec()}, name=run, node=f"n{at}") for at in range(10)]
        asked = [metas[at % len(metas)] for at in range(count)]
        together(count, lambda at: connector.get(create_lustre, asked[at]))
        connector.kill()
        connector.start()

        def get(at: int) -> tuple[float, Any]:
            begun = time.monotonic()
            resource = connector.get(create_lustre, asked[at])
            return time.monotonic() - begun, resource

        answers = together(count, get)
        for meta in metas:
            connector.delete(create_lustre, meta)
    assert {resource.phase for _, resource in answers} == {TaskExecution.RUNNING}
    assert not any("could not be read" in resource.message for _, resource in answers)
    assert max(seconds for seconds, _ in answers) < FLYTE
