"""Asking after one operation, again and again, without ever failing for what AWS answers."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import AnyOperation
from flytekitplugins_smfs.values.errors import AwsFault, Conflict, Denied, Invalid, Missing, SmfsError
from flytekitplugins_smfs.values.operation import Answer, Handle, Phase, State

DENIED = 300.0
"""Seconds after which a refusal of a question that the operation cannot do without is final."""
STALE = 30.0
"""Seconds after which a state says how old it is."""
UNREAD = "Its state was not read yet: AWS has not answered since this connector began to follow it."
ORDER = (Phase.WAITING, Phase.QUEUED, Phase.INITIALIZING, Phase.RUNNING)
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)
"""What our own code raises over an answer that lacks what it should have."""
_log = logging.getLogger(__name__)


@dataclass
class Watch:
    """One operation that is asked after, and what was known of it last.

    AWS's failure to tell is not a failure of the work: the answer is then what was known, with its links, because
    Flyte records links once for each phase.
    """

    operation: AnyOperation
    handle: Handle
    extras_time: float
    """Seconds for what is good to have and may be missing."""
    clock: Callable[[], float] = time.monotonic
    begun_here: bool = True
    """Whether this process began it, so that nobody was told a later phase than it told itself."""
    last: Answer | None = None
    asked_at: float = 0.0
    """When somebody asked last, by the monotonic clock; kept by who asks."""
    latest: Phase = Phase.WAITING
    """The latest phase that was told."""
    made: Handle | None = None
    """The handle as of when it was made, where it waited long for its turn: AWS may not show yet what is new."""
    _denied_since: float | None = None

    def ask(self, aws: Aws) -> Answer:
        """How far it is; with SUCCEEDED the result."""
        if self.last is not None and self.last.phase.final:
            return self.last
        there = aws.at(self.handle.region).impatient()
        try:
            answer = self._look(there)
            self._denied_since = None
        except (Denied, Invalid, Conflict, Missing) as fault:
            answer = self._denied(there, fault)
        except (AwsFault, *UNREADABLE) as error:
            if not isinstance(error, AwsFault):
                _log.exception("An answer about %s could not be read", self.operation.what(self.handle))
            answer = self._unread(there, error)
        except SmfsError as error:
            answer = Answer(Phase.FAILED, str(error), self.operation.links(there, self.handle))
        self.last = self.told(answer)
        return self.last

    def told(self, answer: Answer) -> Answer:
        """Never an earlier phase than was told before. What another process began may have been told as running: until
        it is read, it most likely runs."""
        if answer.phase.final:
            return answer
        if answer.phase is Phase.QUEUED and self.last is None and not self.begun_here:
            answer = replace(answer, phase=Phase.RUNNING, message=answer.message or UNREAD)
        self.latest = max(self.latest, answer.phase, key=ORDER.index)
        return replace(answer, phase=self.latest)

    def _look(self, aws: Aws) -> Answer:
        state = self.operation.state(aws, self.made or self.handle)
        if not state.phase.final and STALE < state.age < math.inf:
            state = replace(state, message=f"{state.message} (as of {state.age:.0f} s ago)")
        if state.phase is Phase.SUCCEEDED:
            result = self.operation.result(aws, self.handle, state)
            brief = aws.within(self.extras_time)
            whole = bounded(lambda: self.operation.extras(brief, self.handle, state, result), result, self.extras_time)
            return Answer.of(state, whole)
        if state.phase.final:
            brief = aws.within(self.extras_time)
            more = bounded(lambda: self.operation.farewell(brief, self.handle, state), "", self.extras_time)
            return Answer.of(replace(state, message=state.message + more))
        return Answer.of(state)

    def _unread(self, aws: Aws, error: Exception) -> Answer:
        said = str(error) if isinstance(error, AwsFault) else f"AWS's answer could not be read: {error!r}"
        known = self._known(aws)
        return Answer.of(replace(known, message=f"Its state could not be read just now. {said}"))

    def _known(self, aws: Aws) -> State:
        if self.last is not None:
            return State(self.last.phase, self.last.message, self.last.links, self.last.fraction)
        return State(Phase.QUEUED, links=self.operation.links(aws, self.handle))

    def _denied(self, aws: Aws, fault: AwsFault) -> Answer:
        """It cannot be followed. Flyte does not call delete for what failed: so it is cancelled here, if it can be."""
        now = self.clock()
        self._denied_since = now if self._denied_since is None else self._denied_since
        if now - self._denied_since < DENIED:
            return self._unread(aws, fault)
        what = self.operation.what(self.handle)
        try:
            ended = self.operation.cancel(aws, self.made or self.handle)
            left = "" if ended else f" {what} was asked to end, and was not seen to."
        except Exception as error:  # noqa: BLE001 - it is final whatever happens here
            cost = self.operation.leaves(self.handle)
            left = f" It could not be cancelled ({error})." + (f" {cost}" if cost else "")
        told = f"{what} could not be followed for {DENIED / 60:.0f} minutes, so it was given up.{left} {fault}"
        return Answer(Phase.FAILED, told, self.operation.links(aws, self.handle))


def bounded(work: Callable[[], Any], otherwise: Any, seconds: float) -> Any:
    """What `work` gives, or `otherwise` where it fails or takes longer: it is left to its daemon thread then."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 - what is good to have holds nothing back
            _log.info("What is good to have is left out: %s", error)

    thread = threading.Thread(target=run, name="smfs-extras", daemon=True)
    thread.start()
    thread.join(seconds)
    return found[0] if found else otherwise
