"""Which services and operations there are. Importing this costs nothing; an operation is loaded at its first use."""

from __future__ import annotations

import functools
from typing import Any

from flytekitplugins_smfs.operations import lustre, sagemaker
from flytekitplugins_smfs.operations.service import Holdings, Service, Verb
from flytekitplugins_smfs.values.errors import SmfsError

EVERY = Service(
    package="flytekitplugins_smfs.operations",
    title="Every service",
    clients=(),
    verbs=(
        Verb(
            name="release",
            home="release:Release",
            tasks="`ReleaseTask`",
            takes="-",
            gives="`Removed`",
            does="stops the jobs and deletes the file systems and links that this execution made",
            calls=(*sagemaker.STOPPING, *lustre.REMOVAL),
        ),
    ),
)
"""What is done to whatever the services hold."""
SERVICES: tuple[Service, ...] = (lustre.SERVICE, sagemaker.SERVICE, EVERY)
OPERATIONS: dict[str, tuple[Service, Verb]] = {
    verb.name: (service, verb) for service in SERVICES for verb in service.verbs
}
"""Operation name -> the service that declares it, and its declaration."""


def names() -> tuple[str, ...]:
    """Every operation's name."""
    return tuple(OPERATIONS)


@functools.cache
def load(name: str) -> Any:
    """The operation of this name."""
    if name not in OPERATIONS:
        raise SmfsError(f"There is no operation {name!r}; there are: {', '.join(OPERATIONS)}.")
    service, verb = OPERATIONS[name]
    return service.load(verb.home)()


def deck_of(name: str) -> tuple[str, ...]:
    """The sections of a deck that show the operation's result."""
    return OPERATIONS[name][1].deck if name in OPERATIONS else ()


@functools.cache
def holdings() -> tuple[Holdings, ...]:
    """Every kind that costs money by being there, in the order of removal."""
    kinds = [service.load(home)() for service in SERVICES for home in service.holdings]
    return tuple(sorted(kinds, key=lambda kind: kind.order))


def clients() -> tuple[str, ...]:
    """The AWS services that operations call."""
    return tuple(dict.fromkeys(client for service in SERVICES for client in service.clients))


def actions() -> tuple[str, ...]:
    """The IAM actions that operations need."""
    return tuple(sorted({call for _, verb in OPERATIONS.values() for call in verb.calls}))
