"""`smfs cluster check`: everything that was asked for, one finding after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flytekit.configuration import Config
from flytekit.configuration.internal import Platform

from flytekitplugins_smfs.cli.cluster import asking, check, probe
from flytekitplugins_smfs.cli.cluster.findings import Finding
from flytekitplugins_smfs.flyte.config import config_file
from flytekitplugins_smfs.values.errors import SmfsError


@dataclass(frozen=True)
class Asked:
    """What to look at."""

    connector: str | None = None
    """Address of a connector."""
    endpoint: str | None = None
    """Address of a flyteadmin, without which it is the config file's."""
    insecure: bool = False
    project: str = "flytesnacks"
    domain: str = "development"
    values: str | None = None
    """Text from which propeller's configuration is read."""
    probe: bool = False
    """Whether to run a task."""


def found(asked: Asked, types: Sequence[str]) -> Iterator[Finding]:
    """What is right and wrong. Raises SmfsError where there is nothing to look at, or values cannot be read."""
    told = None if asked.values is None else check.read(asked.values)
    config = _config(asked)
    if asked.probe and config is None:
        raise SmfsError("A probe needs a flyteadmin: give --endpoint, or a config file with `smfs --config FILE`.")
    if told is None and config is None and asked.connector is None:
        raise SmfsError("There is nothing to check: give --connector, --endpoint, --values, or a config file.")
    if told is not None:
        yield from check.configuration(told, types)
    if asked.connector is not None:
        yield from asking.connector(asked.connector, types)
    if config is not None:
        yield from asking.admin(config.platform, asked.project, asked.domain)
        if asked.probe:
            yield probe.run(config, asked.project, asked.domain)


def _config(asked: Asked) -> Config | None:
    if asked.endpoint is not None:
        return Config.for_endpoint(asked.endpoint, asked.insecure)
    file = config_file()
    return Config.auto(file) if file is not None and Platform.URL.read(file) else None
