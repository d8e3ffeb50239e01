"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `what` was found, and the `fix` where it is wrong."""

    what: str
    fix: str = ""

    @property
    def wrong(self) -> bool:
        """Whether something has to be done."""
        return bool(self.fix)

    def __str__(self) -> str:
        return f"wrong: {self.what}. Fix: {self.fix}." if self.wrong else f"   ok: {self.what}."


def listed(names: Iterable[str]) -> str:
    """Names for a sentence."""
    return ", ".join(names) or "none"
