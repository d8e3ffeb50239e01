"""docs/cluster.md from top to bottom: every command is run, against the model."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from flyteidl.admin.launch_plan_pb2 import ACTIVE, INACTIVE
from flyteidl.core.execution_pb2 import TaskExecution, WorkflowExecution

from tests.cluster.cluster import DOMAIN, PROGRAMS, PROJECT, Cluster, plugin_of, store_of
from tests.cluster.conftest import Make
from tests.conftest import wait_for
from tests.test_house import ROOT

PAGE = (ROOT / "docs" / "cluster.md").read_text()
BLOCKS = dict(re.findall(r"<!-- run: (\S+) -->\n```console\n(.*?)```", PAGE, re.DOTALL))
STUBBED = ("docker", "helm", "kubectl", "flytectl")
OWN = {
    "enabled_plugins": {
        "tasks": {"task-plugins": {"enabled-plugins": ["container", "sidecar", "connector-service", "spark"]}}
    },
    "configuration": {"inline": {"plugins": {"k8s": {"default-env-vars": [{"TEAM": "vision"}]}}}},
}
"""The values that an installation has before."""


def commands(block: str) -> list[str]:
    """The commands of a console block, with their continued lines."""
    return [one.replace("\\\n", " ") for one in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)]


def test_every_command_of_the_page_is_run() -> None:
    assert PAGE.count("```console") == len(BLOCKS)
    assert len(BLOCKS) > 5
    assert all(commands(block) for block in BLOCKS.values())


@dataclass
class Reader:
    """Somebody who follows the page."""

    cluster: Cluster
    place: Path
    told: Mapping[str, str]
    """What stands for a name of the page."""
    environment: Mapping[str, str]
    said: dict[str, str] = field(default_factory=dict)

    def follow(self, name: str, *, before: Mapping[str, Callable[[], None]] | None = None) -> str:
        """Run a block's commands one after the other, in the directory where the last one ended; what they said."""
        said = ""
        for command in commands(BLOCKS[name]):
            for program, do in (before or {}).items():
                if command.startswith(program):
                    do()
            said += self._run(command)
        return said

    def _run(self, command: str) -> str:
        for name, value in self.told.items():
            command = command.replace(name, value)
        script = f"set -o pipefail\n{command}\nended=$?\npwd > {self.place}/where\nexit $ended"
        where = self.place / "where"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=where.read_text().strip(),
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout

    def release(self, execution: str) -> None:
        """The page's command for another execution."""
        (command,) = [one for one in commands(BLOCKS["abort"]) if " release " in one]
        assert "Nothing is left." in self._run(command.replace(f"{PROJECT}/{DOMAIN}/digits-2", execution))

    def calls(self, program: str) -> list[list[str]]:
        """What a stand-in was called with."""
        lines = (self.place / "stubs" / "calls").read_text().splitlines()
        return [call[1:] for call in map(json.loads, lines) if call[0] == program]


@pytest.fixture
def reader(make_cluster: Make, tmp_path: Path) -> Iterator[Reader]:
    cluster = make_cluster(pod_environment={})  # the image's, which says where the emulator is, not the page's AWS
    clone, stubs, programs = (tmp_path / name for name in ("clone", "stubs", "programs"))
    for place in (clone, stubs, programs):
        place.mkdir()
    for name in ("deploy", "workflows"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Dockerfile", ".dockerignore", ".flyteignore"):
        shutil.copy(ROOT / name, clone / name)
    (clone / "own.yaml").write_text(yaml.safe_dump(OWN))
    settings = {name.removeprefix("FLYTE_SMFS_").lower(): value for name, value in plugin_of(cluster.emulator).items()}
    admin = yaml.safe_load(cluster.config.read_text())
    (clone / "cluster.yaml").write_text(yaml.safe_dump({**admin, "smfs": settings}))
    for name in STUBBED:
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("stubs.py")}" {name} "$@"\n')
        program.chmod(0o755)
    (tmp_path / "where").write_text(str(clone))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLYTE", "XDG_"))}
    own = {
        "PATH": f"{programs}:{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(cluster.home),
        "COLUMNS": "200",
        "STUBS": str(stubs),
        **store_of(cluster.emulator),
    }
    (connector,) = cluster.connectors
    yield Reader(cluster, tmp_path, {"localhost:8000": connector.address}, inherited | own)
    assert cluster.violations == []


def state_of(cluster: Cluster, plan: str) -> set[int]:
    with cluster.model.book.lock:
        return {one.closure.state for one in cluster.model.book.plans.values() if one.id.name == plan}


