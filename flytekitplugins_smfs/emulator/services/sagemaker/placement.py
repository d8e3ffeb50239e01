"""What AWS finds out only when it launches the instances: network, Availability Zone, mounts.

Sources: "Configure a Training Job for Amazon VPC Access", "Troubleshoot" of the FSx and SageMaker guides; texts as seen
in failed jobs where they are public, else the documented rule.
"""

import math
from typing import Any

from ...mounts import Mount
from ...registry import Context
from ...store import Doc

_NO_S3_ROUTE = (
    "Please ensure that the subnet's route table has a route to an S3 VPC endpoint or a NAT device, and both the "
    "security groups and the subnet's network ACL allow outbound traffic to S3."
)


CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
INTERNAL = "InternalServerError: We encountered an internal error. Please try again."


class JobFailure(Exception):
    """The job fails; the text is its FailureReason."""


def check(ctx: Context, request: dict[str, Any]) -> None:
    """Raise JobFailure if the instances could not be placed or could not mount their file systems."""
    if "VpcConfig" not in request:
        return
    _check_network(ctx, request)
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("FileSystemDataSource")
        if source is not None:
            _check_mount(ctx, source, request["VpcConfig"])


def mount_of(ctx: Context, source: dict[str, Any]) -> Mount | None:
    """The file system of a FileSystemDataSource; None if there is none of that id."""
    return ctx.mounts[source["FileSystemType"]](ctx, source["FileSystemId"])


def check_download(ctx: Context, request: dict[str, Any]) -> None:
    """Raise JobFailure if S3 inputs cannot be reached from the subnets."""
    has_s3 = any("S3DataSource" in channel["DataSource"] for channel in request.get("InputDataConfig", []))
    if has_s3 and not _reaches_s3(ctx, request):
        raise JobFailure(f"ClientError: Data download failed:{_NO_S3_ROUTE}")


def check_upload(ctx: Context, request: dict[str, Any]) -> None:
    """Raise JobFailure if S3 outputs cannot be reached from the subnets."""
    if not _reaches_s3(ctx, request):
        raise JobFailure(f"ClientError: Artifact upload failed:{_NO_S3_ROUTE}")


def _reaches_s3(ctx: Context, request: dict[str, Any]) -> bool:
    subnets = request.get("VpcConfig", {}).get("Subnets", [])
    return all(ctx.ec2.reaches_s3(subnet) for subnet in subnets)


def _check_network(ctx: Context, request: dict[str, Any]) -> None:
    config = request["VpcConfig"]
    subnets = [(id, ctx.ec2.subnet(id)) for id in config["Subnets"]]
    groups = [(id, ctx.ec2.group(id)) for id in config["SecurityGroupIds"]]
    for id, subnet in subnets:
        if subnet is None:
            raise JobFailure(f"ClientError: The subnet ID '{id}' does not exist")
    for id, group in groups:
        if group is None:
            raise JobFailure(f"ClientError: The security group '{id}' does not exist")
    networks = {found.vpc for _, found in [*subnets, *groups] if found is not None}
    if len(networks) > 1:
        raise JobFailure(f"ClientError: Subnets and security groups must belong to one VPC, not {sorted(networks)}")
    free = sum(subnet.free_addresses for _, subnet in subnets if subnet is not None)
    if free < 2 * request["ResourceConfig"]["InstanceCount"]:
        raise JobFailure(f"ClientError: The subnets {config['Subnets']} do not have enough free IP addresses")


def _check_mount(ctx: Context, source: dict[str, Any], vpc: dict[str, Any]) -> None:
    cannot = f"ClientError: Unable to mount file system: {source['FileSystemId']}"
    found = mount_of(ctx, source)
    if found is None:
        raise JobFailure(f"{cannot}. File system of type {source['FileSystemType']} does not exist.")
    if not found.available:
        raise JobFailure(f"{cannot}. File system is not available.")
    zones = {subnet.zone for subnet in map(ctx.ec2.subnet, vpc["Subnets"]) if subnet is not None}
    if not zones & found.zones:
        raise JobFailure(
            f"{cannot}. It is in Availability Zone {', '.join(sorted(found.zones))}, the subnets of the training job "
            f"are in {', '.join(sorted(zones))}. Please specify a subnet in the Availability Zone of the file system."
        )
    if not all(ctx.ec2.open_between(vpc["SecurityGroupIds"], found.groups, port) for port in found.ports):
        raise JobFailure(
            f"{cannot}. Connection timed out. Please ensure that the security groups of the training job and of the "
            f"file system allow traffic between them on ports {_ranges(found.ports)}."
        )
    if found.directory(source["DirectoryPath"]) is None:
        raise JobFailure(
            f"{cannot} directory path: {source['DirectoryPath']}. Incorrect mount path. Please ensure the mount path "
            "specified exists on the filesystem."
        )


def _ranges(ports: tuple[int, ...]) -> str:
    return "988 and 1018-1023" if len(ports) > 1 else str(ports[0])


def waited_too_long(ctx: Context, doc: Doc) -> bool:
    """Whether a spot job is over its MaxWaitTimeInSeconds."""
    limit = doc["request"]["StoppingCondition"].get("MaxWaitTimeInSeconds", math.inf)
    return bool(ctx.now() - doc["created"] > limit)
