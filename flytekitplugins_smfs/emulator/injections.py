"""Faults made to happen: errors answered in place of an operation, and misfortunes of jobs."""

import random
import time
from typing import Any

from .faults import AwsError, DropConnection
from .store import Store

_KIND = "injection"


class Injections:
    """What ``PUT /_emulator/faults`` asked for. Durable, and used up as it happens."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def replace(self, faults: list[dict[str, Any]]) -> None:
        """Forget all earlier faults and take these. Raises ValueError if one is not understood."""
        for fault in faults:
            _check(fault)
        with self._store.transaction():
            for old in self._store.all(_KIND):
                self._store.delete(_KIND, old["id"])
            for number, fault in enumerate(faults):
                id = f"{number:04}"
                self._store.put(_KIND, id, {"times": None, "probability": 1.0, "delay": 0.0, **fault, "id": id})

    def listed(self) -> list[dict[str, Any]]:
        """The faults still to happen."""
        return self._store.all(_KIND)

    def strike(self, service: str, operation: str) -> None:
        """Let the first fault that fits this call happen: sleep, raise AwsError or DropConnection, or do nothing."""
        fault = self._take(lambda f: f.get("service") in (service, "*") and f.get("operation", "*") in (operation, "*"))
        if fault is None:
            return
        time.sleep(fault["delay"])
        if fault.get("drop"):
            raise DropConnection
        if fault.get("code") or fault.get("status"):
            status = int(fault.get("status", 400))
            code = fault.get("code") or ("InternalServerError" if status < 503 else "ServiceUnavailable")
            raise AwsError(code, fault.get("message", "An injected fault."), status)

    def job_fault(self, kind: str, job: str) -> dict[str, Any] | None:
        """Use up a fault of a job: ``kind`` is "capacity" (at its start) or "interruption" (while it runs).

        A fault without ``name`` fits any job. The answer is the fault as it was given, or None.
        """
        return self._take(lambda f: f.get("job") == kind and f.get("name", job) == job)

    def resource_fault(self, resource: str) -> dict[str, Any] | None:
        """Use up a fault of a resource that is being made: "file-system" or "association".

        Its ``lifecycle`` is what the resource becomes (FAILED, MISCONFIGURED), its ``message`` the failure detail.
        """
        return self._take(lambda f: f.get("resource") == resource)

    def _take(self, fits: Any) -> dict[str, Any] | None:
        with self._store.transaction():
            for fault in self._store.all(_KIND):
                if not fits(fault) or random.random() >= fault["probability"]:
                    continue
                if fault["times"] is not None:
                    fault["times"] -= 1
                    if fault["times"] <= 0:
                        self._store.delete(_KIND, fault["id"])
                    else:
                        self._store.put(_KIND, fault["id"], fault)
                return dict(fault)
        return None


_MEMBERS = {
    "service",
    "operation",
    "code",
    "message",
    "status",
    "times",
    "probability",
    "delay",
    "drop",
    "job",
    "name",
    "resource",
    "lifecycle",
}


def _check(fault: dict[str, Any]) -> None:
    unknown = set(fault) - _MEMBERS
    if unknown:
        raise ValueError(f"unknown members of a fault: {sorted(unknown)}; known are: {sorted(_MEMBERS)}")
    kinds = (
        "service" in fault,
        fault.get("job") in ("capacity", "interruption"),
        fault.get("resource") in ("file-system", "association")
        and fault.get("lifecycle") in ("FAILED", "MISCONFIGURED"),
    )
    if not any(kinds):
        raise ValueError(
            'a fault needs a "service", or a "job" of "capacity" or "interruption", or a "resource" of "file-system" '
            'or "association" with a "lifecycle" of "FAILED" or "MISCONFIGURED"'
        )
