"""Removing: everything of an execution, and what came of it."""

from __future__ import annotations

from flytekitplugins_smfs.values.base import Result, Timing, Value


class ReleaseSpec(Value):
    """Everything that this execution made and that costs money by being there. Nothing to choose."""


class Removed(Result):
    """What was removed, and what was seen to be left of this execution afterwards (nothing, when all went well)."""

    removed: tuple[str, ...]
    remaining: tuple[str, ...] = ()
    timing: Timing
