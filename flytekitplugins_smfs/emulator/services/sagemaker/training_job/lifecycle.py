"""A training job's way from Starting to its end, one turn at a time, from what the store and the job's folder say.

Every phase may be repeated after a kill: downloads begin anew, a running process is found again by its folder, uploads
replace what they had written.
"""

import logging
import os
import shutil
import time

from .... import credentials
from ....containers import addresses
from ....containers.detached import NotStarted
from ....containers.sandbox import Sandbox
from ....containers.spec import ExitRecord
from ....expressions.matcher import Busy
from ....guard import Outside
from ....registry import Context
from ....scheduler import Look
from ....store import Doc
from .. import artifacts, objects, placement, telemetry, workspace
from ..configuration import host_names
from ..placement import CAPACITY, INTERNAL, JobFailure
from ..service import service
from ..settings import settings
from . import preparation, simulated
from .record import ENDED, TRAINING_JOB, edit, end, enter
from .verdicts import Verdict, verdict

log = logging.getLogger(__name__)

_AT_ONCE = 0.0
_SOON = 0.02
_CHECKPOINT_SECONDS = 1.0
_WAITING_SECONDS = 30.0
"""A job that waits for a place is told when it is free; it looks at its MaxWaitTimeInSeconds meanwhile."""
_SECONDS_PER_JOB = 0.004
_checkpoints_saved: dict[str, float] = {}
"""When the checkpoints of a running job were last looked at; nothing is lost with it."""


@service.lifecycle(TRAINING_JOB)
def take_turn(ctx: Context, id: str) -> float | None:
    """Move a training job on. The answer is when to look again."""
    doc = ctx.store.get(TRAINING_JOB, id)
    if doc is None or doc["status"] in ENDED:
        return None
    ctx = ctx.at(doc["region"])
    try:
        return _PHASES[doc["phase"]](ctx, doc)
    except JobFailure as failure:
        return _finish(ctx, doc, ("Failed", "Failed", str(failure)))
    except objects.NoSuchBucket as missing:
        return _finish(ctx, doc, ("Failed", "Failed", f"ClientError: The specified bucket does not exist: {missing}"))
    except Outside as problem:
        return _finish(ctx, doc, ("Failed", "Failed", f"ClientError: Invalid path: {problem}"))
    except OSError as error:
        log.exception("training job %s", id)
        return _finish(ctx, doc, ("Failed", "Failed", f"{INTERNAL} ({error})"))


def _starting(ctx: Context, doc: Doc) -> float | None:
    if doc["stop"]:
        return _finish(ctx, doc, ("Stopped", "Stopped", None))
    waited = ctx.now() - doc["phase_since"]
    if waited < settings(ctx).training_starting_seconds:
        return float(settings(ctx).training_starting_seconds - waited)
    if placement.waited_too_long(ctx, doc):
        return _finish(ctx, doc, ("Stopped", "MaxWaitTimeExceeded", None))
    if not preparation.has_image(ctx, doc):
        return Look(_patience(ctx))
    if not preparation.has_places(ctx, doc):
        return Look(_WAITING_SECONDS)
    if ctx.injections.misfortune("job", "capacity", doc["name"]):
        raise JobFailure(CAPACITY)
    placement.check(ctx, doc["request"])
    with edit(ctx, doc["name"]) as now_doc:
        now_doc["started"] = now_doc["started"] or ctx.now()
        enter(ctx, now_doc, "Downloading", "Downloading input data", phase="downloading")
    return _AT_ONCE


def _downloading(ctx: Context, doc: Doc) -> float | None:
    if doc["stop"]:
        return _finish(ctx, doc, ("Stopped", "Stopped", None))
    placement.check_download(ctx, doc["request"])
    shutil.rmtree(workspace.attempt_directory(ctx, doc), ignore_errors=True)
    if simulated.is_simulated(doc["request"]):
        workspace.attempt_directory(ctx, doc).mkdir(parents=True)
    else:
        preparation.lay_out(ctx, doc)
    with edit(ctx, doc["name"]) as now_doc:
        message = "Training image download completed. Training in progress."
        now_doc["may_run"], now_doc["over_time"] = workspace.time_left(ctx, doc)
        now_doc["running_since"] = time.time()
        enter(ctx, now_doc, "Training", message, phase="training")
    return _AT_ONCE


