"""A tuning job's way: start trials while there is room, stop those that cannot win, end when all is tried."""

import secrets
from typing import Any

from ....registry import Context
from ....scheduler import Look
from ....store import Doc
from ..documents import identity, later
from ..service import service
from ..settings import settings
from ..tags import record as tags
from ..training_job import api as training
from ..training_job.record import TRAINING_JOB
from .record import TUNING_JOB
from .rules import grid_size
from .search import Tried
from .stopping import hopeless
from .trial import Trial, best, definitions, search, training_request, trials, tried

_INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
_ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."
_REST = 4
"""A job of hundreds of trials rests so many times as long as it took to look at them."""


@service.lifecycle(TUNING_JOB)
def take_turn(ctx: Context, id: str) -> float | None:
    """Move a tuning job on. The answer is when to look again."""
    doc = ctx.store.get(TUNING_JOB, id)
    if doc is None or doc["ended"] is not None:
        return None
    ctx = ctx.at(doc["region"])
    began = ctx.now()
    some = trials(ctx, doc)
    running = [trial for trial in some if not trial.ended]
    criterion = _criterion_met(ctx, doc, some)
    if doc["stop"] or criterion:
        for trial in running:
            training.request_stop(ctx, trial.job["name"])
        if not running:
            return _finish(ctx, doc, some, "Stopped" if doc["stop"] else "Completed")
    else:
        room = doc["request"]["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
        wanted = min(room - len(running), _most_trials(ctx, doc) - len(doc["trials"]))
        for _ in range(wanted):
            doc, some = _start_trial(ctx, doc, some)
        if wanted <= 0 and not running:
            return _finish(ctx, doc, some, "Completed")
        for trial in hopeless(ctx, doc, some):
            training.request_stop(ctx, trial.job["name"])
    return Look(max(float(settings(ctx).tuning_poll_seconds), _REST * (ctx.now() - began)))


def _start_trial(ctx: Context, doc: Doc, some: list[Trial]) -> tuple[Doc, list[Trial]]:
    """Ask the search, and record the trial and its training job in one transaction."""
    number = len(doc["trials"])
    known = definitions(doc["request"])
    which = number % len(known)
    seeker = search(doc, which)
    params = seeker.suggest(_parents(ctx, doc, which) + tried(some, which), number // len(known))
    hyperparameters = seeker.hyperparameters(params)
    name = f"{doc['name']}-{number + 1:03d}-{secrets.token_hex(4)}"
    record = {"name": name, "definition": which, "params": params, "hyperparameters": hyperparameters}
    request = {**training_request(known[which], name, hyperparameters), "Tags": tags.of(ctx, doc["arn"])}
    with ctx.store.transaction():
        job = training.create(ctx, request, tuning=doc["arn"])
        changed = ctx.store.update(TUNING_JOB, doc["id"], trials=[*doc["trials"], record], modified=later(ctx, doc))
    return changed or doc, [*some, Trial(record, job, known[which])]


def _parents(ctx: Context, doc: Doc, which: int) -> list[Tried]:
    """What the parents of a warm start have tried."""
    found: list[Tried] = []
    for parent in doc["request"].get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", []):
        parent_doc = ctx.store.get(TUNING_JOB, identity(ctx, parent["HyperParameterTuningJobName"]))
        if parent_doc is not None:
            found += tried(trials(ctx, parent_doc), which)
    return found


def _most_trials(ctx: Context, doc: Doc) -> int:
    config = doc["request"]["HyperParameterTuningJobConfig"]
    limit = int(config["ResourceLimits"].get("MaxNumberOfTrainingJobs", settings(ctx).tuning_quota_jobs))
    if config["Strategy"] == "Grid":
        return min(limit, sum(map(grid_size, definitions(doc["request"]))))
    return limit


def _criterion_met(ctx: Context, doc: Doc, some: list[Trial]) -> bool:
    """Whether the search is over before all trials are made: time, target value, or nothing better for long."""
    config = doc["request"]["HyperParameterTuningJobConfig"]
    criteria = config.get("TuningJobCompletionCriteria", {})
    limit = config["ResourceLimits"].get("MaxRuntimeInSeconds")
    if limit is not None and ctx.now() - doc["created"] > limit:
        return True
    leader = best([trial for trial in some if trial.ended])
    if leader is None or leader.objective is None:
        return False
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and (leader.objective == target or leader.definition.better(leader.objective, target)):
        return True
    patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    since = [trial for trial in some[some.index(leader) + 1 :] if trial.ended]
    return patience is not None and len(since) >= patience


def _finish(ctx: Context, doc: Doc, some: list[Trial], status: str) -> float | None:
    failed = status == "Completed" and not any(trial.job["status"] in ("Completed", "Stopped") for trial in some)
    changes: dict[str, Any] = {"status": "Failed" if failed else status, "failure": _ALL_FAILED if failed else None}
    ctx.store.update(TUNING_JOB, doc["id"], ended=ctx.now(), modified=later(ctx, doc), **changes)
    return None


@service.failure(TUNING_JOB)
def fail(ctx: Context, id: str, error: Exception) -> None:
    """The tuning job is Failed with an InternalServerError; its training jobs are stopped."""
    doc = ctx.store.get(TUNING_JOB, id)
    if doc is None or doc["ended"] is not None:
        return
    ctx = ctx.at(doc["region"])
    now = later(ctx, doc)
    ctx.store.update(TUNING_JOB, id, status="Failed", failure=_INTERNAL, ended=now, modified=now)
    for record in doc["trials"]:
        if ctx.store.get(TRAINING_JOB, identity(ctx, record["name"])) is not None:
            training.request_stop(ctx, record["name"])
