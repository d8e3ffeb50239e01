"""Loopback addresses for the hosts of jobs, given out by the store so that no two jobs meet on a port."""

import zlib
from pathlib import Path

from ..store import Store

_KIND = "containers.addresses"
_LAST = "containers.addresses.last"
_FIRST, _BLOCKS = 16, 200 * 256
"""127.16.0.x to 127.215.255.x: a block of 256 addresses per job, and the well-known ones before left alone."""
_HOSTS = 245


class NoAddress(Exception):
    """All blocks are taken, or a job has more hosts than a block has addresses."""


def lease(store: Store, state: Path, owner: str, hosts: int) -> int:
    """A block that no job of this account has, for an owner (the same again if it has one). Raises NoAddress.

    Where giving out begins depends on the state directory: other emulators on this machine know nothing of this store.
    It goes on from there: a block that was given back is used last (its ports may still be in TIME_WAIT).
    """
    if hosts > _HOSTS:
        raise NoAddress(f"{hosts} hosts, at most {_HOSTS}")
    with store.transaction():
        taken = {int(doc["id"]): doc["owner"] for doc in store.all(_KIND)}
        for block, holder in taken.items():
            if holder == owner:
                return block
        last = store.get(_LAST, _LAST)
        first = last["block"] + 1 if last else zlib.crc32(str(state.resolve()).encode())
        free = next((block for n in range(_BLOCKS) if (block := (first + n) % _BLOCKS) not in taken), None)
        if free is None:
            raise NoAddress(f"all {_BLOCKS} blocks of addresses are taken")
        store.put(_KIND, str(free), {"id": str(free), "owner": owner})
        store.put(_LAST, _LAST, {"id": _LAST, "block": free})
    return free


def release(store: Store, block: int) -> None:
    """Give a block back."""
    store.delete(_KIND, str(block))


def address(block: int, host: int) -> str:
    """The address of a host, counted from 0, in a block."""
    return f"127.{_FIRST + block // 256}.{block % 256}.{10 + host}"