def _training(ctx: Context, doc: Doc) -> float | None:
    if simulated.is_simulated(doc["request"]):
        return _simulated(ctx, doc)
    sandboxes = [workspace.sandbox(ctx, doc, host) for host in host_names(doc["request"])]
    try:
        workspace.network(ctx, doc).start()
        for sandbox in sandboxes:
            sandbox.start()
    except NotStarted as error:
        raise JobFailure(f"{INTERNAL} ({error})") from error
    outcomes = [sandbox.outcome() for sandbox in sandboxes]
    began = time.monotonic()
    more = _observe(ctx, doc)
    if None in outcomes:
        _interfere(ctx, doc, sandboxes, outcomes)
    elif not more:
        return _ended(ctx, doc, [outcome for outcome in outcomes if outcome is not None])
    # With more to take over others have their turn first, for as long as this one took.
    return Look(max(time.monotonic() - began, _SOON) if more else _patience(ctx))


def _simulated(ctx: Context, doc: Doc) -> float | None:
    """Wait until the job's time is over; a look is all it takes before."""
    if ctx.injections.misfortune("job", "interruption", doc["name"]):
        return _interrupted(ctx, doc, ctx.now() - doc["phase_since"])
    left = simulated.left(ctx, doc)
    return left if left > 0 and not doc["stop"] else _upload(ctx, doc, simulated.verdict(ctx, doc))


def _patience(ctx: Context) -> float:
    """Seconds until the next look at a running job: longer when there are so many that looking would be all we do."""
    alive = len(os.listdir(ctx.paths.processes))
    return max(float(settings(ctx).training_poll_seconds), _SECONDS_PER_JOB * alive)


def _observe(ctx: Context, doc: Doc) -> bool:
    """Take over new log lines and checkpoints. True if there is a lot more to take over, when others had their turn."""
    job = workspace.container(ctx, doc)
    try:
        found = telemetry.look(ctx, doc)
    except Busy:
        return True
    if (found.offsets, found.used) != (doc["offsets"], doc.get("used", {})):
        telemetry.commit(ctx, TRAINING_JOB, doc, job, found)
    if ctx.now() - _checkpoints_saved.get(doc["id"], 0) > _CHECKPOINT_SECONDS:
        artifacts.save_checkpoints(ctx, job)
        _checkpoints_saved[doc["id"]] = ctx.now()
    return found.more


def _interfere(ctx: Context, doc: Doc, sandboxes: list[Sandbox], outcomes: list[ExitRecord | None]) -> None:
    """Stop what must not go on: on request, when the capacity is taken away, or when another host has failed."""
    if doc["stop"] and not doc["stop_sent"]:
        for sandbox in sandboxes:
            sandbox.stop("Stopped", settings(ctx).training_stop_grace_seconds)
        ctx.store.update(TRAINING_JOB, doc["id"], stop_sent=True)
    elif any(outcome is not None and outcome.code != 0 for outcome in outcomes):
        for sandbox in sandboxes:
            sandbox.stop("PeerFailed", _AT_ONCE)
    elif ctx.injections.misfortune("job", "interruption", doc["name"]):
        for sandbox in sandboxes:
            sandbox.stop("Interrupted", settings(ctx).training_stop_grace_seconds)


