"""Lustre file systems: what AWS accepts, what it refuses, and the lifecycle. C1, C3, C5, C7."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for


def subnet(emulator: Emulator) -> dict[str, Any]:
    """The default subnet of the first zone."""
    found = emulator.client("ec2").describe_subnets(
        Filters=[{"Name": "availability-zone", "Values": [f"{emulator.env['AWS_REGION']}a"]}]
    )
    return dict(found["Subnets"][0])


def parameters(emulator: Emulator, **changes: Any) -> dict[str, Any]:
    """A request that is right, with changes; None removes a member."""
    request = {
        "FileSystemType": "LUSTRE",
        "StorageCapacity": 1200,
        "SubnetIds": [subnet(emulator)["SubnetId"]],
        "LustreConfiguration": {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125},
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}


def available(emulator: Emulator, **changes: Any) -> dict[str, Any]:
    """A new file system that is AVAILABLE."""
    fsx = emulator.client("fsx")
    id = fsx.create_file_system(**parameters(emulator, **changes))["FileSystem"]["FileSystemId"]
    return wait_for(lambda: at(emulator, id, "AVAILABLE"))


def at(emulator: Emulator, id: str, lifecycle: str) -> dict[str, Any] | None:
    """The file system, if it has got there."""
    found = emulator.client("fsx").describe_file_systems(FileSystemIds=[id])["FileSystems"][0]
    return dict(found) if found["Lifecycle"] == lifecycle else None


def refused(operation: Any, **request: Any) -> dict[str, Any]:
    """The error of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        operation(**request)
    return {**caught.value.response, **caught.value.response["Error"]}


def gone(emulator: Emulator, id: str) -> bool:
    """Whether AWS says that there is no such file system."""
    try:
        emulator.client("fsx").describe_file_systems(FileSystemIds=[id])
    except ClientError as error:
        return error.response["Error"]["Code"] == "FileSystemNotFound"
    return False


