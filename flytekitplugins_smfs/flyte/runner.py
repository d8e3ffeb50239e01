"""The local runner: takes a task's operation from start to end, and stops it when asked to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import slug
from flytekitplugins_smfs.flyte.binding import validated
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.flyte.execution import current
from flytekitplugins_smfs.flyte.guard import guard_workflow
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.base import Operation
from flytekitplugins_smfs.runs import display, signals
from flytekitplugins_smfs.runs.pace import Pace
from flytekitplugins_smfs.values.errors import (
    AwsFault,
    Capacity,
    OperationCancelled,
    OperationFailed,
    OperationTimedOut,
    Throttled,
    Transient,
)
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress

if TYPE_CHECKING:
    from flytekitplugins_smfs.flyte.tasks import OperationTask

SLOWEST_POLL = {"aws": 10.0}
"""Seconds between polls at most, by endpoint; where AWS is a process on this machine, asking is cheap."""
SLOWEST_LOCAL_POLL = 1.0
FIRST_RETRY_WAIT = 1.0
LONGEST_RETRY_WAIT = 60.0
"""Seconds between attempts, doubling."""
STOPPING_TIME = 1800.0
"""Seconds for which a cancelled operation is watched until it has ended."""
SILENT_TIME = 150.0
"""Seconds without any answer of AWS after which a run that is being stopped leaves."""
MOST_LOG_PAGES = 100
PASSING = (Throttled, Transient, Capacity)
"""Faults after which another attempt may go well."""


def run(task: OperationTask, inputs: Mapping[str, Any]) -> Any:
    """Run a task's operation in this process and return its result.

    Raises InvalidSpec before any AWS call, and OperationFailed, OperationTimedOut or OperationCancelled after the
    operation has ended. What failed in a way that may pass is tried again as often as the task's `retries` say.
    """
    operation = catalog.load(task.binding.operation)
    spec = validated(operation.spec_type, task.binding.data(inputs), f"The call of {task.name}")
    chosen = settings()
    execution = current()
    guard_workflow(execution.id)
    with signals.watching() as stop, display.shown(task.name) as view:
        aws = Aws(chosen)
        display.introduce(aws)
        display.say_once(f"Execution {execution.id}{', taken up again' if execution.resumed else ''}.")
        step = execution.step(task.name)
        before = execution.first_attempt(step)

        def attempt(number: int) -> Progress[Any]:
            owner = Owner(execution=execution.id, step=step, attempt=before + number)
            one = Attempt(operation, spec, owner, aws, stop, view, task.metadata.timeout)
            try:
                return one.run()
            finally:
                if not one.ended:
                    execution.keep(step, owner.attempt)

        answer = _with_retries(attempt, task.metadata.retries, stop, view)
        if task.enable_deck:
            view.say(f"deck: {_write_deck(task.name, step, execution.id, answer)}")
    if stop.requested:  # it came too late to stop this, so it stops what would follow
        raise OperationCancelled(
            f"Stopped by {stop.reason}. {task.name} had ended well by then, and what it made is left as it is; "
            f"`smfs release {execution.id}` removes what this execution made."
        )
    return answer.result


def _with_retries(
    attempt: Callable[[int], Progress[Any]], retries: int, stop: signals.Stop, view: display.View
) -> Progress[Any]:
    for number in range(retries):
        try:
            return attempt(number)
        except _Retryable as passing:
            view.say(f"attempt {number + 1} of {retries + 1} failed and is tried again. {passing.error}")
            stop.wait(min(LONGEST_RETRY_WAIT, FIRST_RETRY_WAIT * 2**number))
    try:
        return attempt(retries)
    except _Retryable as passing:
        raise passing.error from passing.__cause__


class _Retryable(Exception):
    """An attempt failed, and another may go well."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass
