"""Updates and deletions of Lustre file systems: what may change, when, and what nobody loses meanwhile."""

import uuid
from typing import Any

import pytest

from tests.conftest import Emulator, wait_for

from .test_file_system import AUTOMATIC, PERSISTENT, SCRATCH, TIERED, TIERING, at, available, gone, parameters, refused

BUCKET = "s3://sagemaker-us-east-1-123456789012"
PROVISIONED = {"Mode": "USER_PROVISIONED", "Iops": 6000}


def changed(emulator: Emulator, id: str, **request: Any) -> dict[str, Any]:
    """The file system once an update is done."""
    emulator.client("fsx").update_file_system(FileSystemId=id, **request)
    return wait_for(lambda: at(emulator, id, "AVAILABLE"))


def test_a_deletion_during_an_update_is_not_lost(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    for _ in range(3):
        id = available(emulator)["FileSystemId"]
        with emulator.changed_settings(fsx_updating_seconds=0, fsx_deleting_seconds=0.3):
            fsx.update_file_system(FileSystemId=id, StorageCapacity=9600)  # makes interfaces, which takes its time
            fsx.delete_file_system(FileSystemId=id)
            wait_for(lambda id=id: gone(emulator, id), 10)


def test_tags_given_during_an_update_stay(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    made = available(emulator)
    with emulator.changed_settings(fsx_updating_seconds=0):
        fsx.update_file_system(FileSystemId=made["FileSystemId"], StorageCapacity=24000)
        for number in range(20):
            fsx.tag_resource(ResourceARN=made["ResourceARN"], Tags=[{"Key": f"k{number}", "Value": "v"}])
    found = wait_for(lambda: at(emulator, made["FileSystemId"], "AVAILABLE"))
    assert len(found["Tags"]) == 20


def test_an_update_with_the_same_token_is_the_same_update(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    update = {"FileSystemId": id, "StorageCapacity": 2400, "ClientRequestToken": str(uuid.uuid4())}
    fsx.update_file_system(**update)
    assert fsx.update_file_system(**update)["FileSystem"]["Lifecycle"] == "UPDATING"
    found = wait_for(lambda: at(emulator, id, "AVAILABLE"))
    again = fsx.update_file_system(**update)["FileSystem"]
    assert (again["Lifecycle"], again["StorageCapacity"]) == ("AVAILABLE", 2400)
    updates = [a for a in found["AdministrativeActions"] if a["AdministrativeActionType"] == "FILE_SYSTEM_UPDATE"]
    assert len(updates) == 1
    error = refused(fsx.update_file_system, **{**update, "StorageCapacity": 4800})
    assert (error["Code"], error["Parameter"]) == ("IncompatibleParameterError", "StorageCapacity")


def test_a_deletion_with_the_same_token_is_the_same_deletion(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    with emulator.changed_settings(fsx_deleting_seconds=1):
        for _ in range(2):
            assert fsx.delete_file_system(FileSystemId=id, ClientRequestToken=id)["Lifecycle"] == "DELETING"
        other = {"FileSystemId": id, "LustreConfiguration": {"SkipFinalBackup": False}}
        error = refused(fsx.delete_file_system, ClientRequestToken=id, **other)
        assert (error["Code"], error["Parameter"]) == ("IncompatibleParameterError", "LustreConfiguration")
    wait_for(lambda: gone(emulator, id))


def test_growth_is_followed_by_the_optimization_of_storage(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    target = fsx.update_file_system(FileSystemId=id, StorageCapacity=2400)["FileSystem"]["AdministrativeActions"][0]
    assert (target["Status"], target["TargetFileSystemValues"]) == ("PENDING", {"StorageCapacity": 2400})

    def done() -> bool:
        found = fsx.describe_file_systems(FileSystemIds=[id])["FileSystems"][0]["AdministrativeActions"]
        states = {action["AdministrativeActionType"]: action["Status"] for action in found}
        assert states["FILE_SYSTEM_UPDATE"] in ("PENDING", "UPDATED_OPTIMIZING", "COMPLETED")
        return states == {"FILE_SYSTEM_UPDATE": "COMPLETED", "STORAGE_OPTIMIZATION": "COMPLETED"}

    wait_for(done)


def test_storage_grows_once_in_six_hours(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    changed(emulator, id, StorageCapacity=2400)
    error = refused(fsx.update_file_system, FileSystemId=id, StorageCapacity=4800)
    assert error["Code"] == "BadRequest"
    assert "until 6 hours after the last change" in error["Message"]
    with emulator.changed_settings(fsx_increase_pause_seconds=0):
        assert changed(emulator, id, StorageCapacity=4800)["StorageCapacity"] == 4800


@pytest.mark.parametrize(
    ("made", "change", "words"),
    [
        ({"LustreConfiguration": SCRATCH}, {"LustreConfiguration": {"PerUnitStorageThroughput": 125}}, "not supported"),
        ({}, {"LustreConfiguration": {"PerUnitStorageThroughput": 200}}, "125, 250, 500, 1000"),
        ({}, {"LustreConfiguration": {"MetadataConfiguration": PROVISIONED}}, "created without one"),
        ({}, {"FileSystemTypeVersion": "2.12"}, "newer than the current 2.12"),
        ({}, {"FileSystemTypeVersion": "2.10"}, "must be 2.12 or 2.15"),
        ({}, {"StorageType": "HDD"}, "StorageType cannot be updated"),
        ({}, {"WindowsConfiguration": {"ThroughputCapacity": 32}}, "WindowsConfiguration cannot be updated"),
        ({}, {"LustreConfiguration": {"AutoImportPolicy": "NEW"}}, "does not implement AutoImportPolicy"),
        ({}, {"LustreConfiguration": {"RootSquashConfiguration": {"RootSquash": "0:7"}}}, "must both be 0"),
        (
            {"LustreConfiguration": {**TIERING, "ThroughputCapacity": 8000}, **TIERED},
            {"LustreConfiguration": {"ThroughputCapacity": 4000}},
            "cannot be decreased",
        ),
    ],
)
def test_changes_that_aws_refuses(emulator: Emulator, made: dict[str, Any], change: dict[str, Any], words: str) -> None:
    id = available(emulator, **made)["FileSystemId"]
    assert words in refused(emulator.client("fsx").update_file_system, FileSystemId=id, **change)["Message"]
    assert at(emulator, id, "AVAILABLE")


def test_throughput_changes_once_in_six_hours(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]

    def throughput(value: int) -> dict[str, Any]:
        return {"LustreConfiguration": {"PerUnitStorageThroughput": value}}

    assert changed(emulator, id, **throughput(500))["LustreConfiguration"]["PerUnitStorageThroughput"] == 500
    error = refused(fsx.update_file_system, FileSystemId=id, **throughput(250))
    assert (error["Code"], "until 6 hours" in error["Message"]) == ("BadRequest", True)
    with emulator.changed_settings(fsx_increase_pause_seconds=0):  # it may fall, too
        assert changed(emulator, id, **throughput(250))["LustreConfiguration"]["PerUnitStorageThroughput"] == 250
    efa = {**PERSISTENT, "EfaEnabled": True, "MetadataConfiguration": AUTOMATIC}
    id = available(emulator, LustreConfiguration=efa)["FileSystemId"]
    assert "EFA" in refused(fsx.update_file_system, FileSystemId=id, **throughput(250))["Message"]


def test_configurations_of_other_types_are_refused(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    windows = {"WindowsConfiguration": {"ThroughputCapacity": 8}}
    error = refused(fsx.create_file_system, **parameters(emulator, **windows))
    assert error["Message"] == "WindowsConfiguration cannot be applied to create a LUSTRE file system."
    id = available(emulator)["FileSystemId"]
    skip = {"WindowsConfiguration": {"SkipFinalBackup": True}}
    error = refused(fsx.delete_file_system, FileSystemId=id, **skip)
    assert error["Message"] == "WindowsConfiguration cannot be applied to delete a LUSTRE file system."


def test_the_version_rises(emulator: Emulator) -> None:
    id = available(emulator)["FileSystemId"]
    assert changed(emulator, id, FileSystemTypeVersion="2.15")["FileSystemTypeVersion"] == "2.15"


def test_the_read_cache_is_changed(emulator: Emulator) -> None:
    id = available(emulator, LustreConfiguration=TIERING, **TIERED)["FileSystemId"]
    cache = {"SizingMode": "USER_PROVISIONED", "SizeGiB": 64}
    found = changed(emulator, id, LustreConfiguration={"DataReadCacheConfiguration": cache})
    assert found["LustreConfiguration"]["DataReadCacheConfiguration"] == cache


@pytest.mark.parametrize(
    ("capacity", "iops"), [(1200, 1500), (2400, 3000), (4800, 6000), (12000, 12000), (50400, 36000)]
)
def test_automatic_metadata_performance_follows_the_capacity(emulator: Emulator, capacity: int, iops: int) -> None:
    lustre = {**PERSISTENT, "MetadataConfiguration": AUTOMATIC}
    request = parameters(emulator, StorageCapacity=capacity, LustreConfiguration=lustre)
    made = emulator.client("fsx").create_file_system(**request)["FileSystem"]
    assert made["LustreConfiguration"]["MetadataConfiguration"] == {"Mode": "AUTOMATIC", "Iops": iops}


def test_metadata_performance_only_rises(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator, LustreConfiguration={**PERSISTENT, "MetadataConfiguration": AUTOMATIC})["FileSystemId"]

    def update(**configuration: Any) -> dict[str, Any]:
        return {"FileSystemId": id, "LustreConfiguration": {"MetadataConfiguration": configuration}}

    assert "AUTOMATIC mode" in refused(fsx.update_file_system, **update(Iops=3000))["Message"]
    both = {**update(Mode="USER_PROVISIONED", Iops=3000), "StorageCapacity": 2400}
    assert "at the same time" in refused(fsx.update_file_system, **both)["Message"]
    with emulator.changed_settings(fsx_increase_pause_seconds=0):
        fsx.update_file_system(**update(Mode="USER_PROVISIONED", Iops=6000))
        found = wait_for(lambda: at(emulator, id, "AVAILABLE"))
        assert found["LustreConfiguration"]["MetadataConfiguration"] == {"Mode": "USER_PROVISIONED", "Iops": 6000}
        assert "cannot be decreased" in refused(fsx.update_file_system, **update(Iops=3000))["Message"]
        assert "cannot be decreased" in refused(fsx.update_file_system, **update(Mode="AUTOMATIC"))["Message"]
        fsx.update_file_system(**update(Iops=12000))
        wait_for(lambda: at(emulator, id, "AVAILABLE"))
    assert "until 6 hours" in refused(fsx.update_file_system, **update(Iops=24000))["Message"]


def test_automatic_metadata_performance_grows_with_the_storage(emulator: Emulator) -> None:
    id = available(emulator, LustreConfiguration={**PERSISTENT, "MetadataConfiguration": AUTOMATIC})["FileSystemId"]
    found = changed(emulator, id, StorageCapacity=4800)
    assert found["LustreConfiguration"]["MetadataConfiguration"] == {"Mode": "AUTOMATIC", "Iops": 6000}


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"Level": "DISABLED", "Destination": "/aws/fsx/x"}, "cannot be specified"),
        ({"Level": "WARN_ERROR", "Destination": "/aws/other"}, "must begin with the /aws/fsx/ prefix"),
        ({"Level": "WARN_ERROR", "Destination": "/aws/fsx/nowhere"}, "does not exist"),
        ({"Level": "WARN_ERROR", "Destination": "/aws/fsx/x", "region": "eu-west-1"}, "Region and account"),
    ],
)
def test_destinations_that_cannot_be_logged_to(emulator: Emulator, configuration: dict[str, str], words: str) -> None:
    fsx = emulator.client("fsx")
    region = configuration.get("region", "us-east-1")
    arn = f"arn:aws:logs:{region}:123456789012:log-group:{configuration['Destination']}"
    lustre = {"LogConfiguration": {"Level": configuration["Level"], "Destination": arn}}
    error = refused(fsx.create_file_system, **parameters(emulator, LustreConfiguration={**PERSISTENT, **lustre}))
    assert error["Code"] == "BadRequest"
    assert words in error["Message"]
    id = available(emulator)["FileSystemId"]
    assert words in refused(fsx.update_file_system, FileSystemId=id, LustreConfiguration=lustre)["Message"]


def test_logs_have_a_stream_of_the_file_system(emulator: Emulator) -> None:
    fsx, logs = emulator.client("fsx"), emulator.client("logs")
    made = available(emulator, LustreConfiguration={**PERSISTENT, "LogConfiguration": {"Level": "ERROR_ONLY"}})
    id, arn = made["FileSystemId"], "arn:aws:logs:us-east-1:123456789012:log-group"
    default = {"Level": "ERROR_ONLY", "Destination": f"{arn}:/aws/fsx/lustre:log-stream:datarepo_{id}"}
    assert made["LustreConfiguration"]["LogConfiguration"] == default
    group = f"/aws/fsx/{id}"
    logs.create_log_group(logGroupName=group)
    own = {"Level": "WARN_ERROR", "Destination": f"{arn}:{group}"}
    found = changed(emulator, id, LustreConfiguration={"LogConfiguration": own})["LustreConfiguration"]
    assert found["LogConfiguration"] == {**own, "Destination": f"{arn}:{group}:log-stream:datarepo_{id}"}
    for name in (group, "/aws/fsx/lustre"):
        streams = logs.describe_log_streams(logGroupName=name, logStreamNamePrefix=f"datarepo_{id}")["logStreams"]
        assert len(streams) == 1
    off = {"LogConfiguration": {"Level": "DISABLED"}}
    assert (
        changed(emulator, id, LustreConfiguration=off)["LustreConfiguration"]["LogConfiguration"]
        == off["LogConfiguration"]
    )
    fsx.delete_file_system(FileSystemId=id)


@pytest.mark.parametrize("squash", ["0:1", "1:0", "4294967295:1", "5:9999999999"])
def test_ids_that_cannot_be_squashed_to(emulator: Emulator, squash: str) -> None:
    lustre = {**PERSISTENT, "RootSquashConfiguration": {"RootSquash": squash}}
    error = refused(emulator.client("fsx").create_file_system, **parameters(emulator, LustreConfiguration=lustre))
    assert error["Code"] == "BadRequest"
    assert f"Invalid RootSquash {squash}" in error["Message"]


@pytest.mark.parametrize("squash", ["0:0", "1:4294967294"])
def test_ids_that_can_be_squashed_to(emulator: Emulator, squash: str) -> None:
    lustre = {**SCRATCH, "RootSquashConfiguration": {"RootSquash": squash}}
    made = emulator.client("fsx").create_file_system(**parameters(emulator, LustreConfiguration=lustre))["FileSystem"]
    assert made["LustreConfiguration"]["RootSquashConfiguration"] == {"RootSquash": squash}


def test_fifty_tags_at_most(emulator: Emulator) -> None:
    fsx = emulator.client("fsx", parameter_validation=False)
    tags = [{"Key": f"key-{number}", "Value": ""} for number in range(51)]
    error = refused(fsx.create_file_system, **parameters(emulator, Tags=tags))
    assert (error["Code"], "less than or equal to 50" in error["Message"]) == ("BadRequest", True)
    made = fsx.create_file_system(**parameters(emulator, Tags=tags[:50]))["FileSystem"]
    assert len(made["Tags"]) == 50


def test_what_is_persistent_shows_its_key_and_its_backups(emulator: Emulator) -> None:
    fsx, kms = emulator.client("fsx"), emulator.client("kms")
    made = fsx.create_file_system(**parameters(emulator))["FileSystem"]
    assert made["KmsKeyId"].startswith("arn:aws:kms:us-east-1:123456789012:key/")
    assert made["LustreConfiguration"]["AutomaticBackupRetentionDays"] == 0
    assert made["LustreConfiguration"]["LogConfiguration"] == {"Level": "DISABLED"}
    assert "DailyAutomaticBackupStartTime" not in made["LustreConfiguration"]
    scratch = fsx.create_file_system(**parameters(emulator, LustreConfiguration=SCRATCH))["FileSystem"]
    assert "KmsKeyId" not in scratch
    assert "AutomaticBackupRetentionDays" not in scratch["LustreConfiguration"]
    key = kms.create_key()["KeyMetadata"]
    backed = {**PERSISTENT, "AutomaticBackupRetentionDays": 3}
    request = parameters(emulator, KmsKeyId=key["KeyId"], LustreConfiguration=backed)
    own = fsx.create_file_system(**request)["FileSystem"]
    assert own["KmsKeyId"] == key["Arn"]
    assert len(own["LustreConfiguration"]["DailyAutomaticBackupStartTime"]) == 5
    error = refused(fsx.create_file_system, **parameters(emulator, KmsKeyId=str(uuid.uuid4())))
    assert (error["Code"], "does not exist" in error["Message"]) == ("BadRequest", True)


def test_no_deletion_while_a_task_is_under_way(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    link = {"FileSystemId": id, "FileSystemPath": "/a", "DataRepositoryPath": f"{BUCKET}/{id}"}
    made = fsx.create_data_repository_association(**link)["Association"]["AssociationId"]

    def association() -> dict[str, Any]:
        return dict(fsx.describe_data_repository_associations(AssociationIds=[made])["Associations"][0])

    wait_for(lambda: association()["Lifecycle"] == "AVAILABLE")
    with emulator.changed_settings(repository_task_seconds=3600):
        task = {"FileSystemId": id, "Type": "IMPORT_METADATA_FROM_REPOSITORY", "Report": {"Enabled": False}}
        task_id = fsx.create_data_repository_task(**task)["DataRepositoryTask"]["TaskId"]
    error = refused(fsx.delete_file_system, FileSystemId=id)
    assert (error["Code"], "data repository task" in error["Message"]) == ("BadRequest", True)
    fsx.cancel_data_repository_task(TaskId=task_id)
    final = {"FileSystemId": id, "LustreConfiguration": {"SkipFinalBackup": False}}
    wait_for(lambda: "final backup" in refused(fsx.delete_file_system, **final)["Message"])
    with emulator.changed_settings(association_deleting_seconds=0.5, fsx_deleting_seconds=1):
        fsx.delete_file_system(FileSystemId=id)
        assert association()["Lifecycle"] == "DELETING"
        wait_for(lambda: gone(emulator, id))
    assert refused(association)["Code"] == "DataRepositoryAssociationNotFound"


def test_links_need_lustre_2_12(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator, LustreConfiguration=SCRATCH)["FileSystemId"]
    link = {"FileSystemId": id, "FileSystemPath": "/a", "DataRepositoryPath": f"{BUCKET}/{id}"}
    error = refused(fsx.create_data_repository_association, **link)
    assert error["Code"] == "UnsupportedOperation"
    assert "2.12 and 2.15" in error["Message"]
    assert changed(emulator, id, FileSystemTypeVersion="2.12")["FileSystemTypeVersion"] == "2.12"
    assert fsx.create_data_repository_association(**link)["Association"]["Lifecycle"] == "CREATING"


def test_links_are_changed_and_removed_once_for_a_token(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    link = {"FileSystemId": id, "FileSystemPath": "/a", "DataRepositoryPath": f"{BUCKET}/{id}"}
    made = fsx.create_data_repository_association(**link)["Association"]["AssociationId"]

    def lifecycle() -> str:
        found = fsx.describe_data_repository_associations(AssociationIds=[made])["Associations"]
        return str(found[0]["Lifecycle"])

    wait_for(lambda: lifecycle() == "AVAILABLE")
    change = {"AssociationId": made, "ImportedFileChunkSize": 2048, "ClientRequestToken": made}
    fsx.update_data_repository_association(**change)
    assert fsx.update_data_repository_association(**change)["Association"]["ImportedFileChunkSize"] == 2048
    error = refused(fsx.update_data_repository_association, **{**change, "ImportedFileChunkSize": 1})
    assert (error["Code"], error["Parameter"]) == ("IncompatibleParameterError", "ImportedFileChunkSize")
    wait_for(lambda: lifecycle() == "AVAILABLE")
    with emulator.changed_settings(association_deleting_seconds=1):
        gone = {"AssociationId": made, "ClientRequestToken": made}
        for _ in range(2):
            assert fsx.delete_data_repository_association(**gone)["Lifecycle"] == "DELETING"
        error = refused(fsx.delete_data_repository_association, **gone, DeleteDataInFileSystem=True)
        assert error["Code"] == "IncompatibleParameterError"


def test_no_export_task_beside_automatic_export(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    links = {}
    for name, events in (("auto", ["NEW"]), ("plain", [])):
        link = {"FileSystemId": id, "FileSystemPath": f"/{name}", "DataRepositoryPath": f"{BUCKET}/{id}/{name}"}
        policy = {"AutoExportPolicy": {"Events": events}}
        made = fsx.create_data_repository_association(**link, S3=policy)["Association"]
        links[name] = made["AssociationId"]

    def ready() -> bool:
        found = fsx.describe_data_repository_associations(AssociationIds=list(links.values()))["Associations"]
        return all(one["Lifecycle"] == "AVAILABLE" for one in found)

    wait_for(ready)
    task = {"FileSystemId": id, "Type": "EXPORT_TO_REPOSITORY", "Report": {"Enabled": False}}
    for paths in ({}, {"Paths": ["auto/x"]}):
        error = refused(fsx.create_data_repository_task, **task, **paths)
        assert (error["Code"], links["auto"] in error["Message"]) == ("BadRequest", True)
    assert fsx.create_data_repository_task(**task, Paths=["plain"])["DataRepositoryTask"]["Lifecycle"] == "PENDING"
