"""What the other services ask of EC2: subnets, security groups, routes and network interfaces."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from .moto_backend import MotoBackend


@dataclass(frozen=True)
class Subnet:
    """A subnet, its VPC, its availability zone and how many addresses it has left."""

    id: str
    vpc: str
    zone: str
    free_addresses: int


@dataclass(frozen=True)
class Rule:
    """One permission. ``protocol`` is "tcp", "udp", ... or "-1" for all; ports are inclusive."""

    protocol: str
    low: int
    high: int
    groups: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()

    def covers(self, port: int) -> bool:
        return self.protocol == "-1" or (self.protocol in ("tcp", "6") and self.low <= port <= self.high)


@dataclass(frozen=True)
class SecurityGroup:
    """A security group with its permissions."""

    id: str
    vpc: str
    ingress: list[Rule] = field(default_factory=list)
    egress: list[Rule] = field(default_factory=list)


@dataclass(frozen=True)
class Interface:
    """A network interface."""

    id: str
    subnet: str
    vpc: str
    address: str
    groups: tuple[str, ...]
    description: str


class Network:
    """Questions to EC2 of one region. What does not exist is None."""

    def __init__(self, moto: MotoBackend, region: str) -> None:
        self._moto = moto
        self.region = region

    def at(self, region: str) -> "Network":
        """The network of another region."""
        return self if region == self.region else Network(self._moto, region)

    def subnet(self, id: str) -> Subnet | None:
        found = self._find("describe_subnets", "Subnets", SubnetIds=[id])
        if not found:
            return None
        subnet = found[0]
        return Subnet(id, subnet["VpcId"], subnet["AvailabilityZone"], subnet["AvailableIpAddressCount"])

    def subnets(self, vpc: str) -> list[Subnet]:
        found = self._find("describe_subnets", "Subnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        return [Subnet(s["SubnetId"], vpc, s["AvailabilityZone"], s["AvailableIpAddressCount"]) for s in found]

    def group(self, id: str) -> SecurityGroup | None:
        found = self._find("describe_security_groups", "SecurityGroups", GroupIds=[id])
        return _group(found[0]) if found else None

    def default_group(self, vpc: str) -> SecurityGroup:
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
        return _group(self._find("describe_security_groups", "SecurityGroups", Filters=filters)[0])

    def reaches_s3(self, subnet: str) -> bool:
        """Whether the subnet's route table has an S3 gateway endpoint, or a way out through a NAT gateway.

        An internet gateway is none: the interfaces of jobs and file systems have no public address.
        """
        place = self.subnet(subnet)
        if place is None:
            return False
        table = self._route_table(place)
        routes = table.get("Routes", [])
        if any(route.get("NatGatewayId") for route in routes):
            return True
        endpoints = self._find(
            "describe_vpc_endpoints", "VpcEndpoints", Filters=[{"Name": "vpc-id", "Values": [place.vpc]}]
        )
        return any(
            endpoint["ServiceName"].endswith(".s3")
            and (endpoint["VpcEndpointType"] != "Gateway" or table["RouteTableId"] in endpoint.get("RouteTableIds", []))
            for endpoint in endpoints
        )

    def open_between(self, sources: list[str], targets: list[str], port: int) -> bool:
        """Whether TCP from any group of ``sources`` may leave for, and enter, some group of ``targets`` on a port."""
        return not self.closed_ports(sources, targets, [port])

    def closed_ports(self, sources: list[str], targets: list[str], ports: Iterable[int]) -> list[int]:
        """The ports on which ``open_between`` does not hold. Groups are looked up once."""
        leaving = [rule for id in sources if (group := self.group(id)) for rule in group.egress]
        entering = [rule for id in targets if (group := self.group(id)) for rule in group.ingress]
        return [
            port
            for port in ports
            if not any(rule.covers(port) and _admits(rule, targets) for rule in leaving)
            or not any(rule.covers(port) and _admits(rule, sources) for rule in entering)
        ]

    def create_interface(self, subnet: str, groups: list[str], description: str) -> Interface:
        made = self._client.create_network_interface(SubnetId=subnet, Groups=groups, Description=description)
        return _interface(made["NetworkInterface"])

    def create_managed_interface(self, subnet: str, groups: list[str], description: str, requester: str) -> Interface:
        """An interface that a service (``amazon-fsx``) manages: in use, and nobody else's to delete."""
        made = self.create_interface(subnet, groups, description)
        self._moto.managed.take(made.id, self.region, requester, time.time())
        return made

    def delete_managed_interface(self, id: str) -> None:
        """Let go of an interface that a service manages, and delete it."""
        self._moto.managed.release(id)
        self.delete_interface(id)

    def delete_interface(self, id: str) -> None:
        """Gone already is success."""
        try:
            self._client.delete_network_interface(NetworkInterfaceId=id)
        except ClientError as error:
            if not error.response["Error"]["Code"].endswith("NotFound"):
                raise

    def interfaces(self, ids: list[str]) -> list[Interface]:
        if not ids:
            return []
        return [
            _interface(i)
            for i in self._find("describe_network_interfaces", "NetworkInterfaces", NetworkInterfaceIds=ids)
        ]

    @property
    def _client(self) -> Any:
        return self._moto.client("ec2", self.region)

    def _find(self, method: str, member: str, **question: Any) -> list[dict[str, Any]]:
        try:
            return list(getattr(self._client, method)(**question)[member])
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if "NotFound" in code or "Malformed" in code:
                return []
            raise

    def _route_table(self, subnet: Subnet) -> dict[str, Any]:
        own = self._find(
            "describe_route_tables",
            "RouteTables",
            Filters=[{"Name": "association.subnet-id", "Values": [subnet.id]}],
        )
        if own:
            return own[0]
        filters = [{"Name": "vpc-id", "Values": [subnet.vpc]}, {"Name": "association.main", "Values": ["true"]}]
        main = self._find("describe_route_tables", "RouteTables", Filters=filters)
        return main[0] if main else {"RouteTableId": "", "Routes": []}


def _admits(rule: Rule, groups: list[str]) -> bool:
    """Address ranges are taken to hold whatever is asked for: every interface here has a private address."""
    return bool(rule.cidrs) or any(group in rule.groups for group in groups)


def _group(answer: dict[str, Any]) -> SecurityGroup:
    return SecurityGroup(
        answer["GroupId"],
        answer.get("VpcId", ""),
        [_rule(permission) for permission in answer.get("IpPermissions", [])],
        [_rule(permission) for permission in answer.get("IpPermissionsEgress", [])],
    )


def _rule(permission: dict[str, Any]) -> Rule:
    return Rule(
        permission["IpProtocol"],
        permission.get("FromPort", 0),
        permission.get("ToPort", 65535),
        tuple(pair["GroupId"] for pair in permission.get("UserIdGroupPairs", [])),
        tuple(
            [item["CidrIp"] for item in permission.get("IpRanges", [])]
            + [item["CidrIpv6"] for item in permission.get("Ipv6Ranges", [])]
        ),
    )


def _interface(answer: dict[str, Any]) -> Interface:
    return Interface(
        answer["NetworkInterfaceId"],
        answer["SubnetId"],
        answer["VpcId"],
        answer["PrivateIpAddress"],
        tuple(group["GroupId"] for group in answer["Groups"]),
        answer.get("Description", ""),
    )
