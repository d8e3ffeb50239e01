"""How a service adds operations, and what an operation gets to work with."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .paths import Paths
from .scheduler import Scheduler
from .settings import Settings
from .store import Store

if TYPE_CHECKING:
    from .injections import Injections
    from .logbook import LogBook
    from .metrics import Metrics
    from .network import Network
    from .roles import Roles


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
    logs: "LogBook"
    metrics: "Metrics"
    injections: "Injections"
    region: str

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
            self, region=region, ec2=self.ec2.at(region), logs=self.logs.at(region), metrics=self.metrics.at(region)
        )

    def arn(self, service: str, resource: str) -> str:
        """``arn:aws:<service>:<region>:<account>:<resource>``"""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


Operation = Callable[[Context, dict[str, Any]], dict[str, Any] | None]
Turn = Callable[[Context, str], float | None]
Failure = Callable[[Context, str, Exception], None]


@dataclass
class Service:
    """The operations and lifecycles of one AWS service, by botocore's name of it ("fsx", "sagemaker", ...).

    ``operation`` functions get requests that the service model has already accepted, members as botocore names them,
    timestamps as epoch floats; they answer in the same shape (extra members are dropped, timestamps may be epoch
    floats or datetimes) or raise ``AwsError``.
    """

    name: str
    operations: dict[str, Operation] = field(default_factory=dict)
    turns: dict[str, Turn] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    def operation(self, name: str) -> Callable[[Operation], Operation]:
        """Register the function that answers an operation."""

        def register(function: Operation) -> Operation:
            self.operations[name] = function
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
