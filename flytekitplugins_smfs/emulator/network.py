"""What the other services ask of EC2: subnets, security groups, routes and network interfaces."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Subnet:
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
    id: str
    vpc: str
    ingress: list[Rule] = field(default_factory=list)
    egress: list[Rule] = field(default_factory=list)


@dataclass(frozen=True)
class Interface:
    id: str
    subnet: str
    vpc: str
    address: str
    groups: tuple[str, ...]
    description: str


class Network:
    """Questions to the account's EC2. What does not exist is None."""

    def subnet(self, id: str) -> Subnet | None:
        raise NotImplementedError

    def group(self, id: str) -> SecurityGroup | None:
        raise NotImplementedError

    def default_group(self, vpc: str) -> SecurityGroup:
        raise NotImplementedError

    def reaches_s3(self, subnet: str) -> bool:
        """Whether the subnet's route table has an S3 gateway endpoint, or a way out (internet or NAT gateway)."""
        raise NotImplementedError

    def open_between(self, sources: list[str], targets: list[str], port: int) -> bool:
        """Whether TCP from any group of ``sources`` may leave for, and enter, some group of ``targets`` on a port."""
        raise NotImplementedError

    def create_interface(self, subnet: str, groups: list[str], description: str) -> Interface:
        raise NotImplementedError

    def delete_interface(self, id: str) -> None:
        """Gone already is success."""
        raise NotImplementedError

    def interfaces(self, ids: list[str]) -> list[Interface]:
        raise NotImplementedError
