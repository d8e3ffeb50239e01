"""Paths of a client and what a job leaves on a file system: nothing outside is imported over, exported or deleted."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for
from tests.emulator.odd_files import ODD, listing
from tests.emulator.services.fsx.test_association import clean
from tests.emulator.services.fsx.test_file_system import available

__all__ = ["clean"]

EVENTS = {"Events": ["NEW", "CHANGED", "DELETED"]}
BOTH = {"AutoImportPolicy": EVENTS, "AutoExportPolicy": EVENTS}
BUCKET = "sagemaker-us-east-1-123456789012"


@pytest.fixture(scope="module")
def file_system(emulator: Emulator) -> str:
    """A file system for all tests of this module."""
    return str(available(emulator)["FileSystemId"])


@pytest.fixture
def root(emulator: Emulator, file_system: str) -> Path:
    """The file system's directory, as a job has it mounted."""
    return emulator.state / "filesystems" / file_system


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A directory that is nobody's business; unchanged at the end."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_text("not yours")
    before = listing(directory)
    yield directory
    assert listing(directory) == before


pytestmark = pytest.mark.usefixtures("clean")


def link(emulator: Emulator, file_system: str, path: str, prefix: str, **more: Any) -> str:
    created = emulator.client("fsx").create_data_repository_association(
        FileSystemId=file_system,
        FileSystemPath=path,
        DataRepositoryPath=f"s3://{BUCKET}/{prefix}",
        BatchImportMetaDataOnCreate=True,
        **{"S3": BOTH, **more},
    )
    id = str(created["Association"]["AssociationId"])
    wait_for(lambda: association(emulator, id)["Lifecycle"] == "AVAILABLE")
    return id


def association(emulator: Emulator, id: str) -> dict[str, Any]:
    [found] = emulator.client("fsx").describe_data_repository_associations(AssociationIds=[id])["Associations"]
    return dict(found)


def unlink(emulator: Emulator, id: str) -> None:
    fsx = emulator.client("fsx")
    fsx.delete_data_repository_association(AssociationId=id, DeleteDataInFileSystem=True)

    def gone() -> bool:
        try:
            association(emulator, id)
        except ClientError:
            return True
        return False

    wait_for(gone)


def keys(emulator: Emulator, prefix: str) -> list[str]:
    found = emulator.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/").get("Contents", [])
    return [item["Key"] for item in found]


@pytest.mark.point("attack matrix, paths and links of file systems")
@pytest.mark.parametrize(
    ("path", "repository"),
    [
        ("/../../../outside", f"s3://{BUCKET}/p"),
        ("/ns1/../../x", f"s3://{BUCKET}/p"),
        ("/ns1/..", f"s3://{BUCKET}/p"),
        ("/.", f"s3://{BUCKET}/p"),
        (f"/{'a' * 256}", f"s3://{BUCKET}/p"),
        ("/ns1", "s3://../filesystems"),
        ("/ns1", f"s3://{BUCKET}/../../filesystems"),
        ("/ns1", "s3://"),
        ("/ns1", "s3:///etc"),
    ],
)
def test_paths_that_lead_out_are_refused(
    emulator: Emulator, file_system: str, outside: Path, path: str, repository: str
) -> None:
    with pytest.raises(ClientError) as refused:
        emulator.client("fsx").create_data_repository_association(
            FileSystemId=file_system, FileSystemPath=path, DataRepositoryPath=repository
        )
    assert refused.value.response["Error"]["Code"] == "BadRequest"
    member = "FileSystemPath" if repository.endswith("/p") else "DataRepositoryPath"
    assert member in refused.value.response["Error"]["Message"]


@pytest.mark.point("attack matrix, paths and links of file systems")
def test_a_task_with_a_path_that_leads_out_fails(emulator: Emulator, file_system: str, outside: Path) -> None:
    link(emulator, file_system, "/ns1", "task", S3={"AutoImportPolicy": BOTH["AutoImportPolicy"]})
    fsx = emulator.client("fsx")
    made = fsx.create_data_repository_task(
        Type="EXPORT_TO_REPOSITORY", FileSystemId=file_system, Paths=["ns1/../../outside"], Report={"Enabled": False}
    )["DataRepositoryTask"]

    def ended() -> dict[str, Any] | None:
        [task] = fsx.describe_data_repository_tasks(TaskIds=[made["TaskId"]])["DataRepositoryTasks"]
        return dict(task) if task["Lifecycle"] in ("FAILED", "SUCCEEDED") else None

    task = wait_for(ended)
    assert task["Lifecycle"] == "FAILED"
    assert "relative part" in task["FailureDetails"]["Message"]


@pytest.mark.point("attack matrix, paths and links of file systems")
def test_odd_files_never_stop_an_export_and_lead_nowhere(
    emulator: Emulator, file_system: str, root: Path, outside: Path
) -> None:
    id = link(emulator, file_system, "/odd", "matrix")
    kinds: list[Callable[[Path, Path], None]] = ODD
    for number, make in enumerate(kinds):
        make(root / f"odd/odd-{number}", outside / "secret")
    (root / "odd/folder").symlink_to(outside)
    (root / "odd/plain").write_text("plain")
    wait_for(lambda: "matrix/plain" in keys(emulator, "matrix"))
    assert keys(emulator, "matrix") == ["matrix/plain"]
    unlink(emulator, id)
    assert os.listdir(root / "odd") == []


@pytest.mark.point("attack matrix, paths and links of file systems")
def test_imports_do_not_write_over_links(emulator: Emulator, file_system: str, root: Path, outside: Path) -> None:
    link(emulator, file_system, "/ns1", "import")
    (root / "ns1/secret").symlink_to(outside / "secret")
    (root / "ns1/folder").symlink_to(outside)
    s3 = emulator.client("s3")
    for key in ("secret", "folder/secret", "plain"):
        s3.put_object(Bucket=BUCKET, Key=f"import/{key}", Body=b"new")
    wait_for(lambda: (root / "ns1/plain").exists() and not (root / "ns1/secret").is_symlink())
    assert (root / "ns1/secret").read_text() == "new"
    assert (root / "ns1/folder").is_symlink()


@pytest.mark.point("attack matrix, paths and links of file systems")
def test_a_link_in_the_place_of_the_linked_directory(
    emulator: Emulator, file_system: str, root: Path, outside: Path
) -> None:
    id = link(emulator, file_system, "/swap", "swapped")
    (root / "swap").rmdir()
    (root / "swap").symlink_to(outside)
    emulator.client("s3").put_object(Bucket=BUCKET, Key="swapped/new", Body=b"new")
    other = link(emulator, file_system, "/ns2", "witness")
    (root / "ns2/file").write_text("x")
    wait_for(lambda: keys(emulator, "witness"))
    assert keys(emulator, "swapped") == ["swapped/new"]
    unlink(emulator, id)
    unlink(emulator, other)
