"""Creates that wait for their turn: AWS takes so few a second that Flyte would give up on most of a burst.

The spec waits in a store beside the outputs, so that it survives this process, and a thread of this process creates at
AWS's pace. Whoever asks after what this process does not know queues it again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import AnyPaced, as_of_now
from flytekitplugins_smfs.values.errors import Capacity, SmfsError, Transient
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.plain import Json

_log = logging.getLogger(__name__)
TOMBSTONE = {"cancelled": True}
"""What lies in a spec's place when it is not to be made any more."""
PAUSE = 2.0
"""Seconds before a create that failed in passing is tried again, doubling up to LONGEST_PAUSE."""
LONGEST_PAUSE = 60.0
REMEMBERED = 4096
"""How many creates it is remembered of what came of them."""


class Store(Protocol):
    """Where one spec waits."""

    def read(self) -> Json | None:
        """What lies there; None for nothing. Raises OSError where that cannot be told."""

    def write(self, document: Json) -> None:
        """Put it there. Raises OSError."""

    def remove(self) -> None:
        """Leave nothing there. Raises OSError."""


@dataclass
class Ticket:
    """One create that waits."""

    operation: AnyPaced
    spec: Any
    owner: Owner
    order: Order
    handle: Handle
    """Once AWS was asked for it, it starts there and then: AWS may not show everywhere what is new."""
    store: Store
    refused: SmfsError | None = None
    withdrawn: bool = False
    begun: bool = False
    """Whether AWS was asked for it, so that it may be there."""
    made: bool = False
    pause: float = PAUSE

    @property
    def key(self) -> str:
        """What tells it from others: the attempt."""
        return self.owner.attempt_key


