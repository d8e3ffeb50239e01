"""What Flyte keeps between a connector's create and get. Imported by `import flytekit`: standard library only."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

VERSION = 1
LONGEST = 64 * 1024
"""Bytes; what is longer is none of ours, and reading it would keep everybody else waiting."""
LONGEST_PROBLEM = 1500
"""Characters; the cluster stores this with the workflow."""


@dataclass(frozen=True)
class Meta:
    """A started operation, or why it could not be started. Small JSON without secrets."""

    operation: str
    handle: dict[str, Any] | None = None
    """The operation's handle; None if there is nothing to look at."""
    problem: str = ""
    """Why it could not be started."""
    retryable: bool = False
    """Whether another attempt at the start may go well."""
    output_prefix: str = ""
    """Where a task with a deck leaves its outputs; empty when Flyte takes them inline."""
    waiting: str = ""
    """Where the spec of what waits for its turn lies; empty for what was made at once."""

    def encode(self) -> bytes:
        """As bytes of JSON."""
        filled = {name: value for name, value in dataclasses.asdict(self).items() if value}
        return json.dumps({"version": VERSION, **filled}, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Meta:
        """From bytes of JSON. Never raises, because Flyte would count that against the task for ever: what cannot be
        read is a problem, and what another release wrote is read as far as it is known here."""
        if len(data) > LONGEST:
            return cls("", problem=f"The task's state in Flyte is {len(data):,} bytes long; it is none of ours.")
        try:
            fields = json.loads(data)
            known = {one.name for one in dataclasses.fields(cls)}
            meta = cls(**{name: value for name, value in fields.items() if name in known})
            handle: Any = meta.handle
            if not (isinstance(meta.operation, str) and isinstance(handle, dict | None)):
                raise TypeError("its fields are of other types")
            return meta
        except (ValueError, TypeError, AttributeError) as error:
            return cls("", problem=f"The task's state in Flyte cannot be read: {error}.")
