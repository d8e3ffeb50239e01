"""The connector over real gRPC, with real operations against the emulator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from flyteidl.core.execution_pb2 import TaskExecution

from flytekitplugins_smfs.flyte.tasks import create_lustre, link_repository
from flytekitplugins_smfs.flyte.training_tasks import TrainingTask, TuningTask
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import BuiltinAlgorithm, Hyperparameters
from flytekitplugins_smfs.values.sagemaker.tuning import Integer, Minimize, Ranges, TuningResult
from tests.conftest import Emulator, wait_for
from tests.flyte.connecting import Connector
from tests.operations.driving import BUCKET, ROLE, rows

XGBOOST = BuiltinAlgorithm("xgboost", "1.7-1")
LOGISTIC = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": 5}
CHANNELS: dict[str, type[Any]] = {"train": TrainingInput, "validation": TrainingInput}
TRAIN = TrainingTask("wire.train", XGBOOST, CHANNELS, hyperparameters=LOGISTIC)
MOUNTED = TrainingTask("wire.mounted", XGBOOST, {"train": FileSystemInput}, hyperparameters=LOGISTIC)
TUNE = TuningTask("wire.tune", TRAIN, Minimize("validation:logloss"), {"max_depth": Integer(3, 8)}, max_jobs=2)
ENDLESS = Hyperparameters(root={"num_round": 10_000_000})


@pytest.fixture(scope="module")
def connector(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    environment = {
        "FLYTE_SMFS_ENDPOINT": "emulator",
        "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state),
        "FLYTE_SMFS_ROLE": ROLE,
        "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
        "HOME": str(tmp_path_factory.mktemp("home")),
    }
    one = Connector(environment, ("flytekitplugins_smfs.flyte.warm",))
    one.start()
    yield one
    one.kill()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An execution's name of the test's own."""
    return f"f{abs(hash(request.node.name)) % 10**8}x{time.time_ns() % 10**6}"


@pytest.fixture
def prefix(emulator: Emulator, name: str) -> str:
    for seed, channel in enumerate(CHANNELS):
        key = f"{name}/{channel}/part.csv"
        emulator.client("s3").put_object(Bucket=BUCKET, Key=key, Body=rows(200, seed))
    return f"s3://{BUCKET}/{name}"


@pytest.fixture
def channels(prefix: str) -> dict[str, Any]:
    return {key: TrainingInput(s3_uri=f"{prefix}/{key}/", content_type="text/csv") for key in CHANNELS}


def training_jobs(emulator: Emulator, prefix: str) -> list[str]:
    found = emulator.client("sagemaker").list_training_jobs(NameContains=prefix, MaxResults=100)
    return [job["TrainingJobName"] for job in found["TrainingJobSummaries"]]


# C107, C35
def test_a_training_job_outlives_the_connector_that_started_it(
    connector: Connector, channels: dict[str, Any], name: str
) -> None:
    meta = connector.create(TRAIN, channels, name=name)  # within Flyte's 10 seconds
    connector.kill()
    connector.start()
    result = connector.result(TRAIN, connector.finish(TRAIN, meta))
    assert result.model_uri.endswith("/output/model.tar.gz")
    assert set(result.metrics) >= {"train:logloss", "validation:logloss"}
    assert result.hyperparameters["num_round"] == "5"
    assert [point.step for point in result.curve if point.name == "train:logloss"] == list(range(5))
    assert len(meta) < 2048


def test_a_create_that_comes_twice_starts_one_job(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    before = set(training_jobs(emulator, "wire-train"))
    endless = {**channels, "hyperparameters": ENDLESS}
    metas = [connector.create(TRAIN, endless, name=name) for _ in range(2)]
    metas.append(connector.create(TRAIN, endless, name=name, attempt=1))  # Flyte gave up on the first, which runs
    (job,) = set(training_jobs(emulator, "wire-train")) - before
    connector.delete(TRAIN, metas[2])
    for meta in metas:
        assert connector.finish(TRAIN, meta).phase == TaskExecution.FAILED
    again = connector.create(TRAIN, channels, name=name, attempt=2)
    assert connector.result(TRAIN, connector.finish(TRAIN, again)).job_name != job


def test_a_connector_fits_the_300_mib_that_the_chart_gives_it(connector: Connector) -> None:
    assert connector.process is not None
    memory = psutil.Process(connector.process.pid).memory_info().rss
    assert memory < 300 * 2**20


def test_a_create_answers_in_flytes_time_while_aws_hangs_and_loses_no_job(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    """Flyte stores nothing of a create that took over 10 seconds, and so never deletes what it made."""
    before = set(training_jobs(emulator, "wire-train"))
    emulator.faults({"service": "sagemaker", "operation": "CreateTrainingJob", "delay": 8.0, "times": 2})
    meta = connector.create(TRAIN, {**channels, "hyperparameters": ENDLESS}, name=name)
    assert connector.get(TRAIN, meta).phase == TaskExecution.QUEUED
    (job,) = wait_for(lambda: set(training_jobs(emulator, "wire-train")) - before)  # the request arrives after all
    connector.delete(TRAIN, meta)
    sagemaker = emulator.client("sagemaker")
    wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] == "Stopped", 30)