class Attempt:
    """One attempt at an operation."""

    operation: Operation[Any, Any, Any]
    spec: Any
    owner: Owner
    aws: Aws
    stop: signals.Stop
    view: display.View
    timeout: timedelta | None
    clock: Callable[[], float] = time.monotonic
    ended: bool = True
    """Whether nothing of it is under way any more."""
    _cursor: str | None = None
    _log_problem: str = ""
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = Pace(SLOWEST_POLL.get(self.aws.settings.endpoint, SLOWEST_LOCAL_POLL))

    def run(self) -> Progress[Any]:
        """From start to success. Raises for every other end."""
        if self.stop.requested:
            raise OperationCancelled(f"Stopped by {self.stop.reason} before {self.owner.step} was started.")
        deadline = self.clock() + self.timeout.total_seconds() if self.timeout else None
        handle = self._start()
        self.ended = False
        try:
            answer = self._until_final(handle, deadline)
        except (OperationCancelled, _Retryable):
            raise
        except BaseException:  # a fault of our own or the interpreter's: leave nothing running
            self._cancel(handle)
            raise
        self.ended = True
        if answer.phase is Phase.SUCCEEDED:
            return answer
        failure = OperationFailed(answer.message or f"{self.operation.what(handle)} failed; AWS gave no reason.")
        raise _Retryable(failure) if answer.phase is Phase.RETRYABLE_FAILED else failure

    def _start(self) -> Handle:
        self.view.show(Progress(phase=Phase.QUEUED, message="being started"))
        try:
            handle: Handle = self.operation.start(self.aws, self.spec, self.owner)
        except PASSING as fault:
            if self.stop.requested:
                raise OperationCancelled(f"Stopped by {self.stop.reason} while it could not be started.") from fault
            raise _Retryable(fault) from fault
        return handle

    def _until_final(self, handle: Handle, deadline: float | None) -> Progress[Any]:
        last: Progress[Any] | None = None
        while True:
            if self.stop.requested:
                self._stop_for_signal(handle)
            if deadline is not None and self.clock() > deadline:
                self._stop_for_timeout(handle)
            answer = self._named(handle, self.operation.poll(self.aws, handle, last))
            if last is None or answer.phase != last.phase:
                self._pace.quicken()
            last = answer
            self._show_log(handle, to_the_end=answer.phase.final)
            self.view.show(answer)
            if answer.phase.final:
                return answer
            wait = self._pace.next()
            self.stop.wait(wait if deadline is None else min(wait, max(0.0, deadline - self.clock())))

    def _named(self, handle: Handle, answer: Progress[Any]) -> Progress[Any]:
        """A success without a message is told by what it is."""
        if answer.phase is not Phase.SUCCEEDED or answer.message:
            return answer
        return answer.model_copy(update={"message": self.operation.what(handle)})

    def _show_log(self, handle: Handle, *, to_the_end: bool) -> None:
        """Print the log lines that are new; `to_the_end` all of them, else one page."""
        for _ in range(MOST_LOG_PAGES if to_the_end else 1):
            try:
                page = self.operation.logs(self.aws.impatient(), handle, self._cursor)
            except AwsFault as fault:
                self.view.note(f"its log could not be read just now. {fault}")
                return
            self._cursor = page.cursor
            self.view.log(page.lines)
            if not page.lines:
                return

    def _stop_for_signal(self, handle: Handle) -> None:
        what = self.operation.what(handle)
        self.view.say(f"{self.stop.reason}: stopping {what}. Once more leaves without waiting.")
        if self._cancel(handle):
            raise OperationCancelled(f"{what} was stopped by {self.stop.reason}, and has ended.")
        raise OperationCancelled(
            f"{what} was asked to stop ({self.stop.reason}) but had not ended yet when this run left it. "
            f"Look at it again; `smfs release {self.owner.execution}` removes what this execution made."
        )

    def _stop_for_timeout(self, handle: Handle) -> None:
        what = self.operation.what(handle)
        limit = f"its timeout of {self.timeout}"
        self.view.say(f"stopping {what}: it did not end within {limit}.")
        ended = self._cancel(handle)
        if self.stop.requested:
            self._stop_for_signal(handle)
        seen = "was stopped" if ended else "was asked to stop, but had not ended when this run left it"
        raise _Retryable(OperationTimedOut(f"{what} did not end within {limit} and {seen}."))

    def _cancel(self, handle: Handle) -> bool:
        """Ask until it is seen to have ended. False when a second signal, or patience, ended the watching."""
        pace, deadline = Pace(5.0), self.clock() + STOPPING_TIME
        answered = self.clock()
        asked = Progress[Any](phase=Phase.RUNNING, message=f"stopping {self.operation.what(handle)}")
        while True:
            self.view.show(asked)
            try:
                self.ended = self.operation.cancel(self.aws, handle)
                answered = self.clock()
            except AwsFault as fault:
                self.view.say(f"not stopped yet. {fault}")
            silent = self.clock() - answered > SILENT_TIME
            if self.ended or silent or self.stop.insisted or self.clock() > deadline:
                return self.ended
            self.stop.wait(pace.next())


def _write_deck(name: str, step: str, execution: str, answer: Progress[Any]) -> str:
    """Add the operation's page to the decks that flytekit writes when the task ends, and keep it as a file."""
    from flytekit import Deck

    from flytekitplugins_smfs.flyte.decks import operation_deck, page
    from flytekitplugins_smfs.flyte.report import deck_directory

    deck = operation_deck(name, answer, answer.result)
    Deck("Operation", deck)
    directory = deck_directory()
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{slug(f'{step}-{execution}', 120)}.html"
    file.write_text(page(name, deck), encoding="utf-8")
    return file.as_uri()
