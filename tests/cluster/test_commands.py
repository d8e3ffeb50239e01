"""Unmodified commands against the model, with the connector as a process."""

from __future__ import annotations

import json
from datetime import UTC, timedelta
from pathlib import Path

from flyteidl.admin.execution_pb2 import ExecutionMetadata
from flyteidl.core.execution_pb2 import NodeExecution, TaskExecution, WorkflowExecution
from flytekit.models.core.identifier import Identifier, ResourceType
from flytekit.models.launch_plan import LaunchPlanState

from flytekitplugins_smfs import LustreSpec
from tests.cluster.cluster import DOMAIN, PROJECT, Cluster

WAIT = ("run", "--remote", "--wait", "--poll-interval", "1")


def test_a_run_goes_through_a_connector(cluster: Cluster, project: Path) -> None:
    cluster.pyflyte(*WAIT, "flows/steps.py", "there_and_back", cwd=project).well()
    seen = cluster.execution()
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED
    for task in ("create_lustre", "delete_lustre"):
        assert seen.phases(seen.node(task))[-1] == TaskExecution.SUCCEEDED
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []


def test_a_remote_launch_plan_takes_our_values_where_nothing_of_ours_was_imported(
    cluster: Cluster, registered: str, tmp_path: Path
) -> None:
    spec = LustreSpec(capacity_gib=2400).model_dump_json()
    plan = f"flows.steps.there_and_back:{registered}"
    cluster.pyflyte(*WAIT[:1], *WAIT[2:], "remote-launchplan", plan, "--spec", spec, cwd=tmp_path).well()
    seen = cluster.execution()
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED
    made = next(call for call in cluster.emulator.calls()[::-1] if call["operation"] == "CreateFileSystem")
    assert json.dumps(made).count("2400") == 1


def test_a_remote_task_takes_our_values_where_nothing_of_ours_was_imported(
    cluster: Cluster, registered: str, tmp_path: Path
) -> None:
    spec = LustreSpec(capacity_gib=2400).model_dump_json()
    task = f"smfs.create_lustre:{registered}"
    cluster.pyflyte(*WAIT[:1], *WAIT[2:], "remote-task", task, "--spec", spec, cwd=tmp_path).well()
    fsx = cluster.emulator.client("fsx")
    (made,) = fsx.describe_file_systems()["FileSystems"]
    assert made["StorageCapacity"] == 2400
    fsx.delete_file_system(FileSystemId=made["FileSystemId"])


def test_a_value_that_is_wrong_is_told_before_anything_begins(
    cluster: Cluster, registered: str, tmp_path: Path
) -> None:
    before = len(cluster.model.book.executions)
    plan = f"flows.steps.there_and_back:{registered}"
    done = cluster.pyflyte("run", "remote-launchplan", plan, "--spec", '{"no": 1}', cwd=tmp_path)
    assert done.code != 0
    assert len(cluster.model.book.executions) == before


def test_plans_are_inactive_until_they_are_activated_and_then_fire(
    cluster: Cluster, registered: str, tmp_path: Path
) -> None:
    scheduler, client = cluster.model.scheduler, cluster.remote().client
    nightly, often = (_plan(name, registered) for name in ("plans.nightly", "plans.often"))
    today = scheduler.at
    before = scheduler.passes_to(today + timedelta(days=2))
    assert {"plans.nightly", "plans.often"}.isdisjoint(one.shown.spec.launch_plan.name for one in before)
    cluster.pyflyte("launchplan", "--activate", "plans.nightly", registered, cwd=tmp_path).well()
    night = (today + timedelta(days=4)).replace(hour=2, minute=0, second=0, microsecond=0)
    scheduler.passes_to(night - timedelta(seconds=1))
    (fired,) = scheduler.passes_to(night)
    client.update_launch_plan(nightly, LaunchPlanState.INACTIVE)
    assert scheduler.passes_to(night + timedelta(days=3)) == []
    seen = cluster.ended(fired.shown.id.name)
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED, seen.message
    assert fired.shown.spec.metadata.mode == ExecutionMetadata.SCHEDULED
    assert fired.inputs.literals["at"].scalar.primitive.datetime.ToDatetime(tzinfo=UTC) == night
    assert fired.inputs.literals["seed"].scalar.primitive.integer == 7
    client.update_launch_plan(often, LaunchPlanState.ACTIVE)
    assert len(scheduler.passes_to(night + timedelta(days=3, hours=6))) == 1
    client.update_launch_plan(often, LaunchPlanState.INACTIVE)
    assert cluster.ended().execution.phase == WorkflowExecution.SUCCEEDED


def _plan(name: str, version: str) -> Identifier:
    return Identifier(ResourceType.LAUNCH_PLAN, PROJECT, DOMAIN, name, version)


def test_recover_takes_over_what_succeeded_and_relaunch_does_not(
    cluster: Cluster, registered: str, tmp_path: Path
) -> None:
    remote = cluster.remote()
    plan = remote.fetch_launch_plan(name="flows.steps.resumed", version=registered)
    code = {"code": "AccessDeniedException", "message": "not allowed", "status": 400}
    denied = {"service": "sagemaker", "operation": "CreateTrainingJob", **code, "times": 9}
    cluster.emulator.faults(denied)
    failed = cluster.ended(remote.execute(plan, {}).id.name)
    assert failed.execution.phase == WorkflowExecution.FAILED, failed.message
    cluster.emulator.faults()
    name = failed.execution.shown.id.name
    cluster.pyflyte("execution", "--execution-id", name, "recover", cwd=tmp_path).well()
    seen = cluster.ended()
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED, seen.message
    assert seen.execution.nodes["n0"].shown.closure.phase == NodeExecution.RECOVERED
    cluster.pyflyte("execution", "--execution-id", name, "relaunch", cwd=tmp_path).well()
    seen = cluster.ended()
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED, seen.message
    assert seen.execution.nodes["n0"].shown.closure.phase == NodeExecution.SUCCEEDED
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []


def test_a_plan_that_is_a_step_is_an_execution_of_its_own(cluster: Cluster, registered: str) -> None:
    remote = cluster.remote()
    plan = remote.fetch_launch_plan(name="flows.plans.outer", version=registered)
    done = remote.wait(remote.execute(plan, {}), timeout=90, poll_interval=1)
    assert done.is_successful
    child = cluster.execution().execution
    assert child.shown.spec.metadata.parent_node_execution.execution_id.name == done.id.name
