"""Jobs of the image ``simulated``: no process, they train for a time of the emulator's clock and end as asked.

Hyperparameters: ``seconds`` is how long (else the setting ``simulated_seconds``); with ``failure`` the job fails then,
and that is why.
"""

from typing import Any

from ....images import is_simulated
from ....registry import Context
from ....store import Doc
from ..settings import settings
from .verdicts import Verdict

__all__ = ["is_simulated", "left", "seconds", "verdict"]


def seconds(ctx: Context, request: dict[str, Any]) -> float:
    """How long the job would train. Raises ValueError if it says no number."""
    asked = request.get("HyperParameters", {}).get("seconds")
    return settings(ctx).simulated_seconds if asked is None else max(0.0, float(asked))


def left(ctx: Context, doc: Doc) -> float:
    """Seconds until it ends: by itself, or because its time is over."""
    return float(doc["phase_since"] + min(seconds(ctx, doc["request"]), doc["may_run"]) - ctx.now())


def verdict(ctx: Context, doc: Doc) -> Verdict:
    """How it has ended, once no time is left or it was stopped."""
    request = doc["request"]
    if doc["stop"]:
        return "Stopped", "Stopped", None
    if seconds(ctx, request) > doc["may_run"]:
        return "Stopped", doc["over_time"], None
    failure = request.get("HyperParameters", {}).get("failure")
    if failure is not None:
        return "Failed", "Failed", f"AlgorithmError: {failure}, exit code: 1"
    return "Completed", "Completed", None
