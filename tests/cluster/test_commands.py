"""Unmodified commands against the model, with the connector as a process."""

from __future__ import annotations

from pathlib import Path

from flyteidl.core.execution_pb2 import TaskExecution, WorkflowExecution

from tests.cluster.cluster import Cluster


def test_a_run_goes_through_a_connector(cluster: Cluster, project: Path) -> None:
    done = cluster.pyflyte(
        "run", "--remote", "--wait", "--poll-interval", "1", "flows/steps.py", "there_and_back", cwd=project
    )
    seen = cluster.execution()
    assert done.code == 0, done.said
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED
    for task in ("create_lustre", "delete_lustre"):
        assert seen.phases(seen.node(task))[-1] == TaskExecution.SUCCEEDED
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []
