"""Faults made to happen: to calls, per operation, resource and time, and to resources, as their services declare."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .clock import Clock
from .declarations import Errors, Misfortune
from .faults import AwsError, DropConnection
from .orders import check
from .registry import Service
from .store import Store

Fault = dict[str, Any]

_KIND = "injection"


class Injections:
    """What ``PUT /_emulator/faults`` asked for. Durable, and used up as it happens.

    Faults are tried in the order they were given in; the first that fits happens. Where none is ordered, nothing is
    read or written.
    """

    def __init__(self, store: Store, clock: Clock, services: Iterable[Service]) -> None:
        self._store = store
        self._clock = clock
        self._misfortunes: list[Misfortune] = []
        self._errors: dict[str, Errors] = {}
        for service in services:
            self._misfortunes += service.misfortunes
            self._errors[service.name] = service.errors
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self.read()

    def read(self) -> None:
        """Take what the store says. Call it when the store has become another."""
        faults = self._store.all(_KIND)
        with self._lock:
            self._faults = faults

    def replace(self, faults: Any) -> None:
        """Forget all earlier faults and take these. Raises ValueError if one is not understood."""
        if not isinstance(faults, list):
            raise ValueError("faults are a list of objects")
        now = self._clock.now()
        taken = [self._taken(f"{number:04}", fault, now) for number, fault in enumerate(faults)]
        with self._store.transaction(), self._lock:
            for old in self._store.all(_KIND):
                self._store.delete(_KIND, old["id"])
            for fault in taken:
                self._store.put(_KIND, fault["id"], fault)
            self._faults = taken

    def listed(self) -> list[Fault]:
        """The faults still to happen, as they would be ordered now: their times are from now on."""
        now = self._clock.now()
        with self._lock:
            return [
                {**fault, **{name: max(0.0, fault[name] - now) for name in ("begin", "end") if name in fault}}
                for fault in self._faults
            ]

    def strike(self, service: str, operation: str, request: Any) -> bool:
        """Let the first fault that fits this call happen: wait, raise AwsError or DropConnection, or do nothing.

        True asks for the answer to be lost after the call has had its effect.
        """
        fault = self._take(
            lambda f: (
                f.get("service") in (service, "*")
                and f.get("operation", "*") in (operation, "*")
                and ("on" not in f or f["on"] in _texts(request))
            )
        )
        if fault is None:
            return False
        time.sleep(fault["delay"])
        kind = fault.get("fault")
        if kind == "reset" or fault.get("drop"):
            raise DropConnection
        if kind in ("throttle", "error") or fault.get("code") or fault.get("status"):
            raise _error(fault, self._errors.get(service, Errors()))
        return kind == "lost"

    def misfortune(self, member: str, value: str, name: str | None = None) -> Fault | None:
        """Use up a fault of a resource, as the service declares it. One without ``name`` fits any resource.

        The answer is the fault as it was given, or None.
        """
        return self._take(lambda f: f.get(member) == value and f.get("name", name) == name)

    def _taken(self, id: str, fault: Any, now: float) -> Fault:
        check(fault, self._misfortunes)
        moments = {name: now + fault[name] for name in ("begin", "end") if fault.get(name) is not None}
        late = 1.0 if fault.get("fault") == "late" else 0.0
        return {"times": None, "probability": 1.0, "delay": late, "after": 0, **fault, **moments, "id": id}

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        if not any(fits(fault) for fault in self._faults):
            return None
        now = self._clock.now()
        with self._store.transaction(), self._lock:
            for fault in self._faults:
                if not fault.get("begin", now) <= now <= fault.get("end", now) or not fits(fault):
                    continue
                if fault["after"] > 0:
                    self._keep({**fault, "after": fault["after"] - 1})
                    continue
                if random.random() >= fault["probability"]:
                    continue
                if fault["times"] is not None:
                    self._keep({**fault, "times": fault["times"] - 1})
                return dict(fault)
        return None

    def _keep(self, fault: Fault) -> None:
        """Write down what is left of a fault."""
        spent = fault["times"] is not None and fault["times"] <= 0
        if spent:
            self._store.delete(_KIND, fault["id"])
        else:
            self._store.put(_KIND, fault["id"], fault)
        self._faults = [
            fault if known["id"] == fault["id"] else known
            for known in self._faults
            if not (spent and known["id"] == fault["id"])
        ]


def _error(fault: Fault, errors: Errors) -> AwsError:
    if fault.get("fault") == "throttle":
        status, code, text = errors.throttling_status, errors.throttling, "Rate exceeded"
    elif fault.get("fault") == "error":
        status, code, text = 500, errors.internal, "An injected fault."
    else:
        status, code, text = 400, "", "An injected fault."
    status = int(fault.get("status", status))
    code = fault.get("code") or code or ("InternalServerError" if status < 503 else "ServiceUnavailable")
    return AwsError(code, fault.get("message", text), status)


def _texts(value: Any) -> Iterator[str]:
    """All texts in the parameters of a call."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
