"""What was asked of the embedded AWS, call by call."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .admin import Admin


@dataclass(frozen=True)
class Call:
    """One API call that was answered."""

    number: int
    """From 1, in the order of completion."""
    time: datetime
    service: str
    """As boto3 names it, such as "sagemaker"."""
    operation: str
    """As the API names it, such as "CreateTrainingJob"."""
    request: dict[str, Any]
    """The parameters as boto3 takes them; of services that are passed on, as far as they can be told from the wire."""
    error: str | None
    """The error code it was answered with; None for a success."""
    caller: str | None = None
    """The id of the access key that signed it; None where nobody did."""


class Calls:
    """The calls since the start or the last reset. The record is bounded: the oldest leave it first."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def list(
        self,
        service: str | None = None,
        operation: str | None = None,
        *,
        error: str | None = None,
        since: int = 0,
    ) -> list[Call]:
        """The calls that agree with everything given, oldest first. ``since`` is the number of a call: later ones."""
        return [
            call
            for call in map(_call, self._admin.get("calls", since=since)["calls"])
            if service in (None, call.service)
            and operation in (None, call.operation)
            and (error is None or call.error == error)
        ]

    def last(self, service: str | None = None, operation: str | None = None) -> Call | None:
        """The latest call that agrees, or None."""
        found = self.list(service, operation)
        return found[-1] if found else None

    def __iter__(self) -> Iterator[Call]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())


def _call(document: dict[str, Any]) -> Call:
    return Call(
        number=int(document["seq"]),
        time=datetime.fromtimestamp(document["time"], UTC),
        service=document["service"],
        operation=document["operation"],
        request=document["request"],
        error=document["error"],
        caller=document["caller"],
    )
