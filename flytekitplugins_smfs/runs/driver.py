"""The one driver: takes an operation from start to end, attempt by attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.base import AnyOperation
from flytekitplugins_smfs.runs import display, execution, signals
from flytekitplugins_smfs.runs.aside import Aside
from flytekitplugins_smfs.runs.attempt import Attempt, left_over
from flytekitplugins_smfs.values.errors import (
    OperationCancelled,
    SmfsError,
)
from flytekitplugins_smfs.values.operation import Answer, Owner
from flytekitplugins_smfs.values.removal import ReleaseSpec, Removed
from flytekitplugins_smfs.values.settings import Settings

FIRST_RETRY_WAIT = 1.0
LONGEST_RETRY_WAIT = 60.0
"""Seconds between attempts, doubling."""


@dataclass(frozen=True)
class Ended:
    """How an operation ended well, and whose it was."""

    answer: Answer
    owner: Owner


def drive(
    operation: AnyOperation,
    spec: Any,
    settings: Settings,
    name: str,
    retries: int = 0,
    timeout: timedelta | None = None,
) -> Ended:
    """Run an operation in this process, as a step `name` of the current execution.

    Raises OperationFailed, OperationTimedOut or OperationCancelled after it has ended, and AwsFault or InvalidSpec
    when it could not be started.
    """
    mine = execution.current()
    execution.guard()
    with signals.watching() as stop, execution.hearing(stop) as heard, display.shown(name) as view:
        if heard > 1:
            raise OperationCancelled(f"{name} is not begun: a second signal has come. {left_over(mine.id)}")
        aws = _opened(settings, stop, view, "" if heard == 0 else left_over(mine.id))
        display.introduce(aws)
        display.say_once(f"Execution {mine.id}{', taken up again' if mine.resumed else ''}.")
        patience = 1 - heard
        _see_through(mine, aws, stop, view, patience)
        if operation.removes:
            mine.end()
        step = mine.step(name)
        attempts = Attempts(operation, spec, aws, stop, view, timeout, mine, step, patience)
        ended = attempts.run(retries)
    if stop.requested:  # it came too late to stop this, or this goes on to its end: it stops what would follow
        made = "" if operation.removes else ", and what it made is left as it is"
        raise OperationCancelled(
            f"Stopped by {stop.reason}. {name} had ended well by then{made}; "
            f"`smfs release {mine.id}` removes what this execution made, where its workflow does not."
        )
    return ended


def _opened(settings: Settings, stop: signals.Stop, view: display.View, left: str = "") -> Aws:
    """The door. It may have to start an emulator first, which does not keep a person waiting who wants to leave.
    `left` says what is left then."""
    opening = Aside(lambda: Aws(settings), stop)
    if not opening.wait(signals=0):
        view.say(f"{stop.reason}: {view.name} is not started. {left}".rstrip())
        raise OperationCancelled(f"Stopped by {stop.reason} before {view.name} was started.")
    return opening.given()


def release(execution_id: str, settings: Settings) -> Removed:
    """Remove what an execution made, whichever it was; Ctrl-C leaves at once, and the removal can be begun again."""
    with signals.watching() as stop, display.shown("release") as view:
        return _released(execution_id, _opened(settings, stop, view), stop, view, patience=0)


def _released(execution_id: str, aws: Aws, stop: signals.Stop, view: display.View, patience: int) -> Removed:
    owner = Owner(execution=execution_id, step="release")
    attempt = Attempt(catalog.load("release"), ReleaseSpec(), owner, aws, stop, view, None, patience)
    return Removed.model_validate(attempt.run().result)


def _see_through(mine: execution.Execution, aws: Aws, stop: signals.Stop, view: display.View, patience: int) -> None:
    """Finish the removal of executions that were left over it, before anything new is made."""
    while mine.unfinished:
        dead = mine.unfinished[0]
        view.say(f"execution {dead.execution} was left while it was cleaned up: what is left is removed first.")
        _released(dead.execution, aws, stop, view, patience)
        dead.close()
        mine.unfinished.remove(dead)


@dataclass
class Attempts:
    """The attempts at one operation."""

    operation: AnyOperation
    spec: Any
    aws: Aws
    stop: signals.Stop
    view: display.View
    timeout: timedelta | None
    execution: execution.Execution
    step: str
    patience: int

    def run(self, retries: int) -> Ended:
        """Try until one ends well, one fails for good, or there are no more."""
        first = self.execution.first_attempt(self.step)
        for number in range(retries + 1):
            owner = Owner(execution=self.execution.id, step=self.step, attempt=first + number)
            try:
                return Ended(self._attempt(owner), owner)
            except SmfsError as error:
                if not error.passing or number == retries or self.stop.requested:
                    raise
                self.view.say(f"attempt {number + 1} of {retries + 1} failed and is tried again. {error}")
                self.stop.wait(min(LONGEST_RETRY_WAIT, FIRST_RETRY_WAIT * 2**number))
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, owner: Owner) -> Answer:
        one = Attempt(self.operation, self.spec, owner, self.aws, self.stop, self.view, self.timeout, self.patience)
        try:
            answer = one.run()
        except BaseException:
            (self.execution.gave_up if one.ended else self.execution.keep)(self.step, owner.attempt)
            raise
        self.execution.ended_well(self.step, released=self.operation.name == "release")
        return answer
