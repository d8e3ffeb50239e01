"""How a service adds operations, and what an operation gets to work with."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.model import ServiceModel

from .clock import Clock
from .declarations import Errors, Misfortune
from .faults import AwsError
from .models import service_model
from .mounts import Find
from .objects import ObjectStore
from .paths import Paths
from .places import Places
from .scheduler import Scheduler
from .settings import Settings
from .signatures import Key, Keys
from .store import Store
from .tagging import Tagged
from .tokens import Tokens

if TYPE_CHECKING:
    from .encryption import Keys as KmsKeys
    from .image_packages import ImagePackages
    from .injections import Injections
    from .logbook import LogBook
    from .metrics import Metrics
    from .network import Network
    from .roles import Roles
    from .tagging import Tags


@dataclass(frozen=True)
class Context:
    """What an operation or a lifecycle gets. ``region`` is that of the request (of the account, in a lifecycle)."""

    store: Store
    settings: Settings
    paths: Paths
    scheduler: Scheduler
    clock: Clock
    ec2: "Network"
    iam: "Roles"
    kms: "KmsKeys"
    tags: "Tags"
    logs: "LogBook"
    metrics: "Metrics"
    injections: "Injections"
    mounts: Mapping[str, Find]
    places: Places
    keys: Keys
    objects: ObjectStore
    images: "ImagePackages"
    region: str
    caller: Key | None = None
    """Whose signature the request bears; None in a lifecycle, and for the few requests that need no signature."""

    @property
    def account(self) -> str:
        return self.settings.account

    def now(self) -> float:
        """Epoch seconds of the emulator's clock; what answers' timestamps and documents' times are made of."""
        return self.clock.now()

    def at(self, region: str) -> "Context":
        """The same account in another region."""
        if region in ("", self.region):
            return self
        return replace(
            self,
            region=region,
            ec2=self.ec2.at(region),
            kms=self.kms.at(region),
            logs=self.logs.at(region),
            metrics=self.metrics.at(region),
        )

    def signer(self) -> Key:
        """Who signed the request. Raises AwsError where nobody did."""
        if self.caller is None:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        return self.caller

    def arn(self, service: str, resource: str) -> str:
        """``arn:aws:<service>:<region>:<account>:<resource>``"""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


Operation = Callable[[Context, dict[str, Any]], dict[str, Any] | None]
Rule = Callable[[dict[str, Any]], None]
Turn = Callable[[Context, str], float | None]
Failure = Callable[[Context, str, Exception], None]


@dataclass
class Service:
    """One AWS service, by botocore's name of it ("fsx", "sagemaker", ...): its operations, its lifecycles, and all else
    that the emulator has to know of it.

    ``settings`` are dataclasses of what can be set; ``errors`` its codes for what every service refuses;
    ``misfortunes`` what can be ordered to happen to its resources; ``targets`` prefixes of X-Amz-Target that it answers
    besides the model's; ``metrics`` the namespaces of CloudWatch that it writes to itself; ``tokens`` the rule of its
    client tokens; ``mounts`` the types of file systems that jobs may mount from it; ``tagged`` its resources that have
    tags; ``directory`` has the service's
    model in a file ``model.json`` if botocore has none.

    ``operation`` functions get requests that the service model has already accepted, members as botocore names them,
    timestamps as epoch floats; they answer in the same shape (extra members are dropped, timestamps may be epoch
    floats or datetimes) or raise ``AwsError``.
    """

    name: str
    settings: tuple[type, ...] = ()
    errors: Errors = field(default_factory=Errors)
    misfortunes: tuple[Misfortune, ...] = ()
    targets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tokens: Tokens | None = None
    tagged: Tagged | None = None
    directory: Path | None = None
    shared: bool = False
    """Whether the operations that it does not have are moto's, whose requests the service model has to accept, too."""
    mounts: dict[str, Find] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    largest: dict[str, int] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    @cached_property
    def model(self) -> ServiceModel:
        """The service's model: what its requests and answers are made of."""
        if self.directory is None:
            return service_model(self.name)
        return ServiceModel(json.loads((self.directory / "model.json").read_text()), self.name)

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """What its calls are known by in protocols that name the service themselves: in X-Amz-Target, in the path."""
        prefix = self.model.metadata.get("targetPrefix")
        return frozenset((*([prefix] if prefix else ()), *self.targets))

    def mount(self, kind: str) -> Callable[[Find], Find]:
        """Register the function that finds a file system of a type, as FileSystemDataSource names types."""

        def register(function: Find) -> Find:
            self.mounts[kind] = function
            return function

        return register

    def operation(self, name: str, largest: int | None = None) -> Callable[[Operation], Operation]:
        """Register the function that answers an operation. ``largest`` bounds a request's body as it is sent, in bytes,
        where AWS does."""

        def register(function: Operation) -> Operation:
            self.operations[name] = function
            if largest is not None:
                self.largest[name] = largest
            return function

        return register

    def rule(self, name: str) -> Callable[[Rule], Rule]:
        """Register the function that raises ``AwsError`` for requests that moto would take and AWS does not."""

        def register(function: Rule) -> Rule:
            self.rules[name] = function
            return function

        return register

    def lifecycle(self, kind: str) -> Callable[[Turn], Turn]:
        """Register the function that takes the turns of ``ctx.scheduler.after(seconds, kind, id)``.

        It gets the id, moves the thing on and returns the seconds until its next turn, or None when it is at rest;
        ``Look(seconds)`` if that turn only looks at what others change. If it raises, the ``failure`` is called.
        """

        def register(function: Turn) -> Turn:
            self.turns[kind] = function
            return function

        return register

    def failure(self, kind: str) -> Callable[[Failure], Failure]:
        """Register the function that ends a thing whose turn raised, as AWS ends it for an error of its own.

        It gets the id and the exception. The emulator's log has the details; no other turn follows. Every kind that has
        a lifecycle has one of these.
        """

        def register(function: Failure) -> Failure:
            self.failures[kind] = function
            return function

        return register
