"""Training jobs that mount a Lustre file system, and everything that can be wrong with the mount."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Emulator, wait_for

from .jobs import XGBOOST_IMAGE, Jobs, two_classes, unique


@dataclass
class Lustre:
    """An available file system with a data set under ``/data``, and the network it lies in."""

    id: str
    mount: str
    root: Path
    subnet: str
    subnet_elsewhere: str
    group: str

    def channel(self, name: str, path: str, mode: str = "ro", **more: Any) -> dict[str, Any]:
        source = {
            "FileSystemId": self.id,
            "FileSystemAccessMode": mode,
            "FileSystemType": "FSxLustre",
            "DirectoryPath": f"/{self.mount}{path}",
            **more,
        }
        return {"ChannelName": name, "DataSource": {"FileSystemDataSource": source}, "ContentType": "text/csv"}

    @property
    def network(self) -> dict[str, Any]:
        return {"VpcConfig": {"SecurityGroupIds": [self.group], "Subnets": [self.subnet]}}


@pytest.fixture(scope="module")
def lustre(emulator: Emulator) -> Iterator[Lustre]:
    ec2, fsx = emulator.client("ec2"), emulator.client("fsx")
    found = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    subnets = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in found}
    default = [{"Name": "group-name", "Values": ["default"]}, {"Name": "vpc-id", "Values": [found[0]["VpcId"]]}]
    group = ec2.describe_security_groups(Filters=default)["SecurityGroups"][0]["GroupId"]
    made = fsx.create_file_system(
        FileSystemType="LUSTRE",
        StorageCapacity=1200,
        SubnetIds=[subnets["us-east-1a"]],
        SecurityGroupIds=[group],
        LustreConfiguration={"DeploymentType": "SCRATCH_2"},
    )["FileSystem"]
    id = made["FileSystemId"]

    def lifecycle() -> str:
        return str(fsx.describe_file_systems(FileSystemIds=[id])["FileSystems"][0]["Lifecycle"])

    wait_for(lambda: lifecycle() == "AVAILABLE")
    root = emulator.state / "filesystems" / id
    (root / "data").mkdir()
    (root / "data/part").write_bytes(two_classes())
    mount = made["LustreConfiguration"]["MountName"]
    yield Lustre(id, mount, root, subnets["us-east-1a"], subnets["us-east-1b"], group)
    fsx.delete_file_system(FileSystemId=id)


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


def test_xgboost_reads_the_file_system(jobs: Jobs, lustre: Lustre) -> None:  # C21
    request = jobs.request(
        AlgorithmSpecification={"TrainingImage": XGBOOST_IMAGE, "TrainingInputMode": "File"},
        HyperParameters={"num_round": "5", "objective": "binary:logistic"},
        InputDataConfig=[lustre.channel("train", "/data"), lustre.channel("validation", "/data")],
        **lustre.network,
    )
    done = jobs.run(request)
    assert done["TrainingJobStatus"] == "Completed", done
    shown = {"CompressionType": "None", "RecordWrapperType": "None"}
    assert done["InputDataConfig"] == [{**channel, **shown} for channel in request["InputDataConfig"]]
    assert {m["MetricName"] for m in done["FinalMetricDataList"]} == {"train:logloss", "validation:logloss"}


def test_read_only_is_read_only_and_rw_writes_to_the_file_system(jobs: Jobs, lustre: Lustre) -> None:  # C23
    script = (
        "cat $SM_CHANNEL_IN/part > /dev/null; (echo x > $SM_CHANNEL_IN/forbidden) || echo refused;"
        "echo kept > $SM_CHANNEL_OUT/written"
    )
    (lustre.root / "logs").mkdir(exist_ok=True)
    channels = [lustre.channel("in", "/data"), lustre.channel("out", "/logs", mode="rw")]
    done = jobs.run(jobs.shell(script, InputDataConfig=channels, **lustre.network))
    assert done["TrainingJobStatus"] == "Completed", done
    assert jobs.lines(done["TrainingJobName"])[-1] == "refused"
    assert not (lustre.root / "data/forbidden").exists()
    assert (lustre.root / "logs/written").read_text() == "kept\n"


def test_file_systems_need_a_vpc_and_file_mode(jobs: Jobs, lustre: Lustre) -> None:
    request = jobs.shell("true", InputDataConfig=[lustre.channel("train", "/data")])
    with pytest.raises(ClientError, match="VpcConfig must be specified when FileSystemDataSource"):
        jobs.start(request)
    fast = {**lustre.channel("train", "/data"), "InputMode": "FastFile"}
    with pytest.raises(ClientError, match="FastFile is not supported with FileSystemDataSource"):
        jobs.start(jobs.shell("true", InputDataConfig=[fast], **lustre.network))
    other = lustre.channel("train", "/data", FileSystemType="EFS")
    with pytest.raises(ClientError, match=r"NotImplementedByEmulator.*FileSystemDataSource of type EFS"):
        jobs.start(jobs.shell("true", InputDataConfig=[other], **lustre.network))
    relative = lustre.channel("train", "/data")
    relative["DataSource"]["FileSystemDataSource"]["DirectoryPath"] = "data"
    with pytest.raises(ClientError, match="must be an absolute path"):
        jobs.start(jobs.shell("true", InputDataConfig=[relative], **lustre.network))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"FileSystemId": "fs-0123456789abcdef0"}, "File system of type FSxLustre does not exist."),
        ({"DirectoryPath": "/wrong123/data"}, "Incorrect mount path. Please ensure the mount path specified exists"),
        ({"DirectoryPath": "/{mount}/nowhere"}, "Incorrect mount path."),
        ({"DirectoryPath": "/{mount}/../.."}, "Incorrect mount path."),
    ],
)
def test_mounts_that_fail(jobs: Jobs, lustre: Lustre, source: dict[str, str], reason: str) -> None:
    channel = lustre.channel("train", "/data", **{k: v.format(mount=lustre.mount) for k, v in source.items()})
    done = jobs.run(jobs.shell("true", InputDataConfig=[channel], **lustre.network))
    assert done["TrainingJobStatus"] == "Failed"
    assert done["FailureReason"].startswith("ClientError: Unable to mount file system: fs-")
    assert reason in done["FailureReason"]
    assert "TrainingStartTime" not in done


def test_a_subnet_in_another_zone_fails(jobs: Jobs, lustre: Lustre) -> None:
    network = {"VpcConfig": {"SecurityGroupIds": [lustre.group], "Subnets": [lustre.subnet_elsewhere]}}
    done = jobs.run(jobs.shell("true", InputDataConfig=[lustre.channel("train", "/data")], **network))
    assert "in Availability Zone us-east-1a" in done["FailureReason"]
    both = {**network["VpcConfig"], "Subnets": [lustre.subnet_elsewhere, lustre.subnet]}
    done = jobs.run(jobs.shell("true", InputDataConfig=[lustre.channel("train", "/data")], VpcConfig=both))
    assert done["TrainingJobStatus"] == "Completed"


def test_closed_ports_fail(jobs: Jobs, lustre: Lustre) -> None:
    ec2 = jobs.emulator.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=[lustre.subnet])["Subnets"][0]["VpcId"]
    closed = ec2.create_security_group(GroupName=unique("closed"), Description="no rules", VpcId=vpc)["GroupId"]
    network = {"VpcConfig": {"SecurityGroupIds": [closed], "Subnets": [lustre.subnet]}}
    done = jobs.run(jobs.shell("true", InputDataConfig=[lustre.channel("train", "/data")], **network))
    assert "allow traffic between them on ports 988 and 1018-1023" in done["FailureReason"]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"Subnets": ["subnet-0123456789abcdef0"]}, "The subnet ID 'subnet-0123456789abcdef0' does not exist"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "The security group 'sg-0123456789abcdef0' does not exist"),
    ],
)
def test_networks_that_do_not_exist(jobs: Jobs, lustre: Lustre, config: dict[str, Any], reason: str) -> None:
    done = jobs.run(jobs.shell("true", VpcConfig={**lustre.network["VpcConfig"], **config}))
    assert done["FailureReason"] == f"ClientError: {reason}"


def test_a_subnet_without_a_route_to_s3(jobs: Jobs) -> None:
    ec2 = jobs.emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=unique("group"), Description="x", VpcId=vpc)["GroupId"]
    network = {"VpcConfig": {"SecurityGroupIds": [group], "Subnets": [subnet]}}
    done = jobs.run(jobs.shell("true", **network))
    assert done["FailureReason"].startswith("ClientError: Artifact upload failed:Please ensure that the subnet's route")
    jobs.put("data/x", b"x")
    channel = jobs.channel("train", jobs.url("data/"))
    done = jobs.run(jobs.shell("true", InputDataConfig=[channel], **network))
    assert done["FailureReason"].startswith("ClientError: Data download failed:Please ensure that the subnet's route")
