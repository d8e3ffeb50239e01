"""Launch plans: what a cluster is told of them, and when they run."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from croniter import croniter
from flyteidl.admin import launch_plan_pb2, schedule_pb2
from flyteidl.core.execution_pb2 import WorkflowExecution
from flytekit import CronSchedule, Email, FixedRate, LaunchPlan, workflow
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.type_engine import TypeEngine
from flytekit.tools.translator import get_serializable

from flytekitplugins_smfs.flyte.tasks import create_lustre
from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
from workflows.digits import nightly
from workflows.schedules import dated, every_night, every_six_hours


@workflow
def provisioned(at: datetime, spec: LustreSpec = LustreSpec()) -> LustreFileSystem:
    return create_lustre(spec=spec)


def entity(plan: LaunchPlan) -> Any:
    """The launch plan as it is registered."""
    images = ImageConfig(default_image=Image("default", "example", "1"))
    chosen = SerializationSettings(project="p", domain="d", version="v", image_config=images)
    return get_serializable(OrderedDict(), chosen, plan).to_flyte_idl()


def next_times(expression: str, after: datetime, count: int) -> list[datetime]:
    every = croniter(expression, after)
    return [every.get_next(datetime) for _ in range(count)]


# C106
def test_the_nightly_plan_runs_every_night_at_two() -> None:
    made = entity(nightly)
    assert (made.id.name, made.id.project) == ("digits.nightly", "p")
    assert made.spec.workflow_id.name.endswith("digits.lustre_training")
    cron = made.spec.entity_metadata.schedule.cron_schedule.schedule
    first, second = next_times(cron, datetime(2026, 3, 1, 13, 45, tzinfo=UTC), 2)
    assert (first, second - first) == (datetime(2026, 3, 2, 2, tzinfo=UTC), timedelta(days=1))
    assert made.spec.default_inputs.parameters["repository"].default.scalar.primitive.string_value == "digits/nightly"
    assert "spec" in made.spec.default_inputs.parameters  # and can be chosen at each launch


# C106
@pytest.mark.parametrize(
    ("expression", "times"),
    [("*/15 * * * *", ["12:15", "12:30", "12:45"]), ("@hourly", ["13:00", "14:00", "15:00"])],
)
def test_a_cron_plan_is_told_when_it_was_kicked_off(expression: str, times: list[str]) -> None:
    schedule = CronSchedule(schedule=expression, kickoff_time_input_arg="at")
    spec = LustreSpec(capacity_gib=2400)
    plan = LaunchPlan.create(f"cron.{expression}", provisioned, fixed_inputs={"spec": spec}, schedule=schedule)
    told = entity(plan).spec
    cron = told.entity_metadata.schedule.cron_schedule.schedule
    assert [f"{at:%H:%M}" for at in next_times(cron, datetime(2026, 3, 1, 12, tzinfo=UTC), 3)] == times
    assert told.entity_metadata.schedule.kickoff_time_input_arg == "at"
    literal = plan.fixed_inputs.literals["spec"]
    assert TypeEngine.to_python_value(None, literal, LustreSpec) == spec  # the fixed input is a whole typed value
    assert list(told.fixed_inputs.literals) == ["spec"]
    assert "spec" not in told.default_inputs.parameters  # so nobody can choose another


# C106
def test_a_plan_at_a_fixed_rate() -> None:
    plan = LaunchPlan.create(
        "rate", provisioned, schedule=FixedRate(duration=timedelta(hours=6), kickoff_time_input_arg="at")
    )
    schedule = entity(plan).spec.entity_metadata.schedule
    assert (schedule.rate.value, schedule.rate.unit) == (6, schedule_pb2.HOUR)
    assert schedule.kickoff_time_input_arg == "at"


# C106
def test_the_plans_to_copy_say_when_with_what_how_many_and_whom_to_tell() -> None:
    night, hours = entity(every_night).spec, entity(every_six_hours).spec
    cron = night.entity_metadata.schedule
    assert (cron.cron_schedule.schedule, cron.kickoff_time_input_arg) == ("0 3 * * *", "at")
    rate = hours.entity_metadata.schedule
    assert (rate.rate.value, rate.rate.unit, rate.kickoff_time_input_arg) == (6, schedule_pb2.HOUR, "at")
    spec = TypeEngine.to_python_value(None, every_night.fixed_inputs.literals["spec"], LustreSpec)
    assert spec == LustreSpec(capacity_gib=2400)
    assert "spec" not in night.default_inputs.parameters
    assert night.default_inputs.parameters["prefix"].default.scalar.primitive.string_value == "digits/nights"
    (mail,) = night.entity_metadata.notifications
    assert set(mail.phases) == {WorkflowExecution.FAILED, WorkflowExecution.TIMED_OUT, WorkflowExecution.ABORTED}
    assert list(mail.email.recipients_email) == ["ml-team@example.com"]
    for told in (night, hours):
        assert told.concurrency_policy.max == 1
        assert told.concurrency_policy.behavior == launch_plan_pb2.CONCURRENCY_LIMIT_BEHAVIOR_SKIP


# C106
def test_no_two_starts_of_a_plan_share_a_prefix() -> None:
    starts = next_times("0 3 * * *", datetime(2026, 3, 1, tzinfo=UTC), 3)
    prefixes = [dated(prefix="digits/nights/", at=at) for at in starts]
    assert prefixes[0] == "digits/nights/2026-03-01T0300"
    assert len(set(prefixes)) == 3


# C106
def test_a_wrong_plan_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match="Schedule is invalid"):
        LaunchPlan.create("w1", provisioned, schedule=CronSchedule(schedule="never", kickoff_time_input_arg="at"))
    with pytest.raises(AssertionError, match="terminal states"):
        Email(phases=[WorkflowExecution.RUNNING], recipients_email=["ml-team@example.com"])
    with pytest.raises(ValueError, match="capacity"):
        LaunchPlan.create("w2", provisioned, fixed_inputs={"spec": LustreSpec(capacity_gib=1)})
