"""How a service declares what it has. Catalogue, inventory, release, warm-up, task types and the documents' tables are
read from these declarations, so a new operation is its values, its verb, its test and one entry here."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flytekitplugins_smfs.aws.door import Aws


@dataclass(frozen=True)
class Verb:
    """One operation of a service."""

    name: str
    """Such as `lustre-create`; with `smfs-` before it, the Flyte task type."""
    home: str
    """`module:Class` in the service's folder."""
    tasks: str
    """The tasks that run it, for the documents."""
    takes: str
    gives: str
    does: str
    calls: tuple[str, ...]
    """The IAM actions that it needs: `fsx:CreateFileSystem`."""
    deck: tuple[str, ...] = ()
    """The sections of a deck that show its result."""
    values: str = ""
    """`module:Name,Name` of values in `values/` that the package's root shall offer, beside those that it lists."""


@dataclass(frozen=True)
class Service:
    """What one service has."""

    package: str
    """The folder of its operations, as a package."""
    title: str
    verbs: tuple[Verb, ...]
    clients: tuple[str, ...]
    """The AWS services that it calls, by boto3's names."""
    holdings: tuple[str, ...] = ()
    """`module:Class` of each kind that costs money by being there."""
    sweep: str = ""
    """`module:function` that goes on with removals that were begun; called each minute by a connector."""

    def load(self, home: str) -> Any:
        """What `module:attribute` names."""
        module, _, attribute = home.partition(":")
        return getattr(importlib.import_module(f"{self.package}.{module}"), attribute)


@dataclass(frozen=True)
class Holding:
    """One resource that costs money by being there, and that this package made."""

    kind: str
    id: str
    state: str
    execution: str
    """The execution that made it, as its tag says."""
    made_at: datetime
    region: str = ""


class Holdings(ABC):
    """All holdings of one kind."""

    kind: str
    order: int
    """What is removed first has the lowest: jobs before the file systems that they read."""
    may_stay: bool = False
    """Whether a successful execution leaves it on purpose, such as an endpoint."""

    @abstractmethod
    def find(self, aws: Aws, label: str | None = None) -> Iterator[Holding]:
        """Those of every execution, or of the one with this label (`aws.names.execution_label`)."""

    @abstractmethod
    def remove(self, aws: Aws, id: str) -> bool:
        """Bring it one step nearer to its end; True once it is gone or has ended."""
