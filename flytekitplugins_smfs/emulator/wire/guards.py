"""Who may not come in: pages of a browser, and names that somebody else's DNS made point here.

A browser sends ``Origin`` with what a page's script sends elsewhere, and ``Sec-Fetch-Site`` with everything; no AWS
client does. The Host header is the name the client looked up: a name that is not this machine's own was made to point
at it (DNS rebinding).
"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

from .errors import WireError

_VERSIONS = ("1.0", "1.1")


def check(version: str, headers: Iterable[tuple[str, str]], names: Sequence[str], pages: bool) -> None:
    """Raise WireError for a request of another version of HTTP, or one that is turned away; see ``refusal``."""
    if version not in _VERSIONS:
        raise WireError(505, "HTTPVersionNotSupported", "This is an HTTP/1.1 server.")
    if reason := refusal(headers, names, pages):
        raise WireError(403, "AccessDenied", reason)


def refusal(headers: Iterable[tuple[str, str]], names: Sequence[str] = (), pages: bool = False) -> str | None:
    """Why a request is turned away, or None. ``names`` are further names of this host, in lower case.

    A link that the user opened (``Sec-Fetch-Site: none``), such as a presigned URL, is let in; a page's are not, unless
    the caller decides about ``pages`` himself.
    """
    hosts: list[str] = []
    for name, value in headers:
        lower = name.lower()
        if lower == "host":
            hosts.append(value.strip())
        elif lower == "origin" and not pages:
            return "The embedded AWS answers no web page: the request has an Origin."
        elif lower == "sec-fetch-site" and value.strip().lower() != "none" and not pages:
            return "The embedded AWS answers no web page: the request comes from a browser's page."
    if len(hosts) != 1:
        return "A request needs one Host header."
    if not is_own(hosts[0], names):
        return (
            f"The embedded AWS is not called {hosts[0][:200]!r}: it answers to loopback addresses, localhost, "
            "*.localhost, and to names given with --host-name when it starts."
        )
    return None


def is_own(host: str, names: Sequence[str] = ()) -> bool:
    """Whether a Host header's value names this machine: with or without a port, or below a name (as buckets are)."""
    return _is_own(host, tuple(names))


@lru_cache(maxsize=1024)
def _is_own(host: str, names: tuple[str, ...]) -> bool:
    name = host_name(host)
    if name is None:
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return any(name == own or name.endswith(f".{own}") for own in ("localhost", *names))
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or name in names


def host_name(host: str) -> str | None:
    """The name or address in a Host header's value, in lower case without port; None if it is ill-formed."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        port = port if not port else port[1:] if port.startswith(":") else "x"
        if not bracket or ":" not in name:
            return None
    else:
        name, _, port = host.partition(":")
    if port and not (port.isascii() and port.isdigit()):
        return None
    name = name.lower().removesuffix(".")
    return name or None
