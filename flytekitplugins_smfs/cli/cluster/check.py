"""What is missing in the configuration that propeller was given.

No RPC tells it. So it is read from what it is made of: a chart's values, a ConfigMap, or a file of propeller's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from flytekitplugins_smfs.cli.cluster import charts
from flytekitplugins_smfs.cli.cluster.config import (
    FAILURES,
    LEAST_RESYNC,
    LEAST_TIMEOUT,
    MOST_RESYNC,
    PLUGIN,
    SERVICE,
)
from flytekitplugins_smfs.cli.cluster.durations import seconds
from flytekitplugins_smfs.cli.cluster.findings import Finding, listed
from flytekitplugins_smfs.values.errors import SmfsError
from flytekitplugins_smfs.values.plain import Json, Record

GENERATE = "take what `smfs cluster config` prints, and restart propeller"
"""It reads its configuration when it starts."""
_ENOUGH_FAILURES = 10_000
"""Polls of 5 seconds that fail for half a day."""


def read(text: str) -> Json:
    """propeller's configuration, with keys in lower case as it has them. Raises SmfsError for what is no such thing.

    The text is what `kubectl get configmap -o yaml` prints, one or a list of them, the values of a chart, or a file
    of propeller's own; several documents are merged.
    """
    try:
        documents = [one for one in yaml.safe_load_all(text) if one is not None]
    except yaml.YAMLError as error:
        raise SmfsError(f"The configuration is no YAML: {error}") from error
    merged: Json = {}
    for document in documents:
        if not isinstance(document, Mapping):
            raise SmfsError("The configuration is no mapping: give values, a ConfigMap or a file of propeller's.")
        for part in _parts(document):
            merged = charts.merge(merged, _lowered(part))
    if not merged:
        raise SmfsError("The configuration is empty.")
    return merged


def _parts(document: Record) -> Iterator[Record]:
    """The configuration files in a document, in the order in which they are merged."""
    kind = document.get("kind")
    if kind in ("List", "ConfigMapList"):
        for item in document.get("items", ()):
            yield from _parts(item)
    elif kind == "ConfigMap":
        for _, text in sorted((document.get("data") or {}).items()):
            try:
                found = yaml.safe_load(text)
            except yaml.YAMLError:
                continue  # a ConfigMap may hold other files, too
            if isinstance(found, Mapping):
                yield found
    else:
        yield charts.configured(document, charts.chart_of(document))


def _lowered(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {str(key).lower(): _lowered(value) for key, value in tree.items()}
    return tree


def configuration(told: Record, types: Sequence[str]) -> Iterator[Finding]:
    """What of propeller's configuration is right and wrong for these task types."""
    plugins = _map(_map(told, "tasks"), "task-plugins")
    service = _map(_map(told, "plugins"), PLUGIN)
    yield from _resolved(plugins, service, types)
    assigned = {str(_map(service, "connectorfortasktypes").get(name, "")) for name in types} - {""}
    for name in sorted(assigned):
        yield from _connector(name, _map(service, "connectors").get(name.lower()))
    caching = _map(_map(service, "webapi"), "caching")
    yield _resync(caching)
    yield _failures(caching)
    yield _pods(_map(_map(told, "plugins"), "k8s"))


def _resolved(plugins: Record, service: Record, types: Sequence[str]) -> Iterator[Finding]:
    """Task types that are found whether or not a connector is there."""
    enabled = [str(name).lower() for name in plugins.get("enabled-plugins") or ()]
    if PLUGIN in enabled:
        yield Finding(f"the plugin {PLUGIN} is enabled")
    else:
        yield Finding(f"the plugin {PLUGIN} is not among enabled-plugins ({listed(enabled)})", GENERATE)
    defaults = _map(plugins, "default-for-task-types")
    lists = {
        "default-for-task-types": [name for name in types if defaults.get(name) != PLUGIN],
        "connectorForTaskTypes": [name for name in types if not _map(service, "connectorfortasktypes").get(name)],
        "supportedTaskTypes": [name for name in types if name not in (service.get("supportedtasktypes") or ())],
    }
    for key, missing in lists.items():
        if missing:
            why = "while the connector is away these would be run as containers, and fail"
            yield Finding(f"{key} lacks {listed(missing)}: {why}", GENERATE)
        else:
            yield Finding(f"{key} has all {len(types)} task types")


