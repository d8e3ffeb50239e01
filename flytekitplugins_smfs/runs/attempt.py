"""One attempt at an operation: started, asked at a pace, shown, and stopped when asked to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NoReturn

from flytekitplugins_smfs.aws.door import Aws, Halted
from flytekitplugins_smfs.operations.base import AnyOperation
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.runs import display, signals
from flytekitplugins_smfs.runs.aside import Aside
from flytekitplugins_smfs.runs.pace import Pace, pace_of
from flytekitplugins_smfs.values.errors import (
    AwsFault,
    OperationCancelled,
    OperationFailed,
    OperationTimedOut,
)
from flytekitplugins_smfs.values.operation import Answer, Handle, Owner, Phase

STOPPING_TIME = 1800.0
"""Seconds for which a cancelled operation is watched until it has ended."""
SILENT_TIME = 150.0
"""Seconds without any answer of AWS after which a run that is being stopped leaves."""
EXTRAS_TIME = 30.0
"""Seconds for what is good to have and may be missing: a curve, the last lines of a log."""
SETTLING = 0.2
"""Seconds that a run which is asked to stop waits for the answer to a question that is under way."""
ANSWER_TIME = 2.0
"""Seconds that a state waits for AWS's present answer."""
MOST_LOG_PAGES = 100


def left_over(execution_id: str) -> str:
    """What becomes of that which a run leaves."""
    return f"The same command takes up what is left; `smfs release {execution_id}` removes what this execution made."


