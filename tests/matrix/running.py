"""Real processes of a workflow over the emulator, what they said and when, and what they made and left in AWS."""

from __future__ import annotations

import collections
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from flytekitplugins_smfs.runs.signals import described
from tests.conftest import Emulator, wait_for
from tests.matrix.dying import CALLS, DIES
from tests.operations.driving import BUCKET, ROLE, rows

ROOT = Path(__file__).parents[2]
CREATES = {
    "CreateFileSystem": "ClientRequestToken",
    "CreateDataRepositoryAssociation": "ClientRequestToken",
    "CreateTrainingJob": "TrainingJobName",
    "CreateHyperParameterTuningJob": "HyperParameterTuningJobName",
}
"""What makes something -> the member of the request that tells one of them from another."""
FINISHED = {"Completed", "Failed", "Stopped"}


@dataclass(frozen=True)
class Line:
    """Something that a process printed."""

    at: float
    error: bool
    """Whether on standard error."""
    text: str


class Program:
    """A command that may be run again and again, over an emulator that others use too."""

    def __init__(self, emulator: Emulator, home: Path, *command: str) -> None:
        self.emulator = emulator
        self.home = home
        self.state = home / "steering"
        self.state.mkdir()
        self._since = emulator.last_call() if emulator.env else 0
        self._command = [sys.executable, *command]
        self.lines: list[Line] = []
        self.executions: list[str] = []
        """Those that its runs have said they were, in order."""
        self._process: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self.ended_at = 0.0

    @classmethod
    def flow(cls, emulator: Emulator, home: Path, workflow: str, *more: str) -> Program:
        """A `pyflyte run` of flows.py."""
        pyflyte, flows = str(Path(sys.executable).with_name("pyflyte")), str(ROOT / "tests/matrix/flows.py")
        repository = f"s3://{BUCKET}/matrix/{home.name}"
        return cls(emulator, home, pyflyte, "run", flows, workflow, "--repository", repository, *more)

    def data(self) -> None:
        """What the workflow's jobs read."""
        self.emulator.client("s3").put_object(Bucket=BUCKET, Key=f"matrix/{self.home.name}/part.csv", Body=rows(100, 1))

    # Steering

    def let_jobs_see(self) -> None:
        """Have the jobs of flows.py see the directory that steers them, behind their walls."""
        image = {"command": ["sh"], "readable": [str(self.state)]}
        (self.emulator.state / "images.json").write_text(json.dumps({"*/matrix:1": image}))

    def hold(self, *names: str) -> None:
        """Let what a file of this name holds up be held up."""
        for name in names:
            (self.state / name).touch()

    def let_go(self) -> None:
        """Hold nothing up any more."""
        for file in self.state.iterdir():
            file.unlink()

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "SMFS_TEST_STATE": str(self.state),
            "FLYTE_SMFS_ENDPOINT": "emulator",
            "FLYTE_SMFS_EMULATOR_STATE": str(self.emulator.state),
            "FLYTE_SMFS_ROLE": ROLE,
            "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
            "XDG_STATE_HOME": str(self.home / "state"),
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "400",
            CALLS: str(self.home / "calls"),
            **more,
        }

    def command(self, shell: str) -> list[str]:
        """In a shell, with no core dumps of SIGQUIT."""
        return ["bash", "-c", f"ulimit -c 0; {shell}", "bash", *self._command]

    def start(self, dies: str = "", shell: str = 'exec "$@"') -> None:
        """Run it; `dies`: at which of its AWS calls it is killed; `shell`: what a shell does with it, which is `$@`."""
        (self.home / "calls").write_text("")
        self.lines = []
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self.command(shell), env=self.environment(**{DIES: dies}), cwd=ROOT, text=True, stdout=pipe, stderr=pipe
        )
        streams = ((self._process.stdout, False), (self._process.stderr, True))
        self._readers = [threading.Thread(target=self._read, args=one, daemon=True) for one in streams]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, error: bool) -> None:
        for text in stream:
            self.lines.append(Line(time.monotonic(), error, text.rstrip("\n")))
            found = re.search(r"^Execution (local/\S+?)[.,]", text)
            if found and found[1] not in self.executions:
                self.executions.append(found[1])

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        """All that it printed, lines as they came."""
        return "\n".join(line.text for line in self.lines)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def until(self, question: Callable[[], Any], seconds: float = 60) -> Any:
        """Wait for something that is to come while it lives."""

        def ask() -> Any:
            found = question()
            assert found or self.alive(), f"it ended before:\n{self.output}"
            return found

        return wait_for(ask, seconds)

    def said(self, pattern: str, *, after: float = 0.0, error: bool | None = None) -> Line | None:
        """The first line that has this."""
        for line in list(self.lines):
            if line.at >= after and error in (None, line.error) and re.search(pattern, line.text):
                return line
        return None

    def end(self, seconds: float = 60) -> int:
        """Wait for its end and give its exit code, which is negative for a death by a signal."""
        assert self._process is not None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {seconds} s:\n{self.output}") from None
        self.ended_at = time.monotonic()
        for reader in self._readers:
            reader.join(5)
        return code

    def run(self, dies: str = "") -> int:
        """Start it and wait for its end."""
        self.start(dies)
        return self.end()

    def signal(self, number: int) -> float:
        """Send a signal and give the time."""
        assert self._process is not None
        at = time.monotonic()
        self._process.send_signal(number)
        return at

    def answered(self, number: int, since: float, seconds: float = 30) -> float:
        """Seconds until it said on standard error that it was asked to stop, or ended."""

        def answer() -> float | None:
            found = self.said(f"{re.escape(described(number))}|smfs release", after=since, error=True)
            if found is not None:
                return found.at
            return None if self.alive() else time.monotonic()

        return wait_for(answer, seconds) - since

    def close(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self.end()

    # What it did

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """Its calls of an operation that AWS took."""
        mine = set(self.executions)
        found = [one for one in self.emulator.calls(self._since) if one["operation"] == operation and not one["error"]]
        return [one for one in found if _tags(one["request"]).get("smfs:execution", "") in mine] if mine else []

    def asked(self, operation: str) -> int:
        """How many calls of an operation have come since it began, its or another's, taken or not."""
        return sum(call["operation"] == operation for call in self.emulator.calls(self._since))

    def made(self) -> dict[str, dict[str, int]]:
        """Execution -> create -> how many different ones of it."""
        found: dict[str, dict[str, int]] = {}
        for execution in self.executions:
            counts = found.setdefault(execution, {})
            for operation, member in CREATES.items():
                taken = [one["request"] for one in self.calls(operation)]
                mine = {one[member] for one in taken if _tags(one)["smfs:execution"] == execution}
                if mine:
                    counts[operation] = len(mine)
        return found

    def left(self) -> list[str]:
        """What of its executions is there and costs money."""
        mine = set(self.executions)
        fsx, sagemaker = self.emulator.client("fsx"), self.emulator.client("sagemaker")
        there = [
            *((one["FileSystemId"], one) for one in fsx.describe_file_systems()["FileSystems"]),
            *((one["AssociationId"], one) for one in fsx.describe_data_repository_associations()["Associations"]),
        ]
        found = [f"{id} {one['Lifecycle']}" for id, one in there if _tags(one).get("smfs:execution") in mine]
        for call in self.calls("CreateTrainingJob"):
            name = call["request"]["TrainingJobName"]
            status = sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
            found += [] if status in FINISHED else [f"{name} {status}"]
        for call in self.calls("CreateHyperParameterTuningJob"):
            name = call["request"]["HyperParameterTuningJobName"]
            told = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            status = told["HyperParameterTuningJobStatus"]
            found += [] if status in FINISHED else [f"{name} {status}"]
        return found

    def journals(self) -> list[dict[str, Any]]:
        """What a next run would take up or see through."""
        return [json.loads(path.read_text()) for path in (self.home / "state/smfs/runs").glob("*.json")]

    def processes(self) -> list[str]:
        """What still runs of it: processes with its environment, but for the emulator's."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("XDG_STATE_HOME") == str(self.home / "state"):
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return [one for one in found if "flytekitplugins_smfs.emulator" not in one]

    def last_call(self) -> str:
        """The AWS operation at which it died."""
        return [*(self.home / "calls").read_text().split(), "none"][-1]

    def nothing_left(self) -> None:
        """Nothing in AWS, nothing to be taken up, no process."""
        assert self.left() == [], self.output
        assert self.journals() == [], self.output
        assert self.processes() == [], self.output

    def each_made_once(self, *operations: str) -> None:
        """No execution made anything twice, and the last one made these."""
        made = self.made()
        assert all(count == 1 for counts in made.values() for count in counts.values()), f"{made}\n{self.output}"
        assert collections.Counter(made[self.executions[-1]]).keys() >= set(operations), f"{made}\n{self.output}"


def _tags(one: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}