def _connector(name: str, told: Any) -> Iterator[Finding]:
    """One entry of `connectors`."""
    if not isinstance(told, Mapping) or not told.get("endpoint"):
        yield Finding(f"the connector {name} has no endpoint", GENERATE)
        return
    yield Finding(f"the connector {name} is at {told['endpoint']}")
    yield _timeout(name, told.get("defaulttimeout"))
    policy = _policy(told.get("defaultserviceconfig"))
    if policy is None:
        yield Finding(f"the defaultServiceConfig of {name} is no JSON", GENERATE)
        return
    if _waits(policy):
        yield Finding(f"calls wait for {name} while it is away")
    else:
        why = "a create or an abort fails at once while it restarts, and retries are used up"
        yield Finding(f"calls do not wait for {name} (waitForReady): {why}", GENERATE)
    if any("round_robin" in one for one in policy.get("loadBalancingConfig") or ()):
        yield Finding(f"replicas of {name} share the calls")
    else:
        yield Finding(f"replicas of {name} do not share the calls (round_robin)", GENERATE)


def _timeout(name: str, told: Any) -> Finding:
    try:
        given = seconds(told if told is not None else "0")
    except ValueError as error:
        return Finding(f"the defaultTimeout of {name}: {error}", GENERATE)
    if not given:
        return Finding(f"{name} has no defaultTimeout: a connector that hangs holds an execution for good", GENERATE)
    if given < LEAST_TIMEOUT:
        return Finding(f"the defaultTimeout of {name} is {told}; the connector may take 10s", GENERATE)
    return Finding(f"a call to {name} may take {told}")


def _policy(told: Any) -> Json | None:
    try:
        found = json.loads(told) if told else {}
    except (TypeError, ValueError):
        return None
    return dict(found) if isinstance(found, Mapping) else None


def _waits(policy: Record) -> bool:
    """Whether a call of the service, or of every service, waits for its connection."""
    for method in policy.get("methodConfig") or ():
        named = [one.get("service", "") for one in method.get("name") or () if not one.get("method")]
        if method.get("waitForReady") is True and (SERVICE in named or "" in named):
            return True
    return False


def _resync(caching: Record) -> Finding:
    told = caching.get("resyncinterval", "30s")
    try:
        given = seconds(told)
    except ValueError as error:
        return Finding(f"resyncInterval: {error}", GENERATE)
    if not LEAST_RESYNC <= given <= MOST_RESYNC:
        return Finding(f"resyncInterval is {told}, and propeller starts with 5s to 1h alone", GENERATE)
    return Finding(f"each task under way is looked at every {told}")


def _failures(caching: Record) -> Finding:
    told = caching.get("maxsystemfailures", 5)
    if not isinstance(told, int) or told < _ENOUGH_FAILURES:
        fix = f"maxSystemFailures: {FAILURES}"
        return Finding(f"maxSystemFailures is {told}: so many failed polls and a task's end is not seen", fix)
    return Finding(f"a task may miss {told} polls")


def _pods(k8s: Record) -> Finding:
    variables = {str(name).upper() for one in k8s.get("default-env-vars") or () for name in one}
    if "FLYTE_SMFS_ENDPOINT" in variables:
        return Finding("pods of Python tasks are told which AWS to use")
    return Finding("default-env-vars has no FLYTE_SMFS_ENDPOINT, so pods of Python tasks have no AWS", GENERATE)


def _map(tree: Record, key: str) -> Record:
    found = tree.get(key)
    return found if isinstance(found, Mapping) else {}
