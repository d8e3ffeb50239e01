"""A cluster that all tests of a session share, and others where one is not enough."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import QUICK, Cluster, documented, plugin_of, store_of
from tests.cluster.model.rules import Rules
from tests.conftest import Emulator
from tests.flyte.connecting import Connector
from tests.matrix.conftest import QUICK as QUICK_AWS

WARM = "flytekitplugins_smfs.flyte.warm"
Make = Callable[..., Cluster]


@pytest.fixture(scope="session")
def make_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes clusters with an emulator of their own: with so many replicas of the connector, and other rules."""
    closing: list[Callable[[], None]] = []

    def make(replicas: int = 1, **rules: Any) -> Cluster:
        home = tmp_path_factory.mktemp("cluster")
        emulator = Emulator(home / "state")
        closing.append(emulator.stop)
        emulator.start()
        emulator.settings(**QUICK_AWS)
        connectors = [
            Connector({**store_of(emulator), **plugin_of(emulator), "HOME": str(home)}, (WARM,), log=home / f"{n}.log")
            for n in range(replicas)
        ]
        closing.extend(one.kill for one in connectors)
        for one in connectors:
            one.start()
        given = Rules.of(documented(), **{**QUICK, **rules})
        target = "ipv4:" + ",".join(one.address for one in connectors)
        cluster = Cluster(emulator, home, given.led_to(target), connectors)
        closing.append(cluster.close)
        return cluster

    yield make
    for close in reversed(closing):
        close()


@pytest.fixture(scope="session")
def one_cluster(make_cluster: Make) -> Cluster:
    return make_cluster()


@pytest.fixture
def cluster(one_cluster: Cluster) -> Iterator[Cluster]:
    """The shared cluster. No connector did what none may do, unless the test says that it was meant."""
    one_cluster.model.book.violations.clear()
    one_cluster.violations_are_meant = False
    yield one_cluster
    if not one_cluster.violations_are_meant:
        assert one_cluster.violations == []


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory as a user has it: modules of workflows, and no plugin."""
    place = tmp_path_factory.mktemp("user") / "project"
    shutil.copytree(Path(__file__).with_name("project"), place, ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture(scope="session")
def registered(one_cluster: Cluster, project: Path) -> str:
    """All of it is registered, as a user does it; the version."""
    one_cluster.pyflyte("register", "--version", "v1", "flows", cwd=project).well()
    return "v1"
