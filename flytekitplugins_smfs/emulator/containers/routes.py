"""What the hosts of a job reach from a network of their own. Standard library only: relays use it."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_NAMED = "127.255.{}.{}"
"""Inside, a server that is known by name has an address of these; the job's ``/etc/hosts`` tells which."""


@dataclass(frozen=True)
class Route:
    """A server outside, and the address at which the job finds it, at the same port."""

    host: str
    port: int
    address: str

    @property
    def named(self) -> bool:
        """Whether the job's ``/etc/hosts`` has to name it."""
        return self.address != self.host and self.host != "localhost"


def routes(urls: Iterable[str]) -> tuple[Route, ...]:
    """A route for each server that URLs name. Text that is no URL of HTTP, or names an IPv6 address, has none."""
    servers: dict[tuple[str, int], None] = {}
    for url in urls:
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            continue
        if parts.scheme in _PORTS and parts.hostname and port and ":" not in parts.hostname:
            servers.setdefault((parts.hostname, port))
    names = list(dict.fromkeys(host for host, _ in servers))
    return tuple(Route(host, port, _address(host, names.index(host))) for host, port in servers)


def places(ways: Iterable[Route]) -> tuple[Route, ...]:
    """The first route of each address and port: names of one server (``localhost``, ``127.0.0.1``) share its place."""
    first: dict[tuple[str, int], Route] = {}
    for way in ways:
        first.setdefault((way.address, way.port), way)
    return tuple(first.values())


def _address(host: str, number: int) -> str:
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        return _NAMED.format(number // 250, 1 + number % 250)
