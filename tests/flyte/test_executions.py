"""An execution is the outermost call of a workflow, never the process: two in one own different things. N1, N12"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flytekit import dynamic, eager, task, workflow
from flytekit.core.context_manager import FlyteContextManager

from flytekitplugins_smfs import LustreFileSystem, LustreSpec, ReleaseTask, create_lustre
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.runs import execution
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import Emulator
from tests.operations.driving import ROLE, file_systems_of

release = ReleaseTask("executions.release", inputs={"fail": bool})
seen: list[str] = []


@task
def note(after: LustreFileSystem, fail: bool) -> str:
    """Note the execution, and fail if asked to."""
    seen.append(execution.current().id)
    if fail:
        raise ValueError("as asked")
    return execution.current().id


@workflow
def inner(fail: bool) -> str:
    return note(after=create_lustre(spec=LustreSpec()), fail=fail)


@workflow(on_failure=release)
def outer(fail: bool) -> str:
    return inner(fail=fail)


@dynamic
def dynamically(fail: bool) -> str:
    inner(fail=fail)
    return inner(fail=fail)


@eager
async def eagerly(fail: bool) -> list[str]:
    return [inner(fail=fail), inner(fail=fail)]


@pytest.fixture(autouse=True)
def on_the_emulator(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("FLYTE_SMFS_ENDPOINT", "emulator")
    monkeypatch.setenv("FLYTE_SMFS_EMULATOR_STATE", str(emulator.state))
    monkeypatch.setenv("FLYTE_SMFS_ROLE", ROLE)
    monkeypatch.setenv("FLYTE_SMFS_AVAILABILITY_ZONE", "us-east-1a")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(execution, "_process", None)
    seen.clear()
    yield
    aws = Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state)))
    for one in set(seen):
        for system in file_systems_of(aws, one):
            emulator.client("fsx").delete_file_system(FileSystemId=system)


@pytest.fixture
def aws(emulator: Emulator) -> Aws:
    return Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state)))


def outcome(fail: bool) -> str:
    """What a call gave, or why it failed."""
    try:
        return str(outer(fail=fail))
    except ValueError as error:
        return str(error)


def in_turn() -> list[str]:
    return [outcome(False), outcome(True)]


def in_threads() -> list[str]:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(outcome, [False, True]))


def in_asyncio_threads() -> list[str]:
    async def both() -> list[str]:
        return list(await asyncio.gather(*(asyncio.to_thread(outcome, fail) for fail in (False, True))))

    return asyncio.run(both())


def in_one_event_loop() -> list[str]:
    async def one(fail: bool) -> str:
        await asyncio.sleep(0)
        return outcome(fail)

    async def both() -> list[str]:
        return list(await asyncio.gather(one(False), one(True)))

    return asyncio.run(both())


@pytest.mark.parametrize("way", [in_turn, in_threads, in_asyncio_threads, in_one_event_loop])
def test_of_two_workflows_the_failing_one_releases_its_own(way: Callable[[], list[str]], aws: Aws) -> None:
    lives, said = way()
    assert lives.startswith("local/")
    assert "as asked" in said
    assert len(set(seen)) == 2
    (dead,) = set(seen) - {lives}
    assert len(file_systems_of(aws, lives)) == 1
    assert file_systems_of(aws, dead) == []


@pytest.mark.parametrize("fail", [False, True])
def test_many_in_threads_at_once_do_not_mix(aws: Aws, fail: bool) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(outcome, [fail] * 4))
    assert len(set(seen)) == 4
    if fail:
        assert all("as asked" in one for one in outcomes)
    assert [len(file_systems_of(aws, one)) for one in set(seen)] == [0 if fail else 1] * 4


def test_sub_workflows_belong_to_the_outermost_call() -> None:
    dynamically(fail=False)
    assert len(seen) == 2
    assert len(set(seen)) == 1
    asyncio.run(eagerly(fail=False))
    assert len(seen) == 4
    assert len(set(seen[2:])) == 1
    assert len(set(seen)) == 2


def test_an_input_given_by_position_does_not_break_the_clean_up(aws: Aws) -> None:
    """flytekit gives `on_failure` only the inputs that were given by name."""
    with pytest.raises(ValueError, match="as asked"):
        outer(True)
    assert file_systems_of(aws, seen[-1]) == []


def test_operations_outside_of_any_workflow_share_the_processs_execution(aws: Aws) -> None:
    systems = [create_lustre(spec=LustreSpec()) for _ in range(2)]
    mine = execution.current().id
    seen.append(mine)
    assert sorted(file_systems_of(aws, mine)) == sorted(system.id for system in systems)
    execution.current().finish()


def test_the_handlers_come_back_whatever_keeps_references() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    FlyteContextManager.current_context()
    before = [signal.getsignal(number) for number in numbers]
    during: list[Any] = []

    @task
    def look(after: LustreFileSystem) -> str:
        during.extend(signal.getsignal(number) for number in numbers)
        if during:
            raise ValueError("kept")
        return after.id

    @workflow(on_failure=release)
    def flow(fail: bool) -> str:
        return look(after=create_lustre(spec=LustreSpec()))

    gc.disable()
    try:
        kept = None
        try:
            flow(fail=True)
        except ValueError:
            kept = sys.exc_info()
        assert kept is not None
        assert [signal.getsignal(number) for number in numbers] == before
    finally:
        gc.enable()
    assert all(one not in before for one in during)


def test_workflows_in_threads_get_their_values_not_promises() -> None:
    """flytekit shares one list of contexts between the threads of asyncio, and changes it in place."""
    started = threading.Barrier(2)

    @task
    def meet(name: str) -> str:
        started.wait(20)
        return name

    @workflow
    def greet(name: str) -> str:
        return meet(name=name)

    async def both() -> list[Any]:
        return list(await asyncio.gather(*(asyncio.to_thread(greet, name=name) for name in ("a", "b"))))

    for _ in range(5):
        assert asyncio.run(both()) == ["a", "b"]
