"""The digits on schedules: every night with a date of its own, and every six hours.

    pyflyte register --image <registry>/smfs:<version> --activate-launchplans workflows

registers and starts them; without the switch they are registered and wait for `pyflyte launchplan --activate NAME`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flytekit import CronSchedule, Email, FixedRate, LaunchPlan, task, workflow
from flytekit.models.concurrency import ConcurrencyLimitBehavior, ConcurrencyPolicy
from flytekit.models.core.execution import WorkflowExecutionPhase

from flytekitplugins_smfs import LustreSpec
from workflows.digits import Outcome, lustre_training

UNSUCCESSFUL = [WorkflowExecutionPhase.FAILED, WorkflowExecutionPhase.TIMED_OUT, WorkflowExecutionPhase.ABORTED]


@task
def dated(prefix: str, at: datetime) -> str:
    """The prefix of what starts at this time, to the minute: data of one run is not mixed with another's."""
    return f"{prefix.rstrip('/')}/{at:%Y-%m-%dT%H%M}"


@workflow
def dated_training(at: datetime, prefix: str = "digits", spec: LustreSpec = LustreSpec()) -> Outcome:
    """`lustre_training` with its data under a prefix that says when it was started."""
    return lustre_training(repository=dated(prefix=prefix, at=at), spec=spec)


every_night = LaunchPlan.get_or_create(
    workflow=dated_training,
    name="digits.every_night",
    schedule=CronSchedule(schedule="0 3 * * *", kickoff_time_input_arg="at"),
    default_inputs={"prefix": "digits/nights"},
    fixed_inputs={"spec": LustreSpec(capacity_gib=2400)},
    notifications=[Email(phases=UNSUCCESSFUL, recipients_email=["ml-team@example.com"])],
    concurrency=ConcurrencyPolicy(max_concurrency=1, behavior=ConcurrencyLimitBehavior.SKIP),
)
"""Every night at 03:00 UTC on a larger file system that nobody can choose away; mail when it does not succeed. While
one runs, no other is started: not one by hand either."""

every_six_hours = LaunchPlan.get_or_create(
    workflow=dated_training,
    name="digits.every_six_hours",
    schedule=FixedRate(duration=timedelta(hours=6), kickoff_time_input_arg="at"),
    default_inputs={"prefix": "digits/hours"},
    concurrency=ConcurrencyPolicy(max_concurrency=1, behavior=ConcurrencyLimitBehavior.SKIP),
)
"""Every six hours, counted from its activation."""
