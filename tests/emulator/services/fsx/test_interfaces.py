"""The network interfaces of file systems, as EC2 shows them."""

import os
import signal
from typing import Any

import pytest

from tests.conftest import Emulator, wait_for

from .test_file_system import SCRATCH, TIERED, TIERING, at, available, gone, refused


def interfaces(emulator: Emulator, found: dict[str, Any]) -> list[dict[str, Any]]:
    ec2 = emulator.client("ec2")
    return list(ec2.describe_network_interfaces(NetworkInterfaceIds=found["NetworkInterfaceIds"])["NetworkInterfaces"])


def test_they_are_in_use_and_managed(own_emulator: Emulator) -> None:
    own_emulator.start()
    made = available(own_emulator)
    before = interfaces(own_emulator, made)
    for interface in before:
        assert (interface["Status"], interface["RequesterManaged"]) == ("in-use", True)
        assert interface["RequesterId"] == "amazon-fsx"
        assert interface["Description"] == f"Created By Amazon FSx for file system {made['FileSystemId']}"
        attachment = interface["Attachment"]
        assert attachment["AttachmentId"].startswith("eni-attach-")
        assert (attachment["Status"], attachment["DeleteOnTermination"]) == ("attached", False)
        assert "InstanceId" not in attachment
    os.kill(own_emulator.server["pid"], signal.SIGKILL)
    own_emulator.start()
    assert interfaces(own_emulator, made) == before


def test_nobody_else_removes_them(emulator: Emulator) -> None:
    ec2 = emulator.client("ec2")
    made = available(emulator)
    interface = interfaces(emulator, made)[0]
    error = refused(ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])
    assert error["Code"] == "InvalidParameterValue"
    assert error["Message"] == f"Network interface '{interface['NetworkInterfaceId']}' is currently in use."
    attachment = interface["Attachment"]["AttachmentId"]
    assert refused(ec2.detach_network_interface, AttachmentId=attachment)["Code"] == "OperationNotPermitted"
    filters = [
        {"Name": "requester-managed", "Values": ["true"]},
        {"Name": "status", "Values": ["in-use"]},
        {"Name": "description", "Values": [interface["Description"]]},
    ]
    found = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert sorted(i["NetworkInterfaceId"] for i in found) == sorted(made["NetworkInterfaceIds"])
    emulator.client("fsx").delete_file_system(FileSystemId=made["FileSystemId"])
    wait_for(lambda: gone(emulator, made["FileSystemId"]))
    error = refused(ec2.describe_network_interfaces, NetworkInterfaceIds=made["NetworkInterfaceIds"])
    assert error["Code"] == "InvalidNetworkInterfaceID.NotFound"


def test_they_grow_with_the_capacity(emulator: Emulator) -> None:
    made = available(emulator, StorageCapacity=4800)
    assert len(made["NetworkInterfaceIds"]) == 3
    emulator.client("fsx").update_file_system(FileSystemId=made["FileSystemId"], StorageCapacity=28800)
    grown = wait_for(lambda: at(emulator, made["FileSystemId"], "AVAILABLE"))
    assert len(grown["NetworkInterfaceIds"]) == 13
    assert grown["NetworkInterfaceIds"][:3] == made["NetworkInterfaceIds"]  # the first is the primary one
    assert {i["Status"] for i in interfaces(emulator, grown)} == {"in-use"}


HDD = {"DeploymentType": "PERSISTENT_1", "PerUnitStorageThroughput": 12, "DriveCacheType": "READ"}


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ({"LustreConfiguration": SCRATCH}, 2),
        ({"LustreConfiguration": HDD, "StorageType": "HDD", "StorageCapacity": 12000}, 3),
        ({"LustreConfiguration": {**TIERING, "ThroughputCapacity": 8000}, **TIERED}, 3),
    ],
)
def test_each_server_has_one(emulator: Emulator, request_: dict[str, Any], count: int) -> None:
    assert len(available(emulator, **request_)["NetworkInterfaceIds"]) == count