@pytest.mark.timeout(1200)
def test_the_page_leads_from_an_empty_cluster_to_its_end(reader: Reader) -> None:
    cluster = reader.cluster
    reader.follow("image")
    assert "serves all" in reader.follow("connector")
    reader.follow("flyte")
    values = yaml.safe_load((reader.place / "clone" / "smfs.yaml").read_text())["configuration"]["inline"]
    assert "spark" in values["tasks"]["task-plugins"]["enabled-plugins"]
    assert {"TEAM": "vision"} in values["plugins"]["k8s"]["default-env-vars"]
    assert "went through flyteadmin, propeller, the connector and AWS" in reader.follow("check")
    reader.follow("register")

    reader.follow("first")
    assert cluster.execution().execution.phase == WorkflowExecution.SUCCEEDED
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []

    schedule = commands(BLOCKS["schedule"])
    assert [command.rpartition(" ")[2] for command in schedule] == ["--activate", "--deactivate"]
    states: list[set[int]] = []
    reader.follow("schedule", before={schedule[1]: lambda: states.append(state_of(cluster, "digits.every_night"))})
    assert ACTIVE in states[0]
    assert state_of(cluster, "digits.every_night") == {INACTIVE}

    # What had succeeded stays after an abort, until it is released.
    def abort() -> None:
        cluster.until("digits-2", "tune", TaskExecution.RUNNING, 180)  # a training may be over within a tick
        remote = cluster.remote()
        remote.terminate(remote.fetch_execution(PROJECT, DOMAIN, "digits-2"), "by a person")
        cluster.ended("digits-2")

    said = reader.follow("abort", before={"smfs --config cluster.yaml ls": abort})
    assert reader.calls("flytectl")[-1][4] == "digits-2"
    assert cluster.execution("digits-2").execution.phase == WorkflowExecution.ABORTED
    assert "file system" in said
    assert said.rstrip().endswith("Nothing is left.")
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []

    reader.follow("upgrade")
    assert (reader.place / "stubs" / "pushed").read_text().endswith(":0.3.0")


def test_a_connector_that_is_down_delays_and_loses_nothing(reader: Reader, project: Path) -> None:
    """A create waits for the connector without an attempt that fails, and a restart in mid-work is not seen."""
    cluster = reader.cluster
    (connector,) = cluster.connectors
    for name in ("image", "connector"):
        reader.follow(name)
    connector.kill()
    run = ["run", "--remote", "--name", "waits", "flows/steps.py", "there_and_back"]
    cluster.pyflyte(*run, cwd=project).well()
    wait_for(lambda: bool(cluster.execution("waits").execution.nodes), 30)
    reader.follow("down", before={"kubectl --namespace flyte rollout status": connector.start})
    seen = cluster.ended("waits", 120)
    assert seen.execution.phase == WorkflowExecution.SUCCEEDED, seen.message
    assert all(len(node.attempts) == 1 for node in seen.execution.nodes.values() if node.attempts)
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []


def test_an_abort_while_the_connector_is_down_goes_through_when_it_is_back(reader: Reader, project: Path) -> None:
    """And what had succeeded before it is there to be released."""
    cluster = reader.cluster
    (connector,) = cluster.connectors
    for name in ("image", "connector"):
        reader.follow(name)
    cluster.pyflyte("run", "--remote", "--name", "aborted", "flows/steps.py", "waiting", cwd=project).well()
    cluster.until("aborted", "endless", TaskExecution.RUNNING, 120)
    connector.kill()
    remote = cluster.remote()
    remote.terminate(remote.fetch_execution(PROJECT, DOMAIN, "aborted"), "by a person")
    reader.follow("down", before={"kubectl --namespace flyte rollout status": connector.start})
    seen = cluster.ended("aborted", 120)
    assert seen.execution.phase == WorkflowExecution.ABORTED, seen.message
    sagemaker = cluster.emulator.client("sagemaker")
    (job,) = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    wait_for(lambda: job_state(sagemaker, job["TrainingJobName"]) == "Stopped", 60)
    assert len(cluster.emulator.client("fsx").describe_file_systems()["FileSystems"]) == 1
    reader.release(f"{PROJECT}/{DOMAIN}/aborted")
    assert cluster.emulator.client("fsx").describe_file_systems()["FileSystems"] == []


def job_state(sagemaker: Any, name: str) -> str:
    return str(sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"])