@dataclass
class Attempt:
    """One attempt at an operation."""

    operation: AnyOperation
    spec: Any
    owner: Owner
    aws: Aws
    stop: signals.Stop
    view: display.View
    timeout: timedelta | None
    patience: int
    """How many signals it hears before it leaves without waiting: none, if the run has heard one before."""
    clock: Callable[[], float] = time.monotonic
    ended: bool = True
    """Whether nothing of it is under way any more. A removal must be seen through once it was asked for."""
    _acknowledged: bool = False
    _cursor: str | None = None
    _pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self._pace = pace_of(self.aws.settings.endpoint)
        self.ended = not self.operation.removes

    def run(self) -> Answer:
        """From start to success. Raises for every other end."""
        if self.stop.requested:
            self._not_started()
        deadline = self.clock() + self.timeout.total_seconds() if self.timeout else None
        handle = self._start()
        self.ended = False
        try:
            answer = self._until_final(handle, deadline)
        except (OperationCancelled, OperationTimedOut):
            raise
        except BaseException:  # a fault of our own or the interpreter's: leave nothing running
            if not self.operation.removes:
                self._cancel(handle)
            raise
        self.ended = answer.phase is Phase.SUCCEEDED or not self.operation.removes
        if answer.phase is Phase.SUCCEEDED:
            return answer
        message = answer.message or f"{self.operation.what(handle)} failed; AWS gave no reason."
        raise OperationFailed(message, passing=answer.phase is Phase.RETRYABLE_FAILED)

    def _start(self) -> Handle:
        """Start it in a thread of its own. Asked to stop, no call begins any more; one that is under way is awaited,
        because what it makes has to be cancelled. A removal goes on: half of it would be left otherwise."""
        self.view.show(Answer(Phase.QUEUED, "being started"))
        halt = threading.Event()
        aws, step = self.aws.until(halt), self.owner.step
        starting: Aside[Handle] = Aside(lambda: self.operation.start(aws, self.spec, self.owner), self.stop)
        if not starting.wait(signals=0):
            if not self.operation.removes:
                halt.set()
            if not self.operation.removes or len(self.stop.signals) <= self.patience:
                self._acknowledge(f"{step} goes on to its end" if self.operation.removes else f"{step} is not started")
            if not starting.wait(signals=self.patience):
                halt.set()
                self._leave(f"Left while a call to AWS was under way for {step}.")
        try:
            return starting.given()
        except Halted:
            self._not_started()
        except AwsFault as fault:
            if not self.stop.requested:
                raise
            self.ended = self.ended and not fault.passing  # what was asked for may have been made
            raise OperationCancelled(f"Stopped by {self.stop.reason} while it could not be started. {fault}") from fault

    def _until_final(self, handle: Handle, deadline: float | None) -> Answer:
        watch: Watch = Watch(self.operation, handle, EXTRAS_TIME)
        patient = self.aws.waiting(ANSWER_TIME)
        last: Answer | None = None
        while True:
            if self._is_to_stop(handle):
                self._stop_for_signal(handle)
            asking: Aside[Answer] = Aside(lambda: self._look(watch, patient, handle), self.stop)
            # A question is left to itself, but for one that is just being answered: it may tell the end.
            told = asking.wait(signals=0) or asking.settle(SETTLING)
            if not told and (self._is_to_stop(handle) or not asking.wait(signals=self.patience)):
                self._stop_for_signal(handle)
            answer = asking.given()
            if last is None or answer.phase != last.phase:
                self._pace.quicken()
            last = answer
            self.view.show(answer)
            if answer.phase.final:
                return answer
            if deadline is not None and self.clock() > deadline:
                self._stop_for_timeout(handle)
            if display.unread():  # such as `pyflyte run ... | head`
                display.silence()
                self.stop.request(signals.CLOSED)
            wait = self._pace.next()
            self.stop.wait(wait if deadline is None else min(wait, max(0.0, deadline - self.clock())))

    def _is_to_stop(self, handle: Handle) -> bool:
        """Whether a signal stops it. A removal cannot be taken back, so it goes on until a second one comes."""
        if not self.stop.requested:
            return False
        if not self.operation.removes or len(self.stop.signals) > self.patience:
            return True
        self._acknowledge(f"{self.operation.what(handle)} goes on to its end")
        return False

    def _acknowledge(self, doing: str) -> None:
        """Answer the first signal, once."""
        if not self._acknowledged:
            self._acknowledged = True
            more = " Once more leaves without waiting." if len(self.stop.signals) <= self.patience else ""
            self.view.say(f"{self.stop.reason}: {doing}.{more}")

    def _not_started(self) -> NoReturn:
        """It was stopped before anything was asked for. Where that was the second signal, this is the clean-up."""
        if len(self.stop.signals) > self.patience:
            self._leave(f"{self.stop.reason}: {self.owner.step} is not started.")
        self._acknowledge(f"{self.owner.step} is not started")
        raise OperationCancelled(f"Stopped by {self.stop.reason} before {self.owner.step} was started.") from None

    def _leave(self, why: str) -> NoReturn:
        """Leave at once, whatever is under way."""
        self.ended = False
        told = f"{why} {left_over(self.owner.execution)}"
        self.view.say(told)
        raise OperationCancelled(told)

    def _look(self, watch: Watch, aws: Aws, handle: Handle) -> Answer:
        answer = watch.ask(aws)
        self._show_log(handle, to_the_end=answer.phase.final)
        if answer.phase is Phase.SUCCEEDED and not answer.message:
            return replace(answer, message=self.operation.what(handle))
        return answer

    def _show_log(self, handle: Handle, *, to_the_end: bool) -> None:
        """Print the log lines that are new; `to_the_end` all of them, else one page."""
        for _ in range(MOST_LOG_PAGES if to_the_end else 1):
            try:
                page = self.operation.logs(self.aws.impatient(), handle, self._cursor)
            except AwsFault as fault:
                self.view.note(f"its log could not be read just now. {fault}")
                return
            self._cursor = page.cursor
            if not self.stop.requested:
                self.view.log(page.lines)
            if not page.lines:
                return

    def _stop_for_signal(self, handle: Handle) -> NoReturn:
        what = self.operation.what(handle)
        if self.operation.removes:
            self._leave(f"{self.stop.reason}: {what} was left before its end.")
        self._acknowledge(f"stopping {what}")
        if self._cancel(handle):
            raise OperationCancelled(
                f"{what} was stopped by {self.stop.reason}, and has ended. `smfs release {self.owner.execution}` "
                "removes what else this execution made, where its workflow does not."
            )
        self._leave(f"{what} was asked to stop ({self.stop.reason}) but had not ended yet when this run left it.")

    def _stop_for_timeout(self, handle: Handle) -> NoReturn:
        what = self.operation.what(handle)
        limit = f"its timeout of {self.timeout}"
        if self.operation.removes:
            raise OperationTimedOut(f"{what} did not end within {limit}. {left_over(self.owner.execution)}")
        self.view.say(f"stopping {what}: it did not end within {limit}.")
        ended = self._cancel(handle)
        if self.stop.requested:
            self._stop_for_signal(handle)
        seen = "was stopped" if ended else "was asked to stop, but had not ended when this run left it"
        raise OperationTimedOut(f"{what} did not end within {limit} and {seen}.")

    def _cancel(self, handle: Handle) -> bool:
        """Ask until it is seen to have ended. False when a second signal, or patience, ended the watching."""
        pace, deadline = Pace(5.0), self.clock() + STOPPING_TIME
        answered, what = self.clock(), self.operation.what(handle)
        asked = Answer(Phase.RUNNING, f"stopping {what}")
        while True:
            self.view.show(asked)
            asking = Aside(lambda: self.operation.cancel(self.aws, handle), self.stop)
            if not asking.wait(signals=0):
                self._acknowledge(f"{what} is being stopped")
            if asking.wait(signals=self.patience) or asking.settle(SETTLING):
                try:
                    self.ended = asking.given()
                    answered = self.clock()
                except AwsFault as fault:
                    self.view.say(f"not stopped yet. {fault}")
            silent = self.clock() - answered > SILENT_TIME
            if self.ended or silent or len(self.stop.signals) > self.patience or self.clock() > deadline:
                return self.ended
            self.stop.wait(pace.next())
            if self.stop.requested:
                self._acknowledge(f"{what} is being stopped")