def test_a_file_system_is_created_and_deleted(emulator: Emulator) -> None:
    fsx, ec2 = emulator.client("fsx"), emulator.client("ec2")
    made = fsx.create_file_system(**parameters(emulator, Tags=[{"Key": "owner", "Value": "me"}]))["FileSystem"]
    assert made["Lifecycle"] == "CREATING"
    id = made["FileSystemId"]
    ready = wait_for(lambda: at(emulator, id, "AVAILABLE"))
    assert len(ready["LustreConfiguration"]["MountName"]) == 8
    assert ready["DNSName"] == f"{id}.fsx.us-east-1.amazonaws.com"
    assert ready["Tags"] == [{"Key": "owner", "Value": "me"}]
    assert (emulator.state / "filesystems" / id).is_dir()
    interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=ready["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert len(interfaces) == 2
    assert {i["SubnetId"] for i in interfaces} == set(ready["SubnetIds"])
    assert fsx.delete_file_system(FileSystemId=id)["Lifecycle"] == "DELETING"
    wait_for(lambda: gone(emulator, id))
    assert not (emulator.state / "filesystems" / id).exists()
    error = refused(ec2.describe_network_interfaces, NetworkInterfaceIds=ready["NetworkInterfaceIds"])
    assert error["Code"] == "InvalidNetworkInterfaceID.NotFound"


def without(settings: dict[str, Any], name: str) -> dict[str, Any]:
    return {member: value for member, value in settings.items() if member != name}


SCRATCH = {"DeploymentType": "SCRATCH_2"}
PERSISTENT = {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 125}
HDD = {"DeploymentType": "PERSISTENT_1", "PerUnitStorageThroughput": 12, "DriveCacheType": "READ"}
AUTOMATIC = {"Mode": "AUTOMATIC"}
PROVISIONED = {"Mode": "USER_PROVISIONED", "Iops": 2000}
TIERED = {"StorageType": "INTELLIGENT_TIERING", "StorageCapacity": None}
TIERING = {
    "DeploymentType": "PERSISTENT_2",
    "ThroughputCapacity": 4000,
    "DataReadCacheConfiguration": {"SizingMode": "NO_CACHE"},
    "MetadataConfiguration": {"Mode": "USER_PROVISIONED", "Iops": 6000},
}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"StorageCapacity": 1300}, "BadRequest", "Invalid Lustre FS storage capacity: 1300"),
        ({"StorageCapacity": 3600}, "BadRequest", "Must be 1200 or a multiple of 2400"),
        ({"StorageCapacity": None}, "BadRequest", "StorageCapacity"),
        ({"StorageCapacity": -1}, "BadRequest", "greater than or equal to 0"),
        ({"LustreConfiguration": {"DeploymentType": "PERSISTENT_1"}}, "BadRequest", "Throughput is required"),
        (
            {"LustreConfiguration": {"DeploymentType": "PERSISTENT_2", "PerUnitStorageThroughput": 200}},
            "InvalidPerUnitStorageThroughput",
            "125, 250, 500, 1000",
        ),
        ({"LustreConfiguration": {**SCRATCH, "PerUnitStorageThroughput": 125}}, "BadRequest", "not supported"),
        ({"LustreConfiguration": SCRATCH, "KmsKeyId": "key"}, "BadRequest", "KmsKeyId"),
        ({"LustreConfiguration": SCRATCH, "StorageType": "HDD"}, "BadRequest", "HDD"),
        ({"LustreConfiguration": {"DeploymentType": "SCRATCH_9"}}, "BadRequest", "enum value set: [SCRATCH_1"),
        ({"SubnetIds": ["subnet-0123456789abcdef0"]}, "InvalidNetworkSettings", "subnet-0123456789abcdef0"),
        ({"SubnetIds": []}, "BadRequest", "Exactly one subnet"),
        ({"SubnetIds": ["net-1"]}, "BadRequest", "'subnetIds.1.member' failed to satisfy constraint"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidNetworkSettings", "sg-0123456789abcdef0"),
        ({"ClientRequestToken": "x" * 64}, "BadRequest", "length less than or equal to 63"),
        ({"FileSystemType": "WINDOWS"}, "NotImplementedByEmulator", "WINDOWS"),
        ({"Tags": [{"Key": "aws:owner", "Value": "me"}]}, "BadRequest", "aws: prefixed tag key names"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "BadRequest", "Duplicate tag keys"),
    ],
)  # fmt: skip
def test_what_aws_refuses_is_refused(emulator: Emulator, changes: dict[str, Any], code: str, words: str) -> None:
    fsx = emulator.client("fsx", parameter_validation=False)
    error = refused(fsx.create_file_system, **parameters(emulator, **changes))
    assert error["Code"] == code
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("lustre", "more", "words"),
    [
        (HDD, {"StorageType": "HDD", "StorageCapacity": 1800}, "multiple of 6000"),
        (without(HDD, "DriveCacheType"), {"StorageType": "HDD"}, "DriveCacheType"),
        ({**PERSISTENT, "DriveCacheType": "READ"}, {}, "DriveCacheType"),
        ({**PERSISTENT, "ThroughputCapacity": 4000}, {}, "not supported for storage type SSD"),
        (TIERING, {**TIERED, "StorageCapacity": 1200}, "cannot be given"),
        ({**TIERING, "ThroughputCapacity": 5000}, TIERED, "multiple of 4000"),
        (without(TIERING, "DataReadCacheConfiguration"), TIERED, "DataReadCacheConfiguration is required"),
        ({**TIERING, "MetadataConfiguration": AUTOMATIC}, TIERED, "6000 or 12000"),
        ({**SCRATCH, "MetadataConfiguration": AUTOMATIC}, {}, "MetadataConfiguration is not supported"),
        ({**PERSISTENT, "MetadataConfiguration": {**AUTOMATIC, "Iops": 1500}}, {}, "AUTOMATIC"),
        ({**PERSISTENT, "MetadataConfiguration": PROVISIONED}, {}, "1500, 3000, 6000"),
        ({**PERSISTENT, "MetadataConfiguration": AUTOMATIC}, {"FileSystemTypeVersion": "2.12"}, "2.15"),
        (PERSISTENT, {"FileSystemTypeVersion": "2.10"}, "2.12, 2.15"),
        ({**PERSISTENT, "EfaEnabled": True}, {}, "EFA needs"),
        ({**PERSISTENT, "AutomaticBackupRetentionDays": 91}, {}, "less than or equal to 90"),
        ({**SCRATCH, "AutomaticBackupRetentionDays": 1}, {}, "AutomaticBackupRetentionDays is not supported"),
        ({**SCRATCH, "RootSquashConfiguration": {"RootSquash": "root"}}, {}, "rootSquashConfiguration.rootSquash"),
        ({**SCRATCH, "WeeklyMaintenanceStartTime": "8:25:00"}, {}, "weeklyMaintenanceStartTime"),
        ({**SCRATCH, "DataCompressionType": "ZIP"}, {}, "[NONE, LZ4]"),
        ({**SCRATCH, "ImportPath": "s3://data"}, {}, "does not implement ImportPath"),
    ],
)
def test_settings_that_do_not_go_together(
    emulator: Emulator, lustre: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    fsx = emulator.client("fsx", parameter_validation=False)
    error = refused(fsx.create_file_system, **parameters(emulator, LustreConfiguration=lustre, **more))
    assert error["Code"] == ("NotImplementedByEmulator" if "implement" in words else "BadRequest")
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({"LustreConfiguration": PERSISTENT}, "2.12"),
        ({"LustreConfiguration": {**PERSISTENT, "MetadataConfiguration": AUTOMATIC, "EfaEnabled": True}}, "2.15"),
        ({"LustreConfiguration": SCRATCH}, "2.10"),
        ({"LustreConfiguration": {}, "StorageCapacity": 3600, "FileSystemTypeVersion": "2.15"}, "2.15"),
        ({"LustreConfiguration": HDD, "StorageType": "HDD", "StorageCapacity": 6000}, "2.10"),
        ({"LustreConfiguration": TIERING, **TIERED}, "2.15"),
    ],
)
def test_what_aws_makes_is_made(emulator: Emulator, changes: dict[str, Any], version: str) -> None:
    fsx = emulator.client("fsx", parameter_validation=False)
    made = fsx.create_file_system(**parameters(emulator, **changes))["FileSystem"]
    assert made["FileSystemTypeVersion"] == version
    fsx.delete_file_system(FileSystemId=made["FileSystemId"])


