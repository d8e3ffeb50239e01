"""What the model holds to: flytepropeller's numbers, and its configuration as a cluster would be given it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST_LINE = "This is a model of Flyte 1.16, not Flyte: no compiler, no catalogue, no Kubernetes."
CONNECTOR, CONTAINER = "connector-service", "container"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Endpoint:
    """A connector as `plugins.connector-service.connectors` names it. It inherits no defaults."""

    target: str
    service_config: str = ""
    timeout: float | None = None
    """Seconds that each RPC has; None where nothing is said: for ever."""


@dataclass(frozen=True)
class Rules:
    """Times in seconds. The defaults are flytepropeller's own; tests tick faster."""

    plugins: Mapping[str, str] = field(default_factory=dict)
    """Task type -> plugin: `default-for-task-types`. What is not in it is the container plugin's."""
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    connector_of: Mapping[str, str] = field(default_factory=dict)
    """Task type -> which of the endpoints."""
    pod_environment: Mapping[str, str] = field(default_factory=dict)
    resync: float = 30.0
    """Every so often all that is under way is asked for: one tick for all, not one for each."""
    max_system_failures: int = 5
    """Gets that may fail in the life of a task; what counts them is never reset."""
    read_qps: float = 10.0
    read_burst: int = 100
    workers: int = 10
    reevaluation: float = 10.0
    """Every so often a workflow is looked at when nothing moves."""
    streak: int = 8
    """Rounds that follow each other at once while something moves."""
    abort_tries: int = 11
    """How often a delete that fails is tried when a person aborts, without a pause."""
    system_retries: int = 3
    """Attempts beside the user's own that a system's failure may cost."""

    @classmethod
    def of(cls, document: Mapping[str, Any], **changes: Any) -> Rules:
        """Read the configuration of a cluster, and then change what a test needs otherwise."""
        service = document["plugins"][CONNECTOR]
        api = service.get("webApi", {})
        caching, reading = api.get("caching", {}), api.get("readRateLimiter", {})
        environment = document["plugins"].get("k8s", {}).get("default-env-vars", [])
        given = cls(
            plugins=document["tasks"]["task-plugins"]["default-for-task-types"],
            endpoints={name: _endpoint(one) for name, one in service.get("connectors", {}).items()},
            connector_of=service.get("connectorForTaskTypes", {}),
            pod_environment={name: str(value) for one in environment for name, value in one.items()},
            resync=seconds(caching.get("resyncInterval", "30s")),
            max_system_failures=int(caching.get("maxSystemFailures", 5)),
            workers=int(caching.get("workers", 10)),
            read_qps=float(reading.get("qps", 10)),
            read_burst=int(reading.get("burst", 100)),
        )
        return dataclasses.replace(given, **changes)

    def led_to(self, target: str, **endpoint: Any) -> Rules:
        """The same with every connector at another address."""
        moved = {name: dataclasses.replace(one, target=target, **endpoint) for name, one in self.endpoints.items()}
        return dataclasses.replace(self, endpoints=moved)

    def endpoint(self, task_type: str) -> Endpoint | None:
        """Who runs tasks of this type; None if the container plugin does."""
        if self.plugins.get(task_type) != CONNECTOR:
            return None
        return self.endpoints.get(self.connector_of.get(task_type, ""))


def _endpoint(given: Mapping[str, Any]) -> Endpoint:
    timeout = given.get("defaultTimeout")
    return Endpoint(given["endpoint"], given.get("defaultServiceConfig", ""), seconds(timeout) if timeout else None)


def seconds(text: str) -> float:
    """Go's way to write a duration: `1m30s`. Raises ValueError for anything else."""
    parts = re.findall(r"([\d.]+)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text} is no duration")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
