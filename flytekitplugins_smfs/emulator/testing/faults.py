"""Faults that a test orders: what goes wrong at the embedded AWS, for which call or resource, and how often."""

from dataclasses import dataclass
from typing import Any

from .admin import Admin


@dataclass(frozen=True)
class Fault:
    """One thing to go wrong. Make it with one of the class methods; each is used up after ``times`` calls."""

    members: tuple[tuple[str, Any], ...]
    """What the server is told, by name."""

    @classmethod
    def error(
        cls, service: str, operation: str, code: str, message: str | None = None, *, status: int = 400, times: int = 1
    ) -> "Fault":
        """The next ``times`` calls of an operation ("*" for any) are answered with this error, and do nothing."""
        return cls._of(service=service, operation=operation, code=code, message=message, status=status, times=times)

    @classmethod
    def throttle(cls, service: str, operation: str = "*", *, times: int = 1) -> "Fault":
        """The next ``times`` calls come too fast: ThrottlingException, "Rate exceeded", which SDKs retry."""
        return cls.error(service, operation, "ThrottlingException", "Rate exceeded", times=times)

    @classmethod
    def unavailable(cls, service: str, operation: str = "*", *, status: int = 503, times: int = 1) -> "Fault":
        """The next ``times`` calls meet a server error (a 5xx status), which SDKs retry."""
        code = "InternalFailure" if status == 500 else "ServiceUnavailable"
        return cls.error(service, operation, code, "The service cannot answer now.", status=status, times=times)

    @classmethod
    def dropped(cls, service: str, operation: str = "*", *, times: int = 1) -> "Fault":
        """The connection of the next ``times`` calls is closed without an answer, and they do nothing."""
        return cls._of(service=service, operation=operation, drop=True, times=times)

    @classmethod
    def late(cls, service: str, operation: str = "*", *, seconds: float, times: int = 1) -> "Fault":
        """The next ``times`` calls are answered so many seconds later."""
        return cls._of(service=service, operation=operation, delay=seconds, times=times)

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
    def _of(cls, **members: Any) -> "Fault":
        return cls(tuple((name, value) for name, value in members.items() if value is not None))


class Faults:
    """The faults that are ordered and have not happened yet. They happen in the order in which they were ordered."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def order(self, *faults: Fault) -> None:
        """Have these go wrong, after those ordered before. Raises EmulatorError for one that cannot be."""
        self._admin.put("faults", [dict(fault.members) for fault in (*self.list(), *faults)])

    def list(self) -> list[Fault]:
        """What is still to happen; ``times`` is how often."""
        listed = self._admin.get("faults")["faults"]
        return [Fault._of(**{name: value for name, value in fault.items() if name != "id"}) for fault in listed]

    def clear(self) -> None:
        """Forget what has not happened yet."""
        self._admin.put("faults", [])
