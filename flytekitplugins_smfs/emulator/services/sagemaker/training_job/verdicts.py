"""How a training job has ended, and why it failed, in SageMaker's words."""

import re

from ....containers.spec import ExitRecord
from ....registry import Context
from ....store import Doc
from .. import artifacts, workspace
from ..configuration import host_names
from ..placement import INTERNAL

Verdict = tuple[str, str, str | None]
"""Status, secondary status and failure reason."""

_OVER_LIMITS = {
    "Memory": (
        "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an "
        "instance."
    ),
    "Disk": (
        "ClientError: No space left on device. The job wrote more than the volume of the instance holds. Please "
        "increase VolumeSizeInGB."
    ),
    "Processes": "AlgorithmError: Resource temporarily unavailable: the job started more processes than it may",
}
"""Why a job failed that used more than it has. The first text is SageMaker's; the others say the rule."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
"""Characters that a terminal might obey; line ends and tabs are text."""


def verdict(ctx: Context, doc: Doc, outcomes: list[ExitRecord]) -> Verdict:
    """What the ends of all its hosts mean for a job."""
    reasons = {outcome.reason for outcome in outcomes}
    if doc["stop"]:
        return "Stopped", "Stopped", None
    if "Deadline" in reasons:
        return "Stopped", doc["over_time"], None
    if errors := sorted({outcome.error for outcome in outcomes if outcome.error}):
        return "Failed", "Failed", f"{INTERNAL} ({'; '.join(errors)})"
    if over := [reason for reason in _OVER_LIMITS if reason in reasons]:
        return "Failed", "Failed", _OVER_LIMITS[over[0]]
    if all(outcome.code == 0 for outcome in outcomes):
        return "Completed", "Completed", None
    return "Failed", "Failed", _failure_reason(ctx, doc, outcomes)


def _failure_reason(ctx: Context, doc: Doc, outcomes: list[ExitRecord]) -> str:
    """``AlgorithmError: <failure file>, exit code: <n>``, from the first host that failed by itself."""
    hosts = host_names(doc["request"])
    failed = [
        (host, outcome)
        for host, outcome in zip(hosts, outcomes, strict=True)
        if outcome.code != 0 and outcome.reason != "PeerFailed"
    ]
    host, outcome = min(failed, key=lambda pair: pair[1].ended)
    text = artifacts.failure_text(workspace.ml_directory(ctx, doc, host)).strip()
    text = _CONTROL.sub(lambda found: f"#{ord(found[0]):03o}", text)
    if not text.startswith(("AlgorithmError:", "ClientError:")):
        text = f"AlgorithmError: {text}"
    ending = f", exit code: {outcome.code}"
    return f"{text[: 1024 - len(ending)]}{ending}"
