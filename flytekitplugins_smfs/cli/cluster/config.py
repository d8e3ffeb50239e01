"""The configuration that flytepropeller needs for these tasks. Nothing is asked here; a mapping is made.

The keys and bounds are those of flyteplugins' connector plugin (`go/tasks/plugins/webapi/connector/config.go` and
`go/tasks/pluginmachinery/webapi`) of Flyte 1.16.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flytekitplugins_smfs.cli.cluster.durations import seconds
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.plain import Json

CONNECTOR = "smfs"
"""The connector's id. Lower case, as all keys are after propeller has read them."""
PLUGIN = "connector-service"
"""What flytepropeller 1.16 calls the plugin that talks to connectors."""
SERVICE = "flyteidl.service.AsyncAgentService"
"""The gRPC service whose calls wait for a connector that is away."""
PLUGINS = ("container", "sidecar", "k8s-array", PLUGIN, "echo")
"""The plugins that the 1.16 charts enable."""
CORE_TYPES = {"container": "container", "sidecar": "sidecar", "container_array": "k8s-array"}
"""The plugins of Flyte's own task types, as the charts have them."""
LEAST_RESYNC, MOST_RESYNC = 5.0, 3600.0
"""Seconds that propeller allows between two looks at a task; it does not start with others."""
LEAST_TIMEOUT = 10.0
"""Seconds within which the connector answers; Flyte's own limit where it has a default."""
FAILURES = 1_000_000
"""Polls of a task that may fail. Propeller never sets the count back, and its default is 5."""
STOCK_RATE = 10
"""Polls a second that propeller makes unless told otherwise."""

_ADDRESS = re.compile(r"^(dns:///|k8s://)?[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?:\d{1,5}$")
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class Choices:
    """What an installation decides for itself. Raises InvalidSpec with every problem."""

    endpoint: str = "dns:///smfs-connector.flyte.svc.cluster.local:8000"
    """The connector's address as gRPC takes it. A plain `host:port` is looked up by DNS."""
    resync: str = "5s"
    """How often a task that is under way is looked at."""
    timeout: str = "60s"
    """How long a call may take, the wait for a connector that is away included."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment of the pods of Python tasks, beside FLYTE_SMFS_ENDPOINT, which is `aws` unless given."""
    in_flight: int = 0
    """Tasks under way at the same time, where they are more than propeller's own rate allows."""

    def __post_init__(self) -> None:
        problems = [*self._addressed(), *self._timed(), *self._environed()]
        if self.in_flight < 0:
            problems.append(Problem("in-flight", "is a number of tasks, 0 or more."))
        if problems:
            raise InvalidSpec("The cluster's configuration", problems)

    def _addressed(self) -> list[Problem]:
        if _ADDRESS.match(self.endpoint):
            return []
        fix = "for example `dns:///smfs-connector.flyte.svc.cluster.local:8000` or `k8s://smfs-connector.flyte:8000`."
        return [Problem("endpoint", f"{self.endpoint!r} is no address of a connector.", fix)]

    def _timed(self) -> list[Problem]:
        bounds = {
            "resync": (self.resync, LEAST_RESYNC, MOST_RESYNC),
            "timeout": (self.timeout, LEAST_TIMEOUT, math.inf),
        }
        problems = []
        for name, (text, least, most) in bounds.items():
            try:
                given = seconds(text)
            except ValueError as error:
                problems.append(Problem(name, f"{error}."))
                continue
            if given < least:
                problems.append(Problem(name, f"{text} is too short.", f"{least:g}s is the least."))
            if given > most:
                problems.append(Problem(name, f"{text} is too long.", f"{most:g}s is the most that Flyte takes."))
        return problems

    def _environed(self) -> list[Problem]:
        problems = []
        for name, value in self.environment.items():
            if not _VARIABLE.match(name):
                problems.append(Problem("env", f"{name!r} is no name of a variable."))
            if "{{" in value:  # Helm takes inline configuration for a template of its own
                problems.append(Problem("env", f"the value of {name} has `{{{{`, which Helm would take for its own."))
        return problems

    @property
    def address(self) -> str:
        """The address with its scheme: without one, gRPC for Go may take a name for one fixed address."""
        return self.endpoint if "://" in self.endpoint or "dns:" in self.endpoint else f"dns:///{self.endpoint}"

    @property
    def polls(self) -> float:
        """Polls a second that the tasks in flight need."""
        return self.in_flight / seconds(self.resync)


def propeller(types: Sequence[str], choices: Choices) -> Json:
    """flytepropeller's configuration for these task types, for example `smfs-training`."""
    if wrong := [name for name in types if name != name.lower()]:
        raise InvalidSpec("The task types", [Problem(name, "is not in lower case.") for name in wrong])
    return {
        "tasks": {
            "task-plugins": {
                "enabled-plugins": list(PLUGINS),
                "default-for-task-types": {**CORE_TYPES, **dict.fromkeys(types, PLUGIN)},
            }
        },
        "plugins": {
            "k8s": {"default-env-vars": [{name: value} for name, value in _environment(choices).items()]},
            PLUGIN: {
                "connectors": {CONNECTOR: _connector(choices)},
                "webApi": _web_api(choices),
                "connectorForTaskTypes": dict.fromkeys(types, CONNECTOR),
                "supportedTaskTypes": list(types),
            },
        },
    }


def _environment(choices: Choices) -> dict[str, str]:
    return {"FLYTE_SMFS_ENDPOINT": "aws", **choices.environment}


def _connector(choices: Choices) -> Json:
    """One entry of `connectors`. It inherits nothing of `defaultConnector`, so all is said."""
    policy = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": [{"service": SERVICE}], "waitForReady": True}],
    }
    return {
        "endpoint": choices.address,
        "insecure": True,
        "defaultTimeout": choices.timeout,
        "defaultServiceConfig": json.dumps(policy),
    }


def _web_api(choices: Choices) -> Json:
    told: Json = {"caching": {"resyncInterval": choices.resync, "maxSystemFailures": FAILURES}}
    if choices.polls > STOCK_RATE:
        # Twice what is needed, because all ticks fall together; the burst takes one tick whole.
        rate, burst = math.ceil(2 * choices.polls), max(100, choices.in_flight)
        told["caching"]["workers"] = 50
        told["readRateLimiter"] = {"qps": min(rate, 100_000), "burst": min(burst, 10_000)}
    return told