def test_closed_lustre_ports_are_refused(emulator: Emulator) -> None:
    ec2, fsx = emulator.client("ec2"), emulator.client("fsx")
    group = ec2.create_security_group(GroupName="closed", Description="x", VpcId=subnet(emulator)["VpcId"])["GroupId"]
    error = refused(fsx.create_file_system, **parameters(emulator, SecurityGroupIds=[group]))
    assert error["Code"] == "InvalidNetworkSettings"
    assert "do not permit Lustre LNET network traffic on port 988" in error["Message"]
    rule = {"IpProtocol": "tcp", "FromPort": 988, "ToPort": 988, "UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    assert "port 1018" in refused(fsx.create_file_system, **parameters(emulator, SecurityGroupIds=[group]))["Message"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**rule, "FromPort": 1018, "ToPort": 1023}])
    made = available(emulator, SecurityGroupIds=[group])
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])["NetworkInterfaces"]
    assert [g["GroupId"] for i in found for g in i["Groups"]] == [group, group]


def test_a_client_token_makes_one_file_system(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    first = fsx.create_file_system(**parameters(emulator, ClientRequestToken="same"))["FileSystem"]
    again = fsx.create_file_system(**parameters(emulator, ClientRequestToken="same"))["FileSystem"]
    assert again["FileSystemId"] == first["FileSystemId"]
    error = refused(fsx.create_file_system, **parameters(emulator, ClientRequestToken="same", StorageCapacity=2400))
    assert error["Code"] == "IncompatibleParameterError"
    assert error["Parameter"] == "StorageCapacity"


def test_file_systems_come_in_pages(emulator: Emulator) -> None:
    fsx = emulator.client("fsx", region_name="eu-west-1")
    network = emulator.client("ec2", region_name="eu-west-1").describe_subnets()["Subnets"][0]
    made = [
        fsx.create_file_system(**parameters(emulator, SubnetIds=[network["SubnetId"]]))["FileSystem"]["FileSystemId"]
        for _ in range(5)
    ]
    pages = list(fsx.get_paginator("describe_file_systems").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["FileSystems"]) for page in pages] == [2, 2, 1]
    assert [f["FileSystemId"] for page in pages for f in page["FileSystems"]] == made
    assert refused(emulator.client("fsx").describe_file_systems, FileSystemIds=made)["Code"] == "FileSystemNotFound"
    assert refused(fsx.describe_file_systems, NextToken="nonsense")["Code"] == "BadRequest"
    first = fsx.describe_file_systems(FileSystemIds=made, MaxResults=4)
    rest = fsx.describe_file_systems(FileSystemIds=made, MaxResults=4, NextToken=first["NextToken"])
    assert [f["FileSystemId"] for f in (*first["FileSystems"], *rest["FileSystems"])] == made


