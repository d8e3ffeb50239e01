"""Schedules of active launch plans: cron and fixed rate. What time it is, is said to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter
from flyteidl.admin import execution_pb2, launch_plan_pb2, schedule_pb2
from flyteidl.core.identifier_pb2 import WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap

from tests.cluster.model.propeller import Propeller
from tests.cluster.model.records import Book, Execution, new_name

_ALIASES = {"hourly": "@hourly", "daily": "@daily", "weekly": "@weekly", "monthly": "@monthly", "yearly": "@yearly"}
_UNITS = {
    schedule_pb2.MINUTE: timedelta(minutes=1),
    schedule_pb2.HOUR: timedelta(hours=1),
    schedule_pb2.DAY: timedelta(days=1),
}


class Scheduler:
    """Starts an execution for each moment of each active plan that has passed since it was asked before."""

    def __init__(self, book: Book, propeller: Propeller) -> None:
        self._book, self._propeller = book, propeller
        self._at = datetime.now(UTC)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._tick, name="schedules", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def at(self) -> datetime:
        """How late it is."""
        return self._at

    def passes_to(self, moment: datetime) -> list[Execution]:
        """It is this late now. What began thereby."""
        with self._lock:
            since, self._at = self._at, max(self._at, moment)
            with self._book.lock:
                active = [one for one in self._book.plans.values() if one.closure.state == launch_plan_pb2.ACTIVE]
            return [self._fire(plan, at) for plan in active for at in _moments(plan, since, self._at)]

    def _tick(self) -> None:
        while not self._stop.wait(1):
            self.passes_to(datetime.now(UTC))

    def _fire(self, plan: Any, at: datetime) -> Execution:
        inputs = LiteralMap()
        schedule = plan.spec.entity_metadata.schedule
        if schedule.kickoff_time_input_arg:
            given = inputs.literals[schedule.kickoff_time_input_arg].scalar.primitive.datetime
            given.FromDatetime(at)
        spec = execution_pb2.ExecutionSpec(launch_plan=plan.id)
        spec.metadata.mode = execution_pb2.ExecutionMetadata.SCHEDULED
        spec.metadata.scheduled_at.FromDatetime(at)
        name = WorkflowExecutionIdentifier(project=plan.id.project, domain=plan.id.domain, name=new_name())
        return self._propeller.begin(plan.id, name, spec, inputs)


def _moments(plan: Any, since: datetime, until: datetime) -> Iterator[datetime]:
    """When a plan is due after the one moment and not after the other. A fixed rate counts from its activation."""
    schedule = plan.spec.entity_metadata.schedule
    kind = schedule.WhichOneof("ScheduleExpression")
    if kind == "rate":
        step = schedule.rate.value * _UNITS[schedule.rate.unit]
        at = plan.closure.updated_at.ToDatetime(tzinfo=UTC) + step
        while at <= until:
            if at > since:
                yield at
            at += step
    elif kind is not None:
        text = schedule.cron_schedule.schedule if kind == "cron_schedule" else schedule.cron_expression
        due = croniter(_ALIASES.get(text, text), since)
        while (at := due.get_next(datetime)) <= until:
            yield at
