"""The main workflow on a cluster: registered, activated and run by unmodified commands, with our value as an input."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from flyteidl.core.execution_pb2 import NodeExecution, WorkflowExecution
from flytekit.models.launch_plan import LaunchPlanState

from flytekitplugins_smfs import LustreSpec
from tests.cluster.cluster import Cluster
from tests.flyte.connecting import ROOT
from workflows.digits import Outcome

MEMORY = 300 * 1024 * 1024
"""What the connector's container may use."""


@pytest.fixture(scope="module")
def nightly(one_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workflows are registered, and the nightly plan is active."""
    place = tmp_path_factory.mktemp("digits")
    shutil.copytree(ROOT / "workflows", place / "workflows", ignore=shutil.ignore_patterns("__pycache__"))
    one_cluster.pyflyte("register", "--version", "d1", "workflows", cwd=place).well()
    one_cluster.pyflyte("launchplan", "--activate", "digits.nightly", "d1", cwd=place).well()
    yield "digits.nightly"
    plan = one_cluster.remote().fetch_launch_plan(name="digits.nightly", version="d1")
    one_cluster.remote().client.update_launch_plan(plan.id, LaunchPlanState.INACTIVE)


@pytest.mark.soak
def test_the_digits_run_on_a_schedule_and_leave_nothing(cluster: Cluster, nightly: str) -> None:
    due = (cluster.model.scheduler.at + timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)
    fired = [one for one in cluster.model.scheduler.passes_to(due) if one.shown.spec.launch_plan.name == nightly]
    assert len(fired) == 1
    seen = cluster.ended(fired[0].shown.id.name, seconds=350)
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED, seen.message
    _judge(cluster, seen.execution.shown.id.name)


@pytest.mark.soak
def test_the_digits_run_where_nothing_of_ours_was_imported(cluster: Cluster, nightly: str, tmp_path: Path) -> None:
    given = ("--spec", LustreSpec(capacity_gib=1200).model_dump_json())
    wait = ("run", "--wait", "--poll-interval", "2")
    cluster.pyflyte(*wait, "remote-launchplan", nightly, *given, cwd=tmp_path, seconds=350).well()
    _judge(cluster, cluster.execution().execution.shown.id.name)


def _judge(cluster: Cluster, name: str) -> None:
    execution = cluster.remote().fetch_execution(name=name)
    done = cluster.remote().sync_execution(execution, sync_nodes=True)
    outcome = done.outputs.get("o0", as_type=Outcome)
    assert outcome.accuracy > 0.9
    assert list(outcome.remaining) == []
    seen = cluster.execution(name)
    report = seen.execution.nodes[seen.node("report")]
    assert report.shown.closure.phase == NodeExecution.SUCCEEDED
    assert cluster.model.store.holds(report.shown.closure.deck_uri)
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []
    process = cluster.connectors[0].process
    assert process is not None
    assert psutil.Process(process.pid).memory_info().rss < MEMORY