def test_fifty_ids_are_looked_up_at_once(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    assert fsx.describe_file_systems(FileSystemIds=[id] * 50)["FileSystems"][0]["FileSystemId"] == id
    error = refused(fsx.describe_file_systems, FileSystemIds=[id] * 51)
    assert error["Code"] == "BadRequest"
    assert "Member must have length less than or equal to 50" in error["Message"]
    unknown = "fs-0123456789abcdef0"
    error = refused(fsx.describe_file_systems, FileSystemIds=[id, unknown])
    assert (error["Code"], error["Message"]) == ("FileSystemNotFound", f"File system '{unknown}' does not exist.")


def test_unknown_ids_are_not_found(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    unknown = "fs-0123456789abcdef0"
    error = refused(fsx.describe_file_systems, FileSystemIds=[unknown])
    assert (error["Code"], error["Message"]) == ("FileSystemNotFound", f"File system '{unknown}' does not exist.")
    assert refused(fsx.delete_file_system, FileSystemId=unknown)["Code"] == "FileSystemNotFound"
    assert refused(fsx.update_file_system, FileSystemId=unknown)["Code"] == "FileSystemNotFound"


def test_a_creation_can_be_made_to_fail(emulator: Emulator) -> None:
    emulator.faults(
        {"resource": "file-system", "lifecycle": "FAILED", "message": "No capacity in us-east-1a", "times": 1}
    )
    fsx = emulator.client("fsx")
    id = fsx.create_file_system(**parameters(emulator))["FileSystem"]["FileSystemId"]
    failed = wait_for(lambda: at(emulator, id, "FAILED"))
    assert failed["FailureDetails"] == {"Message": "No capacity in us-east-1a"}
    fsx.delete_file_system(FileSystemId=id)
    wait_for(lambda: gone(emulator, id))


def test_storage_grows_but_never_shrinks(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    updating = fsx.update_file_system(FileSystemId=id, StorageCapacity=2400)["FileSystem"]
    assert updating["Lifecycle"] == "UPDATING"
    assert wait_for(lambda: at(emulator, id, "AVAILABLE"))["StorageCapacity"] == 2400
    assert refused(fsx.update_file_system, FileSystemId=id, StorageCapacity=1200)["Code"] == "BadRequest"
    assert "multiple of 2400" in refused(fsx.update_file_system, FileSystemId=id, StorageCapacity=3000)["Message"]
    assert "At least one parameter" in refused(fsx.update_file_system, FileSystemId=id)["Message"]


def test_linked_file_systems_have_no_backups(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    id = available(emulator)["FileSystemId"]
    bucket = "s3://sagemaker-us-east-1-123456789012/backups"
    fsx.create_data_repository_association(FileSystemId=id, FileSystemPath="/a", DataRepositoryPath=bucket)
    backups = {"AutomaticBackupRetentionDays": 7}
    error = refused(fsx.update_file_system, FileSystemId=id, LustreConfiguration=backups)
    assert error["Code"] == "BadRequest"
    assert "cannot have automatic backups" in error["Message"]
    keeping = available(emulator, LustreConfiguration={**PERSISTENT, **backups})["FileSystemId"]
    link = {"FileSystemPath": "/a", "DataRepositoryPath": bucket}
    assert (
        "automatic backups" in refused(fsx.create_data_repository_association, FileSystemId=keeping, **link)["Message"]
    )


def test_tags_are_added_listed_and_removed(emulator: Emulator) -> None:
    fsx = emulator.client("fsx")
    arn = available(emulator)["ResourceARN"]
    fsx.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    fsx.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "3"}])
    fsx.untag_resource(ResourceARN=arn, TagKeys=["b"])
    assert fsx.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    unknown = f"{arn[:-17]}0123456789abcdef0"
    for wrong in (unknown, arn.replace("us-east-1", "eu-west-1"), arn.replace("file-system", "volume")):
        for call, more in (
            (fsx.list_tags_for_resource, {}),
            (fsx.tag_resource, {"Tags": [{"Key": "a", "Value": "1"}]}),
            (fsx.untag_resource, {"TagKeys": ["a"]}),
        ):
            error = refused(call, ResourceARN=wrong, **more)
            assert (error["Code"], error["ResourceARN"]) == ("ResourceNotFound", wrong)
    many = [{"Key": f"key-{number}", "Value": ""} for number in range(50)]
    assert refused(fsx.tag_resource, ResourceARN=arn, Tags=many)["Message"] == (
        "A resource cannot have more than 50 tags."
    )
    fsx.tag_resource(ResourceARN=arn, Tags=many[:49])
    pages = fsx.get_paginator("list_tags_for_resource").paginate(ResourceARN=arn, PaginationConfig={"PageSize": 30})
    assert [len(page["Tags"]) for page in pages] == [30, 20]


def test_what_is_not_there_is_refused_by_name(emulator: Emulator) -> None:
    error = refused(emulator.client("fsx").describe_backups)
    assert error["Code"] == "NotImplementedByEmulator"
    assert "DescribeBackups" in error["Message"]
