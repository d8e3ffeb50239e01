"""Addresses of hosts: no two jobs have the same."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.containers.addresses import NoAddress, address, lease, release
from flytekitplugins_smfs.emulator.store import Store


def test_five_hundred_jobs_have_addresses_of_their_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda n: lease(store, tmp_path, f"job-{n}", 2), range(500)))
    given = {address(block, host) for block in blocks for host in range(2)}
    assert len(given) == 1000
    assert all(part.startswith("127.") and max(map(int, part.split("."))) < 256 for part in given)


def test_a_job_keeps_its_addresses_and_gives_them_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    first = lease(store, tmp_path, "one", 2)
    assert lease(store, tmp_path, "one", 2) == first
    assert lease(store, tmp_path, "two", 2) != first
    release(store, first)
    assert lease(store, tmp_path, "three", 2) not in (first, lease(store, tmp_path, "two", 2))
    assert lease(store, tmp_path, "one", 2) != first


def test_two_emulators_begin_at_different_places(tmp_path: Path) -> None:
    blocks = {lease(Store(tmp_path / f"{name}.db"), tmp_path / name, "job", 2) for name in "abcd"}
    assert len(blocks) == 4


def test_more_hosts_than_addresses(tmp_path: Path) -> None:
    with pytest.raises(NoAddress):
        lease(Store(tmp_path / "state.db"), tmp_path, "job", 300)