# N1, C38
def test_delete_stops_a_training_job(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    before = set(training_jobs(emulator, "wire-train"))
    meta = connector.create(TRAIN, {**channels, "hyperparameters": ENDLESS}, name=name)
    (job,) = set(training_jobs(emulator, "wire-train")) - before
    wait_for(lambda: connector.get(TRAIN, meta).phase == TaskExecution.RUNNING, 30)
    connector.delete(TRAIN, meta)
    sagemaker = emulator.client("sagemaker")
    wait_for(lambda: sagemaker.describe_training_job(TrainingJobName=job)["TrainingJobStatus"] == "Stopped", 30)
    connector.delete(TRAIN, meta)
    assert not any(process["name"] == job for process in emulator.processes())
    assert connector.get(TRAIN, meta).phase == TaskExecution.FAILED  # C36


# N1
def test_delete_stops_a_tuning_job(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    meta = connector.create(TUNE, {**channels, "hyperparameters": ENDLESS}, name=name)
    wait_for(lambda: connector.get(TUNE, meta).phase == TaskExecution.RUNNING, 30)
    connector.delete(TUNE, meta)
    wait_for(lambda: connector.get(TUNE, meta).phase == TaskExecution.FAILED, 30)
    wait_for(lambda: not any(process["name"].startswith("wire-tune") for process in emulator.processes()))


# N1
def test_delete_removes_a_half_made_file_system(connector: Connector, emulator: Emulator, name: str) -> None:
    with emulator.changed_settings(fsx_creating_seconds=60.0):
        meta = connector.create(create_lustre, {"spec": LustreSpec()}, name=name)
        assert connector.get(create_lustre, meta).phase == TaskExecution.RUNNING
        connector.delete(create_lustre, meta)
    fsx = emulator.client("fsx")

    def gone() -> bool:
        every = fsx.get_paginator("describe_file_systems").paginate().build_full_result()["FileSystems"]
        return not any(name in tag["Value"] for one in every for tag in one.get("Tags", []))

    wait_for(gone, 30)


# C1, C8, C21
def test_a_file_system_its_link_and_a_job_that_reads_it(
    connector: Connector, emulator: Emulator, prefix: str, name: str
) -> None:
    made = connector.create(create_lustre, {"spec": LustreSpec()}, name=name, node="n0")
    file_system = connector.result(create_lustre, connector.finish(create_lustre, made))
    assert isinstance(file_system, LustreFileSystem)
    inputs = {"file_system": file_system, "repository": prefix, "path": "/ns1"}
    linked = connector.create(link_repository, inputs, name=name, node="n1")
    assert len(linked) < 2048
    link = connector.result(link_repository, connector.finish(link_repository, linked))
    channel = FileSystemInput.of_link(link, f"{prefix}/train", content_type="text/csv")
    trained = connector.create(MOUNTED, {"train": channel}, name=name, node="n2")
    assert connector.result(MOUNTED, connector.finish(MOUNTED, trained)).model_uri


# C41, C42, C45
def test_a_tuning_job_with_ranges_given_at_launch(connector: Connector, channels: dict[str, Any], name: str) -> None:
    ranges = Ranges(root={"max_depth": Integer(2, 4)})
    meta = connector.create(TUNE, {**channels, "ranges": ranges}, name=name)
    result = connector.result(TUNE, connector.finish(TUNE, meta))
    assert isinstance(result, TuningResult)
    assert len(result.trials) == 2
    assert {int(trial.parameters["max_depth"]) for trial in result.trials} <= {2, 3, 4}
    assert result.best.objective == min(trial.objective for trial in result.trials if trial.objective is not None)


def test_throttling_is_not_a_failure(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    meta = connector.create(TRAIN, channels, name=name)
    code = {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400}
    emulator.faults({"service": "sagemaker", "operation": "DescribeTrainingJob", **code, "times": 1000})
    try:
        resource = connector.get(TRAIN, meta)
    finally:
        emulator.faults()
    assert resource.phase == TaskExecution.QUEUED
    assert "Rate exceeded" in resource.message
    assert connector.finish(TRAIN, meta).phase == TaskExecution.SUCCEEDED


# N3
def test_flytes_ten_seconds_are_kept_while_every_call_is_late(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    """A create past its deadline costs a retry, and a delete past it is asked again up to ten times."""
    endless = {**channels, "hyperparameters": ENDLESS}
    late = [{"service": service, "delay": 3.0, "times": 1000} for service in ("sagemaker", "fsx", "ec2", "sts", "logs")]
    took: dict[str, float] = {}

    def timed(what: str, call: Any) -> Any:
        began = time.monotonic()
        try:
            return call()
        finally:
            took[what] = time.monotonic() - began

    emulator.faults(*late)
    try:
        train = timed("create a job", lambda: connector.create(TRAIN, endless, name=name, node="t"))
        system = timed("create a file system", lambda: connector.create(create_lustre, {}, name=name, node="s"))
        timed("get", lambda: connector.get(TRAIN, train))
        timed("get again", lambda: connector.get(TRAIN, train))
        timed("delete a job", lambda: connector.delete(TRAIN, train))
        timed("delete a file system", lambda: connector.delete(create_lustre, system))
    finally:
        emulator.faults()
    assert max(took.values()) < 9, took
    assert took["get"] < 3, took
    fsx, sagemaker = emulator.client("fsx"), emulator.client("sagemaker")

    def ended() -> bool:
        every = fsx.get_paginator("describe_file_systems").paginate().build_full_result()["FileSystems"]
        mine = [one for one in every if any(name in tag["Value"] for tag in one.get("Tags", []))]
        jobs = [sagemaker.describe_training_job(TrainingJobName=job) for job in training_jobs(emulator, "wire-train")]
        return not mine and not any(job["TrainingJobStatus"] == "InProgress" for job in jobs)

    wait_for(ended, 40)


# N1
def test_a_removal_that_was_begun_is_seen_through_after_a_restart(
    connector: Connector, emulator: Emulator, name: str
) -> None:
    """No thread holds what a restart would lose: the resource says by itself that it is to go."""
    with emulator.changed_settings(fsx_creating_seconds=6.0):
        meta = connector.create(create_lustre, {"spec": LustreSpec()}, name=name)
        busy = {"service": "fsx", "operation": "DeleteFileSystem", "code": "BadRequest", "status": 400, "times": 1000}
        emulator.faults(busy)  # as while AWS creates it
        connector.delete(create_lustre, meta)
        connector.kill()
        emulator.faults()
        connector.start()  # nobody asks for anything
        fsx = emulator.client("fsx")

        def gone() -> bool:
            every = fsx.get_paginator("describe_file_systems").paginate().build_full_result()["FileSystems"]
            return not any(name in tag["Value"] for one in every for tag in one.get("Tags", []))

        wait_for(gone, 40)


# C107
def test_a_restarted_connector_knows_at_once_what_runs(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str
) -> None:
    meta = connector.create(TRAIN, {**channels, "hyperparameters": ENDLESS}, name=name)
    wait_for(lambda: connector.get(TRAIN, meta).phase == TaskExecution.RUNNING, 30)
    connector.kill()
    connector.start()
    assert connector.get(TRAIN, meta).phase == TaskExecution.RUNNING
    connector.delete(TRAIN, meta)


def test_a_create_that_waits_for_its_turn_is_told_so_and_is_made(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str, tmp_path: Path
) -> None:
    """AWS takes one CreateTrainingJob a second, and Flyte waits ten for each."""
    before = set(training_jobs(emulator, "wire-train"))
    nodes = [f"n{number}" for number in range(6)]
    prefixes = {node: str(tmp_path / node) for node in nodes}
    metas = {node: connector.create(TRAIN, channels, prefixes[node], name=name, node=node) for node in nodes}
    phases = {connector.get(TRAIN, meta).phase for meta in metas.values()}
    assert TaskExecution.WAITING_FOR_RESOURCES in phases
    assert any((Path(prefix) / "smfs-spec.json").exists() for prefix in prefixes.values())
    for meta in metas.values():
        assert len(meta) < 4096
        assert connector.finish(TRAIN, meta).phase == TaskExecution.SUCCEEDED
    assert len(set(training_jobs(emulator, "wire-train")) - before) == len(nodes)
    assert not any((Path(prefix) / "smfs-spec.json").exists() for prefix in prefixes.values())


def test_what_waits_survives_the_connector_and_what_was_cancelled_is_not_made(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str, tmp_path: Path
) -> None:
    before = set(training_jobs(emulator, "wire-train"))
    nodes = [f"n{number}" for number in range(8)]
    metas = {node: connector.create(TRAIN, channels, str(tmp_path / node), name=name, node=node) for node in nodes}
    waiting = [node for node in nodes if b'"waiting"' in metas[node]]
    assert len(waiting) >= 4
    kept, cancelled = waiting[-1], waiting[-2]
    connector.delete(TRAIN, metas[cancelled])
    connector.kill()
    connector.start()
    assert connector.get(TRAIN, metas[cancelled]).phase == TaskExecution.FAILED
    assert connector.finish(TRAIN, metas[kept]).phase == TaskExecution.SUCCEEDED
    for node in nodes:
        if node != cancelled:
            assert connector.finish(TRAIN, metas[node]).phase == TaskExecution.SUCCEEDED
    assert len(set(training_jobs(emulator, "wire-train")) - before) == len(nodes) - 1


def test_a_store_that_cannot_be_written_to_makes_the_create_wait_in_the_call(
    connector: Connector, emulator: Emulator, channels: dict[str, Any], name: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    nodes = [f"n{number}" for number in range(3)]
    metas = [connector.create(TRAIN, channels, str(tmp_path / "file" / node), name=name, node=node) for node in nodes]
    assert not any(b'"waiting"' in meta for meta in metas)
    for meta in metas:
        assert connector.finish(TRAIN, meta).phase == TaskExecution.SUCCEEDED