def _ended(ctx: Context, doc: Doc, outcomes: list[ExitRecord]) -> float | None:
    """All hosts have ended: decide what that means."""
    artifacts.save_checkpoints(ctx, workspace.container(ctx, doc))
    _checkpoints_saved.pop(doc["id"], None)
    workspace.network(ctx, doc).stop()
    ctx.places.give_back(TRAINING_JOB, doc["id"])
    reasons = {outcome.reason for outcome in outcomes}
    if "Interrupted" in reasons and not doc["stop"]:
        return _interrupted(ctx, doc, _ran(doc, outcomes))
    found = verdict(ctx, doc, outcomes)
    retries = doc["request"].get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
    if found[2] is not None and found[2].startswith(INTERNAL) and doc["attempt"] <= retries:
        return _again(ctx, doc, "Restarting", "Restarting the training job", _ran(doc, outcomes))
    return _upload(ctx, doc, found)


def _upload(ctx: Context, doc: Doc, found: Verdict) -> float:
    with edit(ctx, doc["name"]) as now_doc:
        now_doc["verdict"] = found
        enter(ctx, now_doc, "Uploading", "Uploading generated training model", phase="uploading")
    return _AT_ONCE


def _ran(doc: Doc, outcomes: list[ExitRecord]) -> float:
    """Seconds that this attempt ran, as far as it was seen to."""
    return max(0.0, max(outcome.ended for outcome in outcomes) - float(doc["running_since"]))


def _interrupted(ctx: Context, doc: Doc, ran: float) -> float | None:
    """Spot capacity was taken away: a spot job waits for new, any other one fails."""
    if not doc["request"].get("EnableManagedSpotTraining"):
        raise JobFailure(INTERNAL)
    return _again(ctx, doc, "Interrupted", "Training job interrupted", ran)


def _again(ctx: Context, doc: Doc, secondary: str, message: str, ran: float) -> float:
    """Begin another attempt, unless no time is left for it."""
    left, over_time = workspace.time_left(ctx, {**doc, "ran": doc["ran"] + ran})
    if left <= 0:
        return _upload(ctx, doc, ("Stopped", over_time, None))
    with edit(ctx, doc["name"]) as now_doc:
        enter(ctx, now_doc, secondary, message)
        now_doc["attempt"] += 1
        now_doc["ran"] += ran
        now_doc["stop_sent"] = False
        enter(ctx, now_doc, "Starting", "Preparing the instances for training", phase="starting")
    return float(settings(ctx).training_starting_seconds)


def _uploading(ctx: Context, doc: Doc) -> float | None:
    status, secondary, failure = doc["verdict"]
    succeeded = status != "Failed"
    if succeeded:
        placement.check_upload(ctx, doc["request"])
    artifacts_url = artifacts.upload(ctx, doc, workspace.container(ctx, doc), succeeded)
    return _finish(ctx, doc, (status, secondary, failure), artifacts_url)


_MESSAGES = {
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job exceeded MaxWaitTimeInSeconds provided",
}


def _finish(ctx: Context, doc: Doc, found: Verdict, artifacts_url: str | None = None) -> float | None:
    """Give the job its last status and free its disk."""
    status, secondary, failure = found
    for host in host_names(doc["request"]):
        workspace.sandbox(ctx, doc, host).stop("Ended", _AT_ONCE)
    workspace.network(ctx, doc).stop()
    with edit(ctx, doc["name"]) as now_doc:
        now_doc["artifacts"] = artifacts_url
        end(ctx, now_doc, status, secondary, _MESSAGES[secondary], failure)
        ctx.places.give_back(TRAINING_JOB, doc["id"])
    credentials.revoke(ctx, doc["arn"])
    artifacts.remove_workspace(ctx, doc)
    if doc.get("addresses") is not None:
        addresses.release(ctx.store, doc["addresses"])
    return None


_PHASES = {"starting": _starting, "downloading": _downloading, "training": _training, "uploading": _uploading}


@service.failure(TRAINING_JOB)
def fail(ctx: Context, id: str, error: Exception) -> None:
    """The job is Failed with an InternalServerError; what it runs is ended."""
    doc = ctx.store.get(TRAINING_JOB, id)
    if doc is not None and doc["status"] not in ENDED:
        _finish(ctx.at(doc["region"]), doc, ("Failed", "Failed", INTERNAL))
