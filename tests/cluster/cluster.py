"""A cluster for tests: the model, an emulator, connectors as processes, and unmodified clients."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from flytekit.configuration import Config, PlatformConfig
from flytekit.remote import FlyteRemote

from tests.cluster.model.pods import Image
from tests.cluster.model.records import Execution, Told
from tests.cluster.model.rules import Rules
from tests.cluster.model.serving import Model, s3_of
from tests.conftest import Emulator, wait_for
from tests.flyte.connecting import Connector
from tests.operations.driving import ROLE
from tools.make_tables import task_types

PROJECT, DOMAIN = "flytesnacks", "development"
PROGRAMS = Path(sys.executable).parent
QUICK = {"resync": 0.5, "reevaluation": 0.2, "read_qps": 100.0, "read_burst": 1000}


def store_of(emulator: Emulator) -> dict[str, str]:
    """Flyte's own variables for its store, which is the emulator's S3."""
    return {
        "FLYTE_AWS_ENDPOINT": emulator.env.get("AWS_ENDPOINT_URL_S3") or emulator.env["AWS_ENDPOINT_URL"],
        "FLYTE_AWS_ACCESS_KEY_ID": emulator.env["AWS_ACCESS_KEY_ID"],
        "FLYTE_AWS_SECRET_ACCESS_KEY": emulator.env["AWS_SECRET_ACCESS_KEY"],
        "AWS_REGION": emulator.env["AWS_REGION"],
    }


def plugin_of(emulator: Emulator) -> dict[str, str]:
    """The plugin's settings in pods and connectors."""
    return {
        "FLYTE_SMFS_ENDPOINT": "emulator",
        "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state),
        "FLYTE_SMFS_ROLE": ROLE,
        "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
    }


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    said: str

    def well(self) -> Done:
        assert self.code == 0, self.said
        return self


@dataclass(frozen=True)
class Seen:
    """An execution as the model saw it."""

    execution: Execution

    def told(self, node: str, attempt: int = -1) -> list[Told]:
        """What a node's attempt was told to be."""
        return self.execution.nodes[node].attempts[attempt].told

    def phases(self, node: str, attempt: int = -1) -> list[int]:
        return [one.phase for one in self.told(node, attempt)]

    def node(self, task: str) -> str:
        """The node of a task, by the last part of its name."""
        for name, node in self.execution.nodes.items():
            for attempt in node.attempts:
                if attempt.shown.id.task_id.name.rpartition(".")[2] == task:
                    return name
        raise AssertionError(f"no node runs {task}: {list(self.execution.nodes)}")

    @property
    def message(self) -> str:
        return str(self.execution.shown.closure.error.message)


@dataclass
class Cluster:
    """What a test has in hand."""

    emulator: Emulator
    home: Path
    rules: Rules
    connectors: list[Connector]
    model: Model = field(init=False)
    violations_are_meant: bool = False

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        pods = {**store_of(self.emulator), **plugin_of(self.emulator)}
        rules = dataclasses.replace(self.rules, pod_environment={**self.rules.pod_environment, **pods})
        self.model = Model(rules, s3_of(self.emulator.env), Image(PROGRAMS))
        self.config = self.home / "flyte.yaml"
        admin = {"endpoint": f"dns:///{self.model.endpoint}", "insecure": True}
        self.config.write_text(yaml.safe_dump({"admin": admin}))

    def close(self) -> None:
        self.model.close()

    @property
    def endpoint(self) -> str:
        return self.model.endpoint

    @property
    def violations(self) -> list[str]:
        with self.model.book.lock:
            return list(self.model.book.violations)

    def pyflyte(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 180) -> Done:
        """Run the command as a user does: in a directory of theirs, with the configuration file alone."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLYTE", "XDG_"))
        }
        own = {"HOME": str(self.home), "COLUMNS": "300", **store_of(self.emulator), **(env or {})}
        command = [str(PROGRAMS / "pyflyte"), "--config", str(self.config), *arguments]
        done = subprocess.run(
            command,
            cwd=cwd,
            env=inherited | own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        return Done(done.returncode, done.stdout)

    def remote(self) -> FlyteRemote:
        config = Config(platform=PlatformConfig(endpoint=self.endpoint, insecure=True))
        return FlyteRemote(config, default_project=PROJECT, default_domain=DOMAIN)

    def execution(self, name: str | None = None) -> Seen:
        """By name, or the latest."""
        with self.model.book.lock:
            found = self.model.book.executions
            return Seen(found[PROJECT, DOMAIN, name] if name else list(found.values())[-1])

    def ended(self, name: str | None = None, seconds: float = 60) -> Seen:
        """The same once it has ended."""
        seen = self.execution(name)
        wait_for(lambda: seen.execution.ended, seconds)
        return seen

    def until(self, name: str, task: str, phase: int, seconds: float = 60) -> None:
        """Wait until a task of an execution is in a phase."""

        def there() -> bool:
            try:
                seen = self.execution(name)
                return phase in seen.phases(seen.node(task))
            except (KeyError, AssertionError):
                return False

        wait_for(there, seconds)

    def pause(self) -> None:
        self.model.propeller.pause()

    def go_on(self) -> None:
        self.model.propeller.go_on()


def documented() -> dict[str, Any]:
    """flytepropeller's configuration as the documentation has it."""
    text = task_types().removeprefix("```yaml\n").removesuffix("```\n")
    return dict(yaml.safe_load(text))
