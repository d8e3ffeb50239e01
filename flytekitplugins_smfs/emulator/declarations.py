"""What a service says of itself, besides its operations: plain values that the rest of the emulator reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Errors:
    """The codes a service gives to what every service refuses. Source of each: the service's API reference."""

    validation: str = "ValidationException"
    """A constraint of the service model is violated."""
    missing: str | None = None
    """A required member is not there, where that has a code of its own."""
    unreadable: str = "SerializationException"
    """The body or a value in it cannot be read."""
    unknown: str = "UnknownOperationException"
    """There is no such operation."""
    throttling: str = "ThrottlingException"
    throttling_status: int = 400
    internal: str = "InternalServerError"


@dataclass(frozen=True)
class Misfortune:
    """Something bad that can be ordered to happen to a resource of the service.

    It is ordered by the member ``name`` having the ``value``, such as ``{"job": "capacity"}``. ``needed`` are members
    that must be given too, with the values they may have; ``optional`` are those that may be.
    """

    name: str
    value: str
    needed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    optional: tuple[str, ...] = ()

    def problem(self, fault: Mapping[str, Any]) -> str | None:
        """What is wrong with an order of this, or None."""
        for member, values in self.needed.items():
            if fault.get(member) not in values:
                return f"a fault of {self.name} {self.value!r} needs {member!r}, one of {', '.join(values)}"
        return None
