"""Launch plans: by cron with the moment as an input, at a fixed rate, and one as a step of another."""

import datetime

from flytekit import CronSchedule, FixedRate, LaunchPlan, workflow

from flows.steps import brief, there_and_back
from flytekitplugins_smfs import LustreSpec, Removed, TrainingResult


@workflow
def dated(at: datetime.datetime, seed: int = 1) -> TrainingResult:
    return brief()


@workflow
def outer() -> Removed:
    return called()


nightly = LaunchPlan.get_or_create(
    dated,
    "plans.nightly",
    schedule=CronSchedule(schedule="0 2 * * *", kickoff_time_input_arg="at"),
    fixed_inputs={"seed": 7},
)
often = LaunchPlan.get_or_create(
    there_and_back,
    "plans.often",
    schedule=FixedRate(duration=datetime.timedelta(hours=6)),
    default_inputs={"spec": LustreSpec()},
)
called = LaunchPlan.get_or_create(there_and_back, "plans.called", default_inputs={"spec": LustreSpec()})
