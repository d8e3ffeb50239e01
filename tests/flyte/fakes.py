"""An operation whose fate is files in a directory, so that a test can steer and watch it from another process.

`succeed`, `fail`, `retry`: how it ends at the next question; `enough`: the attempt from which on it succeeds instead.
`stubborn`: it does not stop when asked. `slow`: start hangs while the file is there. `throttled`: AWS does not answer
looks. `unreachable`: nor requests to stop. What was called is in `calls`, a line each.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte.tasks import OperationTask, TaskOptions
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, now, timing
from flytekitplugins_smfs.values.errors import Throttled, Transient
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.operation import Handle, Link, LogPage, Order, Owner, Phase, State
from flytekitplugins_smfs.values.removal import Removed

ENDS = {"succeed": Phase.SUCCEEDED, "fail": Phase.FAILED, "retry": Phase.RETRYABLE_FAILED}


class FileOperation(Operation[LustreSpec, Handle, Removed]):
    """See the module."""

    name = "fake"
    spec_type = LustreSpec
    handle_type = Handle
    result_type = Removed

    def __init__(self, place: Path) -> None:
        self.place = place

    def start(self, aws: Aws, spec: LustreSpec, owner: Owner, order: Order = NO_ORDER) -> Handle:
        self._note(f"start {owner.execution} {owner.step} {owner.attempt} {spec.capacity_gib}")
        deadline = time.monotonic() + 30
        while self._is("slow") and time.monotonic() < deadline:
            time.sleep(0.01)
        self._note("started")
        return Handle(region=aws.region, owner=owner, started_at=now())

    def state(self, aws: Aws, handle: Handle) -> State:
        self._note("look")
        if self._is("throttled"):
            raise Throttled(doing="looking", service="fake", operation="Describe", code="ThrottlingException", text="!")
        links = self.links(aws, handle)
        for name, phase in ENDS.items():
            if (
                name == "retry"
                and self._is("enough")
                and handle.owner.attempt >= int((self.place / "enough").read_text())
            ):
                return State(Phase.SUCCEEDED)
            if self._is(name):
                return State(phase, (self.place / name).read_text(), links)
        return State(Phase.RUNNING, "under way", links, fraction=0.5)

    def result(self, aws: Aws, handle: Handle, state: State) -> Removed:
        return Removed(removed=("it",), timing=timing(handle))

    def links(self, aws: Aws, handle: Handle) -> tuple[Link, ...]:
        return (Link(name="Console", url="https://example.com/fake"),)

    def cancel(self, aws: Aws, handle: Handle) -> bool:
        self._note(f"cancel {handle.owner.step}")
        if self._is("unreachable"):
            raise Transient(
                doing="stopping", service="fake", operation="Stop", code="EndpointConnectionError", text="?"
            )
        return not self._is("stubborn")

    def logs(self, aws: Aws, handle: Handle, cursor: str | None = None) -> LogPage:
        seen = int(cursor or 0)
        lines = self._lines("log")
        return LogPage(lines=tuple(lines[seen:]), cursor=str(len(lines)))

    def what(self, handle: Handle) -> str:
        return f"fake work of {handle.owner.step}"

    @property
    def calls(self) -> list[str]:
        """What was called, in order, without looks."""
        return [line for line in self._lines("calls") if line != "look"]

    @property
    def looks(self) -> int:
        return self._lines("calls").count("look")

    def set(self, name: str, text: str = "") -> None:
        """Steer it."""
        (self.place / name).write_text(text)

    def unset(self, name: str) -> None:
        (self.place / name).unlink()

    def _is(self, name: str) -> bool:
        return (self.place / name).exists()

    def _note(self, line: str) -> None:
        with (self.place / "calls").open("a") as file:
            file.write(line + "\n")

    def _lines(self, name: str) -> list[str]:
        return (self.place / name).read_text().splitlines() if self._is(name) else []


def fake_task(name: str, operation: str = "fake", **options: Any) -> OperationTask:
    """A task of the fake operation."""
    given: TaskOptions = options  # type: ignore[assignment]
    inputs = {"spec": (LustreSpec, LustreSpec())}
    return OperationTask(name, operation, inputs, Removed, paths={"spec": ""}, **given)