class Queue:
    """The creates of one operation that wait in this process. Thread-safe."""

    def __init__(self, open: Callable[[str], Aws], sleep: Callable[[float], object] = time.sleep) -> None:
        """`open` gives the door of a region."""
        self._open = open
        self._sleep = sleep
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, Ticket] = OrderedDict()
        self._settled: OrderedDict[str, Ticket] = OrderedDict()
        self._working = False
        self._direct = threading.Lock()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def directly(self, aws: Aws, operation: AnyPaced) -> bool:
        """Whether a create may be made at once: nobody waits, and it is its turn. If so, `done` gives the turn back."""
        with self._lock:
            if self._waiting or operation.turn is None or not aws.turn(*operation.turn):
                return False
            return self._direct.acquire(blocking=False)

    def done(self) -> None:
        """The create that was made at once is over."""
        self._direct.release()

    def submit(self, ticket: Ticket) -> None:
        """Let it wait for its turn. Earlier attempts at the same step that wait are given up, but for one that is
        making what this one has taken up."""
        what = ticket.operation.what(ticket.handle)
        for attempt in range(ticket.owner.attempt):
            earlier = self._waiting.get(ticket.owner.at(attempt).attempt_key)
            if earlier is not None and earlier.operation.what(earlier.handle) != what:
                self.withdraw(earlier.key)
        with self._lock:
            if ticket.key in self._waiting:
                return
            self._settled.pop(ticket.key, None)
            self._waiting[ticket.key] = ticket
            if not self._working:
                self._working = True
                threading.Thread(target=self._work, name="smfs-queue", daemon=True).start()

    def withdraw(self, key: str) -> bool:
        """It is not to be made any more; whether it was waiting here."""
        with self._lock:
            ticket = self._waiting.get(key)
            if ticket is None:
                return False
            ticket.withdrawn = True
            if not ticket.begun:  # otherwise it has to be looked after
                self._leave(ticket)
        _entomb(ticket)
        return True

    def state(self, key: str) -> State | None:
        """Where it is; None when it does not wait here, and was not refused."""
        with self._lock:
            if key in self._waiting:
                before = list(self._waiting).index(key)
                return State(Phase.WAITING, f"waits for its turn to be created: {before} before it")
            ticket = self._settled.get(key)
        if ticket is None or ticket.refused is None:
            return None
        phase = Phase.RETRYABLE_FAILED if ticket.refused.passing else Phase.FAILED
        return State(phase, str(ticket.refused))

    def made(self, key: str) -> Handle | None:
        """The handle of what this process saw made, as of then; None for all else."""
        ticket = self._settled.get(key)
        return ticket.handle if ticket is not None and ticket.refused is None else None

    def _work(self) -> None:
        while True:
            with self._lock:
                ticket = next(iter(self._waiting.values()), None)
                if ticket is None:
                    self._working = False
                    return
            if self._create(ticket):
                self._settle(ticket)
            else:
                self._sleep(ticket.pause)
                ticket.pause = min(LONGEST_PAUSE, ticket.pause * 2)

    def _settle(self, ticket: Ticket) -> None:
        """It does not wait any more. What was withdrawn up to now may be there all the same."""
        with self._lock:
            self._leave(ticket)
        if ticket.withdrawn and ticket.begun:  # in a thread of its own: others wait for their turn
            threading.Thread(target=self._stop, args=(ticket,), name="smfs-queue-stop", daemon=True).start()

    def _leave(self, ticket: Ticket) -> None:
        if ticket.withdrawn and not ticket.begun:
            what = ticket.operation.what(ticket.handle)
            ticket.refused = SmfsError(f"{what} was cancelled before it was made.")
        if self._waiting.get(ticket.key) is ticket:
            del self._waiting[ticket.key]
        self._settled[ticket.key] = ticket
        while len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)

    def _create(self, ticket: Ticket) -> bool:
        """Make it unless it is condemned; False when it is to be tried again."""
        what = ticket.operation.what(ticket.handle)
        try:
            aws = self._open(ticket.handle.region)
            if not ticket.made:
                self._make(aws, ticket)
            if ticket.made:
                self._look_after(ticket)
        except SmfsError as error:
            if error.passing and not isinstance(error, Capacity):
                _log.warning("%s is tried again: %s", what, error)
                return False
            _log.warning("%s was refused: %s", what, error)
            ticket.refused = error
        except OSError as error:
            _log.warning("The spec of %s cannot be read just now, and others go first: %s", what, error)
            with self._lock:
                if self._waiting.get(ticket.key) is ticket:
                    self._waiting.move_to_end(ticket.key)
            return False
        except Exception as error:  # noqa: BLE001 - the others that wait must go on
            _log.exception("%s could not be made", what)
            ticket.refused = SmfsError(f"{what} could not be made: {error!r}")
        return True

    def _make(self, aws: Aws, ticket: Ticket) -> None:
        document = ticket.store.read()
        if document is None and not ticket.withdrawn:
            ticket.handle = as_of_now(ticket.handle)
            return  # somebody made it, perhaps just now
        with self._lock:
            ticket.withdrawn = ticket.withdrawn or document == TOMBSTONE
            ticket.begun = ticket.begun or not ticket.withdrawn
        if ticket.withdrawn:
            return
        try:
            ticket.made = ticket.operation.make(aws, ticket.spec, ticket.handle, ticket.order)
        finally:
            ticket.handle = as_of_now(ticket.handle)
        if not ticket.made:
            doing, text = (
                f"creating {ticket.operation.what(ticket.handle)}",
                "AWS's answer was lost, and it is not there.",
            )
            raise Transient(doing=doing, service="", operation="", code="Lost", text=text)

    def _look_after(self, ticket: Ticket) -> None:
        """A cancellation may have come while it was being made: its tombstone stays."""
        ticket.withdrawn = ticket.withdrawn or ticket.store.read() == TOMBSTONE
        if ticket.withdrawn:
            return
        try:
            ticket.store.remove()
        except OSError as error:  # whoever finds it finds that it was made, too
            _log.warning("The spec of %s is left behind: %s", ticket.operation.what(ticket.handle), error)

    def _stop(self, ticket: Ticket) -> None:
        """It was cancelled while it was being made: see that it ends."""
        _log.info("%s was cancelled while it was being made", ticket.operation.what(ticket.handle))
        pause = PAUSE
        while not self._stopped(ticket):
            self._sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)

    def _stopped(self, ticket: Ticket) -> bool:
        """Ask for its end; whether it was seen to have ended, or nothing can be done."""
        operation, handle = ticket.operation, ticket.handle
        try:
            return operation.cancel(self._open(handle.region), handle)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody has to be told
            _log.warning("%s could not be stopped: %s %s", operation.what(handle), error, operation.leaves(handle))
            return not (isinstance(error, SmfsError) and error.passing)


def _entomb(ticket: Ticket) -> None:
    try:
        ticket.store.write(TOMBSTONE)
    except OSError as error:
        _log.warning("That %s was cancelled could not be written: %s", ticket.operation.what(ticket.handle), error)
