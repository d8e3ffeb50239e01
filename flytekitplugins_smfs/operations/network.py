"""The network around a file system: which subnet it is put in, and from where a job reaches it."""

from __future__ import annotations

from collections.abc import Iterable

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.plain import Json
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput
from flytekitplugins_smfs.values.sagemaker.training import Network

MAX_SECURITY_GROUPS = 5


def subnet_for(aws: Aws, subnet_id: str | None, availability_zone: str | None) -> str:
    """The one subnet of a new file system: as asked, else as the settings say, else the only default subnet.

    Raises InvalidSpec that lists the choices when there is more than one. Never takes just the first.
    """
    if subnet_id:
        return subnet_id
    if availability_zone is None and aws.settings.subnet_id:
        return aws.settings.subnet_id
    zone = availability_zone or aws.settings.availability_zone
    filters = [{"Name": "default-for-az", "Values": ["true"]}]
    if zone:
        filters.append({"Name": "availability-zone", "Values": [zone]})
    doing = f"looking for the default subnet of {zone or 'the region'}"
    subnets = list(aws.pages("ec2", "DescribeSubnets", "Subnets", {"Filters": filters}, doing=doing))
    if len(subnets) == 1:
        return str(subnets[0]["SubnetId"])
    listed = ", ".join(sorted(f"{subnet['SubnetId']} in {subnet['AvailabilityZone']}" for subnet in subnets))
    rule = f"Lustre takes exactly one subnet and there is no single default; found: {listed or 'none'}."
    fix = "give subnet_id or availability_zone in the spec, or set one of them in [smfs]."
    raise InvalidSpec("The file system", [Problem("subnet_id", rule, fix)])


def interfaces(aws: Aws, interface_ids: Iterable[str]) -> list[Json]:
    """The EC2 description of network interfaces."""
    ids = sorted(interface_ids)
    if not ids:
        return []
    request = {"NetworkInterfaceIds": ids}
    doing = f"reading the network interfaces {', '.join(ids)}"
    return list(aws.pages("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces", request, doing=doing))


def security_groups_of(found: Iterable[Json]) -> tuple[str, ...]:
    """All security groups of all given interfaces, each once, in a stable order."""
    return tuple(sorted({group["GroupId"] for interface in found for group in interface.get("Groups", [])}))


def network_for(aws: Aws, inputs: Iterable[FileSystemInput]) -> Network | None:
    """The VPC configuration with which a job reaches all of these file systems; None without any.

    Taken from the inputs where they say it, else from the file systems' network interfaces.
    """
    reached = [(entry, *_reached_from(aws, entry)) for entry in inputs]
    if not reached:
        return None
    subnets = {subnet for _, found, _ in reached for subnet in found}
    groups = sorted({group for _, _, found in reached for group in found})
    _check_together(reached, groups)
    lustre = [set(found) for entry, found, _ in reached if entry.file_system_type == "FSxLustre"]
    if lustre:
        subnets = set.intersection(*lustre)
    return Network(subnet_ids=tuple(sorted(subnets)), security_group_ids=tuple(groups))


def _check_together(reached: list[tuple[FileSystemInput, tuple[str, ...], tuple[str, ...]]], groups: list[str]) -> None:
    problems = []
    lustre = [(entry, set(subnets)) for entry, subnets, _ in reached if entry.file_system_type == "FSxLustre"]
    if lustre and not set.intersection(*(subnets for _, subnets in lustre)):
        listed = ", ".join(f"{entry.file_system_id} in {'/'.join(sorted(subnets))}" for entry, subnets in lustre)
        rule = f"the Lustre file systems of one job must share a subnet; they are {listed}."
        problems.append(Problem("channels", rule, "create them in one subnet, or set `network`."))
    if len(groups) > MAX_SECURITY_GROUPS:
        rule = f"a job takes at most {MAX_SECURITY_GROUPS} security groups; its file systems have {', '.join(groups)}."
        problems.append(Problem("channels", rule, "set `network` with groups that reach all of them."))
    if problems:
        raise InvalidSpec("The job's network", problems)


def _reached_from(aws: Aws, entry: FileSystemInput) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if entry.subnet_ids and entry.security_group_ids:
        return entry.subnet_ids, entry.security_group_ids
    lookup = _lustre_network if entry.file_system_type == "FSxLustre" else _efs_network
    subnets, groups = lookup(aws, entry.file_system_id)
    return entry.subnet_ids or subnets, entry.security_group_ids or groups


def _lustre_network(aws: Aws, file_system_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    request = {"FileSystemIds": [file_system_id]}
    answer = aws.call("fsx", "DescribeFileSystems", request, doing=f"reading file system {file_system_id}")
    found = answer["FileSystems"][0]
    return tuple(found["SubnetIds"]), security_groups_of(interfaces(aws, found.get("NetworkInterfaceIds", [])))


def _efs_network(aws: Aws, file_system_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    subnets: list[str] = []
    groups: set[str] = set()
    marker: str | None = None
    while True:
        request = {"FileSystemId": file_system_id, **({"Marker": marker} if marker else {})}
        doing = f"reading the mount targets of {file_system_id}"
        answer = aws.call("efs", "DescribeMountTargets", request, doing=doing)
        for target in answer["MountTargets"]:
            subnets.append(target["SubnetId"])
            groups.update(security_groups_of(interfaces(aws, [target["NetworkInterfaceId"]])))
        marker = answer.get("NextMarker")
        if not marker:
            return tuple(sorted(subnets)), tuple(sorted(groups))
