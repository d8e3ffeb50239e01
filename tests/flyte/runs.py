"""Workflows for real `pyflyte run` processes: fake operations, and a clean-up. See `fakes`."""

import os
import time
from pathlib import Path

from flytekit import task, workflow

from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.removal import Removed
from tests.flyte.fakes import FileOperation, fake_task

STATE = Path(os.environ["FAKE_STATE"])
OPERATIONS = {name: FileOperation(STATE / name) for name in ("first", "second", "cleanup")}


def by_name(name: str) -> FileOperation:
    return OPERATIONS[name.removeprefix("fake-")]


catalog.load = by_name

first, second, cleanup = (fake_task(name, f"fake-{name}") for name in OPERATIONS)


@workflow(on_failure=cleanup)
def both(spec: LustreSpec = LustreSpec()) -> Removed:
    one = first(spec=spec)
    other = second(spec=spec)
    one >> other
    return other


@task
def ordinary(after: Removed) -> Removed:
    (STATE / "first" / "ordinary").write_text("")
    time.sleep(30)
    return after


@workflow(on_failure=cleanup)
def between(spec: LustreSpec = LustreSpec()) -> Removed:
    return ordinary(after=first(spec=spec))
