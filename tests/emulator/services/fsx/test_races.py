"""Deletions, updates and cancellations that come while a turn is under way: none overwrites another."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.emulator.clock import Clock
from flytekitplugins_smfs.emulator.paths import Paths
from flytekitplugins_smfs.emulator.registry import Context
from flytekitplugins_smfs.emulator.scheduler import Scheduler
from flytekitplugins_smfs.emulator.services import load, settings
from flytekitplugins_smfs.emulator.services.fsx.documents import FILE_SYSTEM, TASK
from flytekitplugins_smfs.emulator.settings import Settings
from flytekitplugins_smfs.emulator.store import Doc, Store

Between = Callable[[], Any]


class Interrupted(Store):
    """A store in which something else happens right after a document was read."""

    between: Between | None = None

    def get(self, kind: str, id: str) -> Doc | None:
        found = super().get(kind, id)
        if self.between is not None and kind in (FILE_SYSTEM, TASK):
            between, self.between = self.between, None
            between()
        return found


@dataclass
class Fsx:
    """FSx without a server."""

    store: Interrupted
    context: Context

    def request(self, operation: str, **request: Any) -> Any:
        return load()["fsx"].operations[operation](self.context, request)

    def turn(self, kind: str, id: str, meanwhile: Between) -> None:
        self.store.between = meanwhile
        load()["fsx"].turns[kind](self.context, id)


@pytest.fixture
def fsx(tmp_path: Path) -> Fsx:
    store, nothing = Interrupted(tmp_path / "state.db"), object()
    clock = Clock(store)
    paths = Paths(tmp_path)
    paths.create()
    parts: dict[str, Any] = dict.fromkeys((part.name for part in fields(Context)), nothing)
    parts |= {"store": store, "settings": Settings(groups=settings()), "paths": paths, "clock": clock}
    context = Context(**{**parts, "scheduler": Scheduler(store, clock), "region": "us-east-1"})
    return Fsx(store, context)


def file_system(fsx: Fsx, **members: Any) -> str:
    document = {
        "FileSystemId": "fs-1",
        "Lifecycle": "AVAILABLE",
        "StorageCapacity": 1200,
        "StorageType": "SSD",
        "LustreConfiguration": {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125},
        "SubnetIds": ["subnet-1"],
        "NetworkInterfaceIds": ["eni-1", "eni-2"],
        "FileSystemType": "LUSTRE",
        "FileSystemTypeVersion": "2.15",
        "AdministrativeActions": [],
        "ResourceARN": "arn:aws:fsx:us-east-1:123456789012:file-system/fs-1",
        "Tags": [],
        "region": "us-east-1",
        "fault": None,
        **members,
    }
    fsx.store.put(FILE_SYSTEM, "fs-1", document)
    return "fs-1"


def shown(fsx: Fsx) -> dict[str, Any]:
    return dict(fsx.request("DescribeFileSystems", FileSystemIds=["fs-1"])["FileSystems"][0])


def test_a_deletion_that_begins_while_an_update_finishes_is_not_lost(fsx: Fsx) -> None:
    id = file_system(fsx)
    fsx.request("UpdateFileSystem", FileSystemId=id, StorageCapacity=2400)
    fsx.turn(FILE_SYSTEM, id, lambda: fsx.request("DeleteFileSystem", FileSystemId=id))
    assert shown(fsx)["Lifecycle"] == "DELETING"


def test_tags_given_while_an_update_finishes_are_kept(fsx: Fsx) -> None:
    id = file_system(fsx)
    fsx.request("UpdateFileSystem", FileSystemId=id, StorageCapacity=2400)
    tag = {"Key": "owner", "Value": "me"}
    arn = shown(fsx)["ResourceARN"]
    fsx.turn(FILE_SYSTEM, id, lambda: fsx.request("TagResource", ResourceARN=arn, Tags=[tag]))
    assert shown(fsx)["Tags"] == [tag]
    assert (shown(fsx)["Lifecycle"], shown(fsx)["StorageCapacity"]) == ("AVAILABLE", 2400)


def test_a_deletion_that_begins_while_a_creation_fails_is_not_lost(fsx: Fsx) -> None:
    id = file_system(fsx, Lifecycle="CREATING", fault={"lifecycle": "FAILED"})
    fsx.turn(FILE_SYSTEM, id, lambda: fsx.request("DeleteFileSystem", FileSystemId=id))
    assert shown(fsx)["Lifecycle"] == "DELETING"


def test_a_task_that_is_cancelled_while_it_works_is_cancelled(fsx: Fsx) -> None:
    file_system(fsx)
    task = {"TaskId": "task-1", "Lifecycle": "EXECUTING", "Type": "EXPORT_TO_REPOSITORY", "FileSystemId": "fs-1"}
    fsx.store.put(TASK, "task-1", {**task, "Paths": [], "region": "us-east-1"})
    fsx.turn(TASK, "task-1", lambda: fsx.request("CancelDataRepositoryTask", TaskId="task-1"))
    fsx.turn(TASK, "task-1", lambda: None)
    found = fsx.request("DescribeDataRepositoryTasks", TaskIds=["task-1"])["DataRepositoryTasks"][0]
    assert found["Lifecycle"] == "CANCELED"


@pytest.mark.parametrize(
    ("lifecycle", "then"), [("CREATING", "FAILED"), ("DELETING", "FAILED"), ("UPDATING", "AVAILABLE")]
)
def test_a_turn_that_raises_is_shown_on_its_file_system(fsx: Fsx, lifecycle: str, then: str) -> None:
    id = file_system(fsx)
    fsx.request("UpdateFileSystem", FileSystemId=id, StorageCapacity=2400)
    fsx.store.update(FILE_SYSTEM, id, Lifecycle=lifecycle)
    load()["fsx"].failures[FILE_SYSTEM](fsx.context, id, OSError("disk"))
    assert shown(fsx)["Lifecycle"] == then
    details = shown(fsx)["AdministrativeActions"][0] if then == "AVAILABLE" else shown(fsx)
    assert details["FailureDetails"]["Message"].startswith("InternalServerError")
    assert shown(fsx)["StorageCapacity"] == 1200


def test_every_kind_that_has_turns_says_how_they_fail() -> None:
    for service in load().values():
        assert set(service.turns) == set(service.failures), service.name
