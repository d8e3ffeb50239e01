"""Real `pyflyte run` processes against the emulator, told to stop in every phase. N1, C38"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Emulator, wait_for
from tests.operations.driving import BUCKET, ROLE, rows

ROOT = Path(__file__).parents[2]
QUICK, ENDLESS = {"num_round": 3}, {"num_round": 10_000_000}


class Process:
    """One `pyflyte run` of slow.py, and what it made in the emulator."""

    def __init__(self, emulator: Emulator, home: Path) -> None:
        self.emulator = emulator
        self._home = home
        self._since = emulator.last_call()
        self._prefix = f"slow/{home.name}"
        emulator.client("s3").put_object(Bucket=BUCKET, Key=f"{self._prefix}/part.csv", Body=rows(200, 1))
        self._process: subprocess.Popen[str] | None = None

    def start(self, workflow: str, fit: dict[str, int], search: dict[str, int]) -> None:
        environment = {
            **os.environ,
            "FLYTE_SMFS_ENDPOINT": "emulator",
            "FLYTE_SMFS_EMULATOR_STATE": str(self.emulator.state),
            "FLYTE_SMFS_ROLE": ROLE,
            "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
            "XDG_STATE_HOME": str(self._home),
            "COLUMNS": "400",
            "PYTHONPATH": str(ROOT),
        }
        data = {"s3_uri": f"s3://{BUCKET}/{self._prefix}/", "content_type": "text/csv"}
        command = [str(Path(sys.executable).with_name("pyflyte")), "run", str(ROOT / "tests/flyte/slow.py"), workflow]
        for name, value in (("data", data), ("fit", fit), ("search", search)):
            command += [f"--{name}", json.dumps(value)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True, stdout=pipe, stderr=subprocess.STDOUT
        )

    def calls(self, operation: str) -> list[dict[str, Any]]:
        found = [call for call in self.emulator.calls(self._since) if call["operation"] == operation]
        return [call for call in found if not call.get("error")]

    def until(self, question: Any) -> Any:
        def ask() -> Any:
            assert self._process is not None
            assert self._process.poll() is None, self._process.communicate()[0]
            return question()

        return wait_for(ask, 60)

    def stop(self, number: int) -> str:
        """Send the signal, expect the exit code of a failed run, and give what it printed."""
        assert self._process is not None
        self._process.send_signal(number)
        output, _ = self._process.communicate(timeout=60)
        assert self._process.returncode == 1, output
        assert "OperationCancelled" in output
        return output

    def kill(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def file_systems(self) -> list[str]:
        """Lifecycles of the file systems that this run made and that are there."""
        tokens = {call["request"]["ClientRequestToken"] for call in self.calls("CreateFileSystem")}
        assert len(tokens) == 1
        pages = self.emulator.client("fsx").get_paginator("describe_file_systems")
        every = pages.paginate().build_full_result()["FileSystems"]
        mine = [one for one in every if any(tag["Value"] in self._executions() for tag in one.get("Tags", []))]
        return [one["Lifecycle"] for one in mine]

    def _executions(self) -> set[str]:
        tags = [call["request"]["Tags"] for call in self.calls("CreateFileSystem")]
        return {tag["Value"] for tag in tags[0] if tag["Key"] == "smfs:execution"}

    def names(self, operation: str, field: str) -> list[str]:
        return [call["request"][field] for call in self.calls(operation)]


@pytest.fixture
def run(emulator: Emulator, tmp_path: Path) -> Iterator[Process]:
    one = Process(emulator, tmp_path)
    yield one
    one.kill()


SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@SIGNALS
def test_while_a_file_system_is_created(run: Process, number: int) -> None:
    with run.emulator.changed_settings(fsx_creating_seconds=60.0):
        run.start("kept", QUICK, QUICK)
        run.until(lambda: run.calls("CreateFileSystem") and run.calls("DescribeFileSystems")[1:])
        run.stop(number)
    assert run.file_systems() == []
    assert run.calls("CreateTrainingJob") == []


@pytest.mark.parametrize(("number", "workflow"), [(signal.SIGINT, "kept"), (signal.SIGTERM, "released")])
def test_while_a_job_trains(run: Process, number: int, workflow: str) -> None:
    run.start(workflow, ENDLESS, QUICK)
    name = run.until(lambda: run.names("CreateTrainingJob", "TrainingJobName"))[0]
    run.until(lambda: any(process["name"] == name for process in run.emulator.processes()))
    run.stop(number)
    job = run.emulator.client("sagemaker").describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert not any(process["name"] == name for process in run.emulator.processes())
    assert run.names("StopTrainingJob", "TrainingJobName") == [name]
    # What had succeeded is touched by the workflow's own clean-up only.
    assert run.file_systems() == (["AVAILABLE"] if workflow == "kept" else [])
    assert bool(run.calls("DeleteFileSystem")) == (workflow == "released")


@SIGNALS
def test_while_a_tuning_job_searches(run: Process, number: int) -> None:
    run.start("released", QUICK, ENDLESS)
    field = "HyperParameterTuningJobName"
    name = run.until(lambda: run.names("CreateHyperParameterTuningJob", field))[0]
    run.until(lambda: any(process["name"].startswith(name) for process in run.emulator.processes()))
    run.stop(number)
    sagemaker = run.emulator.client("sagemaker")
    status = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert status["HyperParameterTuningJobStatus"] == "Stopped"
    trials = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert {trial["TrainingJobStatus"] for trial in trials["TrainingJobSummaries"]} == {"Stopped"}
    assert not any(process["name"].startswith(name) for process in run.emulator.processes())
    trained = run.names("CreateTrainingJob", "TrainingJobName")[0]
    assert sagemaker.describe_training_job(TrainingJobName=trained)["TrainingJobStatus"] == "Completed"
    assert run.calls("StopTrainingJob") == []
    assert run.file_systems() == []


# N2, C4
def test_a_killed_run_started_again_finds_what_it_made(run: Process) -> None:
    with run.emulator.changed_settings(training_starting_seconds=8.0):
        run.start("released", QUICK, QUICK)
        name = run.until(lambda: run.names("CreateTrainingJob", "TrainingJobName"))[0]
        run.kill()
        run.start("released", QUICK, QUICK)
        run.until(lambda: run.calls("CreateHyperParameterTuningJob"))
    assert run.names("CreateTrainingJob", "TrainingJobName") == [name]
    assert len(run.calls("CreateFileSystem")) == 1
    assert run.file_systems() == ["AVAILABLE"]
    run.stop(signal.SIGTERM)
    assert run.file_systems() == []
