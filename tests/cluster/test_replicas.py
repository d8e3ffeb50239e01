"""Connectors that are killed and started again, and two of them behind one address."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flyteidl.core.execution_pb2 import TaskExecution, WorkflowExecution

from tests.cluster.cluster import Cluster
from tests.cluster.conftest import Make
from tests.conftest import wait_for
from tests.matrix.points import sampled

UNKNOWN_TO_THE_OTHER = re.compile("^n[0-9]: (QUEUED|INITIALIZING) after RUNNING: ")
"""What one replica told is not known to the other: where it has not read a state yet and says that it runs, the one
that began it may still say that it starts. Flyte shows no phase again that is earlier."""
PHASES = ("create_lustre", "brief", "delete_lustre")


@pytest.fixture(scope="module")
def pair(make_cluster: Make, project: Any) -> Cluster:
    """A cluster with two replicas of the connector, slow enough that each step is seen."""
    cluster = make_cluster(replicas=2)
    cluster.emulator.settings(fsx_creating_seconds=3.0, training_starting_seconds=2.0, fsx_deleting_seconds=3.0)
    cluster.pyflyte("register", "--version", "v1", "flows", cwd=project).well()
    return cluster


def begun(cluster: Cluster, workflow: str = "flows.steps.resumed") -> str:
    remote = cluster.remote()
    plan = remote.fetch_launch_plan(name=workflow, version="v1")
    return str(remote.execute(plan, {}).id.name)


def reached(cluster: Cluster, name: str, task: str) -> None:
    """A task is under way."""

    def under_way() -> bool:
        try:
            seen = cluster.execution(name)
            return bool(seen.phases(seen.node(task))[1:])
        except (KeyError, AssertionError):
            return False

    wait_for(under_way, 60)


def right(cluster: Cluster, name: str, before: int) -> None:
    """It ended well, made one job and left nothing."""
    seen = cluster.ended(name, 90)
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED, seen.message
    assert all(len(node.attempts) == 1 for node in seen.execution.nodes.values())
    for node in seen.execution.nodes:
        assert seen.phases(node)[-1] == TaskExecution.SUCCEEDED
    assert jobs(cluster) == before + 1
    wait_for(lambda: not cluster.emulator.client("fsx").describe_file_systems()["FileSystems"])
    assert [line for line in cluster.violations if not UNKNOWN_TO_THE_OTHER.search(line)] == []


def jobs(cluster: Cluster) -> int:
    return len(cluster.emulator.client("sagemaker").list_training_jobs(MaxResults=100)["TrainingJobSummaries"])


@pytest.mark.parametrize("replicas", sampled(["one after the other", "both"], ["one after the other"]))
def test_executions_end_right_whichever_connector_is_away(pair: Cluster, replicas: str) -> None:
    """One is killed at each step while the other answers; or both, and one comes back."""
    pair.model.book.violations.clear()
    before = jobs(pair)
    name = begun(pair)
    for number, task in enumerate(PHASES):
        reached(pair, name, task)
        killed = pair.connectors if replicas == "both" else [pair.connectors[number % 2]]
        for one in killed:
            one.kill()
        for one in killed:
            one.start()
    right(pair, name, before)
