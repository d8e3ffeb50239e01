"""FlyteRemote against the model: execute, wait, terminate, and what there is to read afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.core.execution_pb2 import TaskExecution, WorkflowExecution

from flytekitplugins_smfs import Removed
from tests.cluster.cluster import Cluster, Seen
from tests.conftest import wait_for

S = TaskExecution


def begin(cluster: Cluster, version: str, workflow: str, **inputs: Any) -> tuple[Any, Any]:
    remote = cluster.remote()
    plan = remote.fetch_launch_plan(name=workflow, version=version)
    return remote, remote.execute(plan, inputs)


def through(cluster: Cluster, version: str, workflow: str, seconds: float = 90, **inputs: Any) -> tuple[Any, Seen]:
    """Executed to its end."""
    remote, execution = begin(cluster, version, workflow, **inputs)
    done = remote.wait(execution, timeout=int(seconds), poll_interval=1)
    return done, cluster.execution(execution.id.name)


def jobs(cluster: Cluster) -> list[dict[str, Any]]:
    return list(cluster.emulator.client("sagemaker").list_training_jobs(MaxResults=100)["TrainingJobSummaries"])


def file_systems(cluster: Cluster) -> list[dict[str, Any]]:
    return list(cluster.emulator.client("fsx").describe_file_systems()["FileSystems"])


def test_what_is_registered_runs_and_its_outputs_are_typed(cluster: Cluster, registered: str) -> None:
    done, seen = through(cluster, registered, "flows.steps.there_and_back")
    assert done.is_successful
    removed = done.outputs.get("o0", as_type=Removed)
    assert removed.timing.ended_at >= removed.timing.started_at
    for task in ("create_lustre", "delete_lustre"):
        assert seen.phases(seen.node(task))[-1] == S.SUCCEEDED


def test_a_job_that_fails_is_final_and_the_clean_up_runs(cluster: Cluster, registered: str) -> None:
    done, seen = through(cluster, registered, "flows.steps.failing")
    assert done.closure.phase == WorkflowExecution.FAILED
    assert "the data is not there" in done.error.message
    broken = seen.node("broken")
    assert len(seen.execution.nodes[broken].attempts) == 1, "a job's own failure is no matter of retries"
    assert seen.phases(seen.node("release"))[-1] == S.SUCCEEDED
    assert file_systems(cluster) == []


def test_a_timeout_counts_for_all_attempts_and_the_clean_up_runs(cluster: Cluster, registered: str) -> None:
    done, seen = through(cluster, registered, "flows.steps.too_long")
    assert done.closure.phase == WorkflowExecution.FAILED
    limited = seen.node("limited")
    assert seen.phases(limited)[-1] == S.ABORTED
    assert len(seen.execution.nodes[limited].attempts) == 1
    assert seen.phases(seen.node("release"))[-1] == S.SUCCEEDED
    wait_for(
        lambda: (
            {job["TrainingJobStatus"] for job in jobs(cluster) if "limited" in job["TrainingJobName"]} == {"Stopped"}
        )
    )
    assert file_systems(cluster) == []


def test_terminating_stops_the_job_and_leaves_what_had_succeeded(cluster: Cluster, registered: str) -> None:
    remote, execution = begin(cluster, registered, "flows.steps.waiting")
    name = execution.id.name
    cluster.until(name, "endless", S.RUNNING)
    remote.terminate(execution, "enough")
    seen = cluster.ended(name)
    assert seen.execution.phase == WorkflowExecution.ABORTED
    assert "efn" not in " ".join(seen.execution.nodes), "on_failure does not run"
    (job,) = (job for job in jobs(cluster) if "endless" in job["TrainingJobName"])
    described = cluster.emulator.client("sagemaker")
    wait_for(
        lambda: (
            described.describe_training_job(TrainingJobName=job["TrainingJobName"])["TrainingJobStatus"] == "Stopped"
        )
    )
    (left,) = file_systems(cluster)
    cluster.emulator.client("fsx").delete_file_system(FileSystemId=left["FileSystemId"])
    wait_for(lambda: not file_systems(cluster))


def test_a_pod_runs_the_bundle_and_recoverable_errors_cost_attempts(cluster: Cluster, registered: str) -> None:
    done, seen = through(cluster, registered, "flows.pods.attempts")
    assert done.closure.phase == WorkflowExecution.FAILED
    where = seen.execution.nodes[seen.node("where")]
    assert [attempt.shown.closure.phase for attempt in where.attempts] == [S.RETRYABLE_FAILED, S.SUCCEEDED]
    assert "is of no use" in seen.message
    assert "pod-" in seen.message, "it ran in its own directory"


def test_dynamic_tasks_and_workflows_within_make_jobs_of_their_own(cluster: Cluster, registered: str) -> None:
    before = len(jobs(cluster))
    done, seen = through(cluster, registered, "flows.pods.nested", count=2)
    assert done.is_successful, seen.message
    names = [job["TrainingJobName"] for job in jobs(cluster)]
    assert len(names) == len(set(names)) == before + 3


@pytest.mark.parametrize(("text", "inner"), [("a", False), ("b", True)])
def test_a_branch_goes_one_way(cluster: Cluster, registered: str, text: str, inner: bool) -> None:
    before = len(jobs(cluster))
    done, seen = through(cluster, registered, "flows.pods.either", text=text)
    assert done.is_successful, seen.message
    assert len(jobs(cluster)) == before + 1
    assert len(seen.execution.nodes) == 2 + inner
