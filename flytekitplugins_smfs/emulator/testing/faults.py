"""Faults that a test orders: what goes wrong at the embedded AWS, for which call or resource, and how often."""

from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from .admin import Admin


class When(TypedDict, total=False):
    """Which calls a fault meets, beside service and operation; all of it may be left out."""

    on: str
    """A name, id or ARN that the call's parameters hold."""
    times: int
    """How many calls; 1 without it, and with ``begin`` or ``end`` all."""
    after: int
    """How many calls that fit are spared first."""
    probability: float
    """How likely a call that fits is met; 1 without it."""
    begin: float
    """From so many seconds on, by the embedded AWS's clock."""
    end: float
    """Until so many seconds from now."""


@dataclass(frozen=True)
class Fault:
    """One thing to go wrong. Make it with one of the class methods; an ``operation`` of "*" is any."""

    members: tuple[tuple[str, Any], ...]
    """What the server is told, by name."""

    @classmethod
    def throttle(cls, service: str, operation: str = "*", **when: Unpack[When]) -> "Fault":
        """A call comes too fast: refused with the service's own code for that, which SDKs retry."""
        return cls._call("throttle", service, operation, when)

    @classmethod
    def error(
        cls,
        service: str,
        operation: str = "*",
        code: str | None = None,
        message: str | None = None,
        status: int | None = None,
        **when: Unpack[When],
    ) -> "Fault":
        """A call is answered with an error and does nothing: the service's internal error (500) unless told another."""
        if status is None and code is not None:
            status = 400
        return cls._call("error", service, operation, when, code=code, message=message, status=status)

    @classmethod
    def reset(cls, service: str, operation: str = "*", **when: Unpack[When]) -> "Fault":
        """The connection of a call is closed without an answer, and nothing was done."""
        return cls._call("reset", service, operation, when)

    @classmethod
    def late(cls, service: str, operation: str = "*", *, seconds: float, **when: Unpack[When]) -> "Fault":
        """A call is done and answered so many seconds later."""
        return cls._call("late", service, operation, when, delay=seconds)

    @classmethod
    def lost(cls, service: str, operation: str = "*", **when: Unpack[When]) -> "Fault":
        """A call is done, but its answer is lost: the connection closes."""
        return cls._call("lost", service, operation, when)

    @classmethod
    def capacity(cls, job: str | None = None, *, times: int = 1) -> "Fault":
        """The next job (or the one of this name) gets no instance: it fails with CapacityError."""
        return cls._of(job="capacity", name=job, times=times)

    @classmethod
    def interruption(cls, job: str | None = None, *, times: int = 1) -> "Fault":
        """The next spot job that runs (or the one of this name) is interrupted, and started again if it may be."""
        return cls._of(job="interruption", name=job, times=times)

    @classmethod
    def file_system_fails(cls, message: str | None = None, *, times: int = 1) -> "Fault":
        """The next file system ends its creation as FAILED, with this text as the reason."""
        return cls._of(resource="file-system", lifecycle="FAILED", message=message, times=times)

    @classmethod
    def association_fails(
        cls, message: str | None = None, *, lifecycle: str = "MISCONFIGURED", times: int = 1
    ) -> "Fault":
        """The next data repository association becomes MISCONFIGURED or FAILED, with this text as the reason."""
        return cls._of(resource="association", lifecycle=lifecycle, message=message, times=times)

    @classmethod
    def _call(cls, kind: str, service: str, operation: str, when: When, **more: Any) -> "Fault":
        always = {} if "begin" in when or "end" in when else {"times": 1}
        return cls._of(fault=kind, service=service, operation=operation, **more, **{**always, **when})

    @classmethod
    def _of(cls, **members: Any) -> "Fault":
        return cls(tuple((name, value) for name, value in members.items() if value is not None))


class Faults:
    """The faults that are ordered and have not happened yet. The first that fits a call happens to it."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def order(self, *faults: Fault) -> None:
        """Have these go wrong, after those ordered before. Raises EmulatorError for one that cannot be."""
        self._admin.put("faults", [dict(fault.members) for fault in (*self.list(), *faults)])

    def list(self) -> list[Fault]:
        """What is still to happen; the member ``times`` says how often."""
        listed = self._admin.get("faults")["faults"]
        return [Fault._of(**{name: value for name, value in fault.items() if name != "id"}) for fault in listed]

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._admin.put("faults", [])
