"""What Flyte keeps between a connector's create and get. Imported by `import flytekit`: standard library only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

VERSION = 1
LONGEST_PROBLEM = 1500
"""Characters; the cluster stores this with the workflow."""


@dataclass(frozen=True)
class Meta:
    """A started operation, or why it could not be started. Small versioned JSON without secrets."""

    operation: str
    handle: dict[str, Any] | None = None
    """The operation's handle; None if there is nothing to look at."""
    problem: str = ""
    """Why it could not be started."""
    retryable: bool = False
    """Whether another attempt at the start may go well."""
    output_prefix: str = ""
    """Where a task with a deck leaves its outputs; empty when Flyte takes them inline."""

    def encode(self) -> bytes:
        """As bytes of JSON."""
        filled = {name: value for name, value in asdict(self).items() if value}
        return json.dumps({"version": VERSION, **filled}, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Meta:
        """From bytes of JSON. Raises ValueError for a version this code does not know."""
        fields = json.loads(data)
        version = fields.pop("version", None)
        if version != VERSION:
            raise ValueError(f"This connector reads resource meta of version {VERSION}, not {version}.")
        return cls(**fields)
