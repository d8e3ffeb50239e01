"""Who listens in the network of a process, as the kernel tells (proc(5), /proc/[pid]/net/tcp)."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTENS = "0A"
_ANYWHERE = "00000000"


def listening(pid: int, address: str) -> Iterator[int]:
    """The TCP ports at which an IPv4 address of the network of a process answers; none if the process is gone."""
    own = f"{int.from_bytes(socket.inet_aton(address), 'little'):08X}"
    for file, places in (("tcp", (own, _ANYWHERE)), ("tcp6", (4 * _ANYWHERE, f"{2 * _ANYWHERE}0000FFFF{own}"))):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended, or there is no IPv6
            for line in Path(f"/proc/{pid}/net/{file}").read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                place, _, port = local.partition(":")
                if state == _LISTENS and place in places:
                    yield int(port, 16)
