"""Data repository associations and tasks: files really move between bucket and file system. C8, C9, C10, C12, C13."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for
from tests.emulator.services.fsx.test_file_system import available, gone, parameters, refused

EVENTS = {"Events": ["NEW", "CHANGED", "DELETED"]}
UNKNOWN = "dra-0123456789abcdef0"


@pytest.fixture(scope="module")
def file_system(emulator: Emulator) -> str:
    """A file system for all tests of this module."""
    return str(available(emulator)["FileSystemId"])


@pytest.fixture
def bucket(emulator: Emulator, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    name = f"links-{time.time_ns()}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def clean(emulator: Emulator, file_system: str) -> Iterator[None]:
    """Leave no association behind: a file system takes only eight."""
    yield
    fsx = emulator.client("fsx")
    for association in associations(emulator, file_system):
        fsx.delete_data_repository_association(AssociationId=association["AssociationId"])
    wait_for(lambda: not associations(emulator, file_system))


pytestmark = pytest.mark.usefixtures("clean")


def associations(emulator: Emulator, file_system: str) -> list[dict[str, Any]]:
    """All associations of a file system."""
    filters = [{"Name": "file-system-id", "Values": [file_system]}]
    return list(emulator.client("fsx").describe_data_repository_associations(Filters=filters)["Associations"])


def linked(emulator: Emulator, file_system: str, uri: str, path: str = "/ns1", **changes: Any) -> str:
    """The id of a new association that is AVAILABLE."""
    request = {
        "FileSystemId": file_system,
        "FileSystemPath": path,
        "DataRepositoryPath": uri,
        "BatchImportMetaDataOnCreate": True,
        "S3": {"AutoImportPolicy": EVENTS, "AutoExportPolicy": EVENTS},
        **changes,
    }
    made = emulator.client("fsx").create_data_repository_association(**request)["Association"]
    assert made["Lifecycle"] == "CREATING"
    wait_for(lambda: reached(emulator, made["AssociationId"], "AVAILABLE"))
    return str(made["AssociationId"])


def reached(emulator: Emulator, id: str, lifecycle: str) -> dict[str, Any] | None:
    """The association, if it has got there."""
    fsx = emulator.client("fsx")
    found = fsx.describe_data_repository_associations(AssociationIds=[id])["Associations"][0]
    return dict(found) if found["Lifecycle"] == lifecycle else None


def keys(emulator: Emulator, bucket: str) -> set[str]:
    """All keys of a bucket."""
    return {o["Key"] for o in emulator.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])}


def directory(emulator: Emulator, file_system: str, path: str) -> Path:
    """Where a path of the file system is on this machine."""
    return emulator.state / "filesystems" / file_system / path.strip("/")


def test_objects_are_imported_and_files_exported(emulator: Emulator, file_system: str, bucket: str) -> None:
    s3, root = emulator.client("s3"), directory(emulator, file_system, "/ns1")
    s3.put_object(Bucket=bucket, Key="data/train/a.csv", Body=b"1,2")
    s3.put_object(Bucket=bucket, Key="other/b.csv", Body=b"no")
    linked(emulator, file_system, f"s3://{bucket}/data/")
    assert (root / "train/a.csv").read_bytes() == b"1,2"
    assert not (root / "b.csv").exists()

    s3.put_object(Bucket=bucket, Key="data/train/new.csv", Body=b"new")
    s3.put_object(Bucket=bucket, Key="data/train/a.csv", Body=b"changed")
    wait_for(lambda: (root / "train/new.csv").exists() and (root / "train/a.csv").read_bytes() == b"changed")

    (root / "model").mkdir()
    (root / "model/weights").write_bytes(b"w")
    wait_for(lambda: "data/model/weights" in keys(emulator, bucket))
    assert s3.get_object(Bucket=bucket, Key="data/model/weights")["Body"].read() == b"w"

    s3.delete_object(Bucket=bucket, Key="data/train/new.csv")
    (root / "model/weights").unlink()
    wait_for(lambda: not (root / "train/new.csv").exists())
    wait_for(lambda: keys(emulator, bucket) == {"data/train/a.csv", "other/b.csv"})


def test_an_import_does_not_come_back_as_an_export(emulator: Emulator, file_system: str, bucket: str) -> None:
    s3, root = emulator.client("s3"), directory(emulator, file_system, "/echo")
    linked(emulator, file_system, f"s3://{bucket}", "/echo")
    s3.put_object(Bucket=bucket, Key="x", Body=b"1")
    wait_for(lambda: (root / "x").exists())
    before = s3.head_object(Bucket=bucket, Key="x")["LastModified"], (root / "x").stat().st_mtime_ns
    (root / "other").write_text("a later export shows that two more looks have passed")
    wait_for(lambda: "other" in keys(emulator, bucket))
    assert (s3.head_object(Bucket=bucket, Key="x")["LastModified"], (root / "x").stat().st_mtime_ns) == before


def test_only_the_chosen_events_are_carried_over(emulator: Emulator, file_system: str, bucket: str) -> None:
    s3, root = emulator.client("s3"), directory(emulator, file_system, "/some")
    s3.put_object(Bucket=bucket, Key="old", Body=b"old")
    linked(
        emulator, file_system, f"s3://{bucket}", "/some",
        BatchImportMetaDataOnCreate=False, S3={"AutoImportPolicy": {"Events": ["NEW"]}},
    )  # fmt: skip
    s3.put_object(Bucket=bucket, Key="old", Body=b"changed")
    s3.put_object(Bucket=bucket, Key="new", Body=b"new")
    wait_for(lambda: (root / "new").exists())
    assert not (root / "old").exists()
    (root / "mine").write_text("not exported")
    s3.put_object(Bucket=bucket, Key="later", Body=b"x")
    wait_for(lambda: (root / "later").exists())
    assert "mine" not in keys(emulator, bucket)


def test_a_missing_bucket_misconfigures_the_link_until_it_is_there(emulator: Emulator, file_system: str) -> None:
    fsx, name = emulator.client("fsx"), f"absent-{time.time_ns()}"
    request = {"FileSystemId": file_system, "FileSystemPath": "/absent", "DataRepositoryPath": f"s3://{name}/x"}
    id = fsx.create_data_repository_association(**request)["Association"]["AssociationId"]
    found = wait_for(lambda: reached(emulator, id, "MISCONFIGURED"))
    assert name in found["FailureDetails"]["Message"]
    emulator.client("s3").create_bucket(Bucket=name)
    wait_for(lambda: reached(emulator, id, "AVAILABLE"))


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"DataRepositoryPath": "bucket/x"}, "BadRequest", "s3://"),
        ({"FileSystemPath": "ns1"}, "BadRequest", "forward slash"),
        ({"FileSystemPath": "/first"}, "BadRequest", "overlaps"),
        ({"FileSystemPath": "/first/below"}, "BadRequest", "overlaps"),
        ({"FileSystemPath": "/"}, "BadRequest", "overlaps"),
        ({"DataRepositoryPath": "s3://sagemaker-us-east-1-123456789012/first/x"}, "BadRequest", "overlaps"),
        ({"FileSystemId": "fs-0123456789abcdef0"}, "FileSystemNotFound", "fs-0123456789abcdef0"),
        ({"ImportedFileChunkSize": 512001}, "BadRequest", "less than or equal to 512000"),
        ({"S3": {"AutoImportPolicy": {"Events": ["SOME"]}}}, "BadRequest", "NEW, CHANGED, DELETED"),
    ],
)
def test_what_aws_refuses_is_refused(
    emulator: Emulator, file_system: str, changes: dict[str, Any], code: str, words: str
) -> None:
    linked(emulator, file_system, "s3://sagemaker-us-east-1-123456789012/first", "/first")
    request = {
        "FileSystemId": file_system,
        "FileSystemPath": "/second",
        "DataRepositoryPath": "s3://sagemaker-us-east-1-123456789012/second",
        **changes,
    }
    error = refused(emulator.client("fsx").create_data_repository_association, **request)
    assert error["Code"] == code
    assert words in error["Message"]


def test_a_file_system_takes_eight_links(emulator: Emulator, file_system: str, bucket: str) -> None:
    fsx = emulator.client("fsx")
    for number in range(8):
        request = {"FileSystemPath": f"/n{number}", "DataRepositoryPath": f"s3://{bucket}/n{number}"}
        fsx.create_data_repository_association(FileSystemId=file_system, **request)
    request = {"FileSystemPath": "/n8", "DataRepositoryPath": f"s3://{bucket}/n8"}
    error = refused(fsx.create_data_repository_association, FileSystemId=file_system, **request)
    assert error["Code"] == "ServiceLimitExceeded"
    filters = [{"Name": "file-system-id", "Values": [file_system]}]
    page = fsx.describe_data_repository_associations(Filters=filters, MaxResults=5)
    assert len(page["Associations"]) == 5
    rest = fsx.describe_data_repository_associations(Filters=filters, MaxResults=5, NextToken=page["NextToken"])
    assert len(rest["Associations"]) == 3
    assert "NextToken" not in rest


def test_scratch_1_cannot_be_linked(emulator: Emulator, bucket: str) -> None:
    made = available(emulator, LustreConfiguration={"DeploymentType": "SCRATCH_1"})
    assert made["LustreConfiguration"]["MountName"] == "fsx"
    request = {"FileSystemPath": "/ns1", "DataRepositoryPath": f"s3://{bucket}"}
    error = refused(
        emulator.client("fsx").create_data_repository_association, FileSystemId=made["FileSystemId"], **request
    )
    assert error["Code"] == "UnsupportedOperation"


def test_a_file_system_that_is_being_made_cannot_be_linked(emulator: Emulator, bucket: str) -> None:
    fsx = emulator.client("fsx")
    id = fsx.create_file_system(**parameters(emulator))["FileSystem"]["FileSystemId"]
    request = {"FileSystemPath": "/ns1", "DataRepositoryPath": f"s3://{bucket}"}
    assert "CREATING" in refused(fsx.create_data_repository_association, FileSystemId=id, **request)["Message"]


@pytest.mark.parametrize("with_data", [False, True])
def test_unlinking_keeps_the_data_unless_told(
    emulator: Emulator, file_system: str, bucket: str, with_data: bool
) -> None:
    fsx, root = emulator.client("fsx"), directory(emulator, file_system, "/kept")
    emulator.client("s3").put_object(Bucket=bucket, Key="x", Body=b"1")
    id = linked(emulator, file_system, f"s3://{bucket}", "/kept")
    fsx.delete_data_repository_association(AssociationId=id, DeleteDataInFileSystem=with_data)
    wait_for(lambda: not associations(emulator, file_system))
    assert (root / "x").exists() is not with_data
    assert keys(emulator, bucket) == {"x"}
    assert (
        refused(fsx.delete_data_repository_association, AssociationId=id)["Code"] == "DataRepositoryAssociationNotFound"
    )


def test_links_go_with_their_file_system(emulator: Emulator, bucket: str) -> None:
    fsx = emulator.client("fsx")
    emulator.client("s3").put_object(Bucket=bucket, Key="x", Body=b"1")
    id = str(available(emulator)["FileSystemId"])
    association = linked(emulator, id, f"s3://{bucket}")
    fsx.delete_file_system(FileSystemId=id)
    wait_for(lambda: gone(emulator, id))
    with pytest.raises(ClientError, match="DataRepositoryAssociationNotFound"):
        fsx.describe_data_repository_associations(AssociationIds=[association])
    assert keys(emulator, bucket) == {"x"}


def test_policies_can_be_changed(emulator: Emulator, file_system: str, bucket: str) -> None:
    fsx, root = emulator.client("fsx"), directory(emulator, file_system, "/quiet")
    id = linked(emulator, file_system, f"s3://{bucket}", "/quiet", S3={})
    fsx.update_data_repository_association(AssociationId=id, S3={"AutoImportPolicy": EVENTS})
    wait_for(lambda: reached(emulator, id, "AVAILABLE"))
    emulator.client("s3").put_object(Bucket=bucket, Key="x", Body=b"1")
    wait_for(lambda: (root / "x").exists())
    assert refused(fsx.update_data_repository_association, AssociationId=UNKNOWN)["Code"] == (
        "DataRepositoryAssociationNotFound"
    )


def test_tasks_export_and_import_once(emulator: Emulator, file_system: str, bucket: str) -> None:
    fsx, root = emulator.client("fsx"), directory(emulator, file_system, "/task")
    linked(emulator, file_system, f"s3://{bucket}", "/task", S3={})
    (root / "out").mkdir()
    (root / "out/a").write_text("a")
    (root / "b").write_text("b")
    task = {"FileSystemId": file_system, "Report": {"Enabled": False}}
    made = fsx.create_data_repository_task(Type="EXPORT_TO_REPOSITORY", Paths=["task/out"], **task)[
        "DataRepositoryTask"
    ]
    busy = refused(fsx.create_data_repository_task, Type="EXPORT_TO_REPOSITORY", **task)
    assert busy["Code"] == "DataRepositoryTaskExecuting"
    assert wait_for(lambda: ended(emulator, made["TaskId"]))["Status"]["SucceededCount"] == 1
    assert keys(emulator, bucket) == {"out/a"}
    emulator.client("s3").put_object(Bucket=bucket, Key="in", Body=b"x")
    made = fsx.create_data_repository_task(Type="IMPORT_METADATA_FROM_REPOSITORY", **task)["DataRepositoryTask"]
    assert wait_for(lambda: ended(emulator, made["TaskId"]))["Lifecycle"] == "SUCCEEDED"
    assert (root / "in").read_bytes() == b"x"
    assert refused(fsx.cancel_data_repository_task, TaskId=made["TaskId"])["Code"] == "DataRepositoryTaskEnded"


def test_associations_are_found_by_filters(emulator: Emulator, file_system: str, bucket: str) -> None:
    fsx = emulator.client("fsx")
    ids = [linked(emulator, file_system, f"s3://{bucket}/{name}", f"/{name}", S3={}) for name in ("f1", "f2", "f3")]

    def found(*filters: tuple[str, list[str]], **more: Any) -> list[str]:
        asked = [{"Name": name, "Values": values} for name, values in filters]
        answer = fsx.describe_data_repository_associations(Filters=asked, **more)
        return [association["AssociationId"] for association in answer["Associations"]]

    here = ("file-system-id", [file_system, "fs-0123456789abcdef0"])
    assert found(here) == ids
    assert found(here, ("data-repository-type", ["S3"])) == ids
    assert found(here, ("data-repository-type", ["NFS"])) == []
    assert found(here, ("file-cache-id", ["fc-0123456789abcdef0"])) == []
    assert found(("file-system-id", ["fs-0123456789abcdef0"])) == []
    assert found(here, AssociationIds=ids[:2], MaxResults=1) == ids[:1]
    describe = fsx.describe_data_repository_associations
    assert refused(describe, Filters=[{"Name": "volume-id", "Values": ["x"]}])["Code"] == "BadRequest"
    assert refused(describe, Filters=[{"Values": ["x"]}])["Code"] == "BadRequest"
    wrong_type = [{"Name": "data-repository-type", "Values": ["S3", "FTP"]}]
    assert refused(describe, Filters=wrong_type)["Code"] == "InvalidDataRepositoryType"
    assert refused(describe, AssociationIds=[ids[0], UNKNOWN])["Code"] == "DataRepositoryAssociationNotFound"
    for mistake in ({"MaxResults": 26}, {"AssociationIds": ids[:1] * 51}, {"NextToken": "nonsense"}):
        assert refused(describe, **mistake)["Code"] == "BadRequest"


def test_associations_and_tasks_have_tags(emulator: Emulator, file_system: str, bucket: str) -> None:
    fsx = emulator.client("fsx")
    id = linked(emulator, file_system, f"s3://{bucket}", "/tags", S3={}, Tags=[{"Key": "a", "Value": "1"}])
    task = fsx.create_data_repository_task(
        Type="EXPORT_TO_REPOSITORY",
        FileSystemId=file_system,
        Paths=["tags"],
        Report={"Enabled": False},
        Tags=[{"Key": "a", "Value": "1"}],
    )["DataRepositoryTask"]
    wait_for(lambda: ended(emulator, task["TaskId"]))
    [association] = fsx.describe_data_repository_associations(AssociationIds=[id])["Associations"]
    for arn in (association["ResourceARN"], task["ResourceARN"]):
        assert fsx.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "1"}]
        fsx.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
        fsx.untag_resource(ResourceARN=arn, TagKeys=["a", "never"])
        assert fsx.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
        taken = refused(fsx.tag_resource, ResourceARN=arn, Tags=[{"Key": "aws:b", "Value": "2"}])
        assert taken["Code"] == "BadRequest"
        unknown = f"{arn[:-17]}0123456789abcdef0"
        assert refused(fsx.list_tags_for_resource, ResourceARN=unknown)["Code"] == "ResourceNotFound"
    [association] = fsx.describe_data_repository_associations(AssociationIds=[id])["Associations"]
    assert association["Tags"] == [{"Key": "b", "Value": "2"}]


def test_tasks_are_found_by_filters(emulator: Emulator, file_system: str, bucket: str) -> None:
    fsx = emulator.client("fsx")
    one, other = (linked(emulator, file_system, f"s3://{bucket}/{n}", f"/{n}", S3={}) for n in ("t1", "t2"))

    def finished(*paths: str) -> str:
        task = {"FileSystemId": file_system, "Report": {"Enabled": False}, "Paths": list(paths)}
        made = fsx.create_data_repository_task(Type="EXPORT_TO_REPOSITORY", **task)["DataRepositoryTask"]
        wait_for(lambda: ended(emulator, made["TaskId"]))
        return str(made["TaskId"])

    first, both = finished("t1"), finished("t1", "t2")

    def found(*filters: tuple[str, list[str]], **more: Any) -> list[str]:
        asked = [{"Name": name, "Values": values} for name, values in filters]
        answer = fsx.describe_data_repository_tasks(Filters=asked, **{"TaskIds": [first, both], **more})
        return [task["TaskId"] for task in answer["DataRepositoryTasks"]]

    assert found() == [first, both]
    assert {first, both} <= set(found(("file-system-id", [file_system]), TaskIds=[]))
    assert found(("data-repository-association-id", [one])) == [first, both]
    assert found(("data-repository-association-id", [other, UNKNOWN])) == [both]
    assert found(("task-lifecycle", ["SUCCEEDED", "FAILED"])) == [first, both]
    assert found(("task-lifecycle", ["EXECUTING"])) == []
    assert found(("file-cache-id", ["fc-0123456789abcdef0"])) == []
    assert found(MaxResults=1) == [first]
    assert refused(found, TaskIds=["task-0123456789abcdef0"])["Code"] == "DataRepositoryTaskNotFound"
    for wrong in ({"Name": "mood", "Values": ["good"]}, {"Values": ["x"]}):
        assert refused(fsx.describe_data_repository_tasks, Filters=[wrong])["Code"] == "BadRequest"
    assert refused(found, NextToken="nonsense")["Code"] == "BadRequest"


def ended(emulator: Emulator, id: str) -> dict[str, Any] | None:
    """The task, if it is over."""
    found = emulator.client("fsx").describe_data_repository_tasks(TaskIds=[id])["DataRepositoryTasks"][0]
    return dict(found) if found["Lifecycle"] not in ("PENDING", "EXECUTING") else None
