"""What a client knows of the things it made: values that were acknowledged, and those whose answer never came."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

Thing = tuple[str, str]
"""A kind of thing, and its name."""
ABSENT = None
"""The value of what is not there."""


class Lost(Exception):
    """The answer to a call never came: it may have had its effect."""


def answered(call: Callable[[], Any]) -> Any:
    """What a call answers. Raises Lost if no answer came, or only that the server is in trouble."""
    try:
        return call()
    except (ConnectionError, HTTPClientError) as error:
        raise Lost(repr(error)) from error
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise Lost(repr(error)) from error
        raise


class Ledger:
    """Values by thing, of one client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sure: dict[Thing, Any] = {}
        self._maybe: dict[Thing, Any] = {}
        self._fresh: set[Thing] = set()
        self.acknowledged = 0

    def write(self, thing: Thing, value: Any, call: Callable[[], Any]) -> Any:
        """Make a call that gives a thing this value, and note what comes of it."""
        with self._lock:
            self._maybe[thing] = value
            self._fresh.add(thing)
        answer = answered(call)
        with self._lock:
            self._sure[thing] = value
            del self._maybe[thing]
            self.acknowledged += 1
        return answer

    def known(self, kind: str) -> dict[str, Any]:
        """What is there of a kind, by name."""
        with self._lock:
            found = [(thing, value) for thing, value in self._sure.items() if value is not ABSENT]
        return {name: value for (of, name), value in found if of == kind}

    def compare(self, read: Callable[[Thing], Any], everything: bool = False) -> list[str]:
        """Read what was written since the last comparison, or everything; what is not as it was acknowledged."""
        with self._lock:
            things = sorted({*self._sure, *self._maybe} if everything else self._fresh)
        wrong = []
        for thing in things:
            found = answered(lambda thing=thing: read(thing))
            with self._lock:
                allowed = [self._sure.get(thing, ABSENT)]
                if thing in self._maybe:
                    allowed.append(self._maybe.pop(thing))
                if found not in allowed:
                    expected = " or ".join(f"{one!r:.200}" for one in allowed)
                    wrong.append(f"{' '.join(thing)}: {found!r:.200}, not {expected}")
                self._sure[thing] = found
                self._fresh.discard(thing)
        return wrong
