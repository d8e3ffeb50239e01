"""Drives lifecycles from durable state: what is due is kept in SQLite, so all goes on after a kill and a restart."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from .agenda import Agenda, Key
from .clock import Clock
from .store import Store

log = logging.getLogger(__name__)


class Look(float):
    """Seconds until another look at something that others change: a clock that skips does not skip to it."""


Handler = Callable[[str], float | None]
"""Called with the id of a thing that is due. Returns the seconds until its next turn; None when it needs no other."""

Failure = Callable[[str, Exception], None]
"""Called with the id of a thing whose turn raised; records that on the thing and ends it."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS schedule (kind TEXT NOT NULL, id TEXT NOT NULL, due REAL NOT NULL, PRIMARY KEY (kind, id));
"""
_IDLE_SECONDS = 60.0
_SKIP_SECONDS = 0.02
"""How often a clock that may skip looks whether the processes have ended."""
_RECORDING_TRIES = 8
"""A failure that cannot be recorded (the disk is full, say) is tried so often, after 1, 2, 4, ... seconds."""


class Scheduler:
    """One dispatcher thread and a few workers. A (kind, id) pair never runs twice at the same time."""

    def __init__(self, store: Store, clock: Clock, workers: int = 8) -> None:
        self._store = store
        self._clock = clock
        self._handlers: dict[str, Handler] = {}
        self._failures: dict[str, Failure] = {}
        self._failed: dict[Key, tuple[Exception, int]] = {}
        self._busy: Callable[[], bool] = lambda: False
        self._agenda = Agenda()
        self._paused = False
        self._running: set[Key] = set()
        self._late: set[Key] = set()
        self._guard = threading.Lock()
        self._rest = threading.Condition(self._guard)
        self._look = threading.Event()
        self._stopping = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="lifecycle")
        self._thread = threading.Thread(target=self._dispatch, name="scheduler", daemon=True)
        store.create_tables(_SCHEMA)

    def handle(self, kind: str, handler: Handler, failure: Failure | None = None) -> None:
        """Register who takes the turns of a kind, before ``start``. Turns of kinds without a handler wait."""
        self._handlers[kind] = handler
        if failure is not None:
            self._failures[kind] = failure

    def after(self, seconds: float, kind: str, id: str) -> None:
        """Give a thing its turn in so many seconds. A second call before then moves the turn."""
        self.at(self._clock.now() + seconds, kind, id)

    def at(self, when: float, kind: str, id: str) -> None:
        """Give a thing its turn at a time of the emulator's clock. May be part of a store transaction."""
        with self._store.transaction():
            self._store.run(
                "INSERT INTO schedule VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET due = excluded.due", kind, id, when
            )
            self._store.on_commit(lambda: self._put((kind, id), when))

    def cancel(self, kind: str, id: str) -> None:
        """Forget a thing's turn. One that is running finishes."""
        with self._store.transaction():
            self._store.run("DELETE FROM schedule WHERE kind = ? AND id = ?", kind, id)
            self._store.on_commit(lambda: self._drop((kind, id)))

    def start(self, busy: Callable[[], bool] | None = None) -> None:
        """Begin. While ``busy`` answers true, a clock that may skip does not."""
        self._busy = busy or self._busy
        self._read()
        self._thread.start()

    def _read(self) -> None:
        for kind, id, due in self._store.run("SELECT kind, id, due FROM schedule ORDER BY due"):
            self._put((kind, id), due)

    @contextmanager
    def at_rest(self, seconds: float) -> Iterator[None]:
        """No turn is taken within; after it what is due is read from the store, which may be another by then.

        Raises TimeoutError if turns that are running do not end in so many seconds.
        """
        with self._rest:
            self._paused = True
            over = self._rest.wait_for(lambda: not self._running, seconds)
            running = sorted(f"{kind} {id}" for kind, id in self._running)
        try:
            if not over:
                raise TimeoutError(f"still at work after {seconds:g} s: {', '.join(running[:5])}")
            yield
            with self._guard:
                self._agenda = Agenda()
                self._failed.clear()
                self._late.clear()
            self._read()
        finally:
            with self._guard:
                self._paused = False
            self._look.set()

    def stop(self) -> None:
        """Finish the turns that are running and start no more."""
        self._stopping = True
        self._look.set()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def look(self) -> None:
        """Look again now: something that the clock depends on has changed."""
        self._look.set()

    def advance(self, seconds: float, patience: float = 30.0) -> None:
        """Set the clock forward, letting every turn on the way have its moment, one after the other.

        Returns when all turns up to then are over. Raises TimeoutError if some take longer than ``patience`` (real
        seconds): the clock then stands where it came to.
        """
        target = self._clock.now() + seconds
        until = time.monotonic() + patience
        while True:
            with self._guard:
                due = self._agenda.next_firm()
            if due is None or due > target:
                break
            self._clock.jump(due)
            self._settle(until)
        self._clock.jump(target)
        self._settle(until)

    def _settle(self, until: float) -> None:
        """Wait until no turn runs and none is due."""
        self._look.set()
        with self._rest:
            while self._running or (self._agenda.next() or float("inf")) <= self._clock.now():
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"turns still run: {sorted(self._running)[:5]}")
                self._rest.wait(min(left, _SKIP_SECONDS))

    def _put(self, key: Key, due: float, firm: bool = True) -> None:
        if key[0] in self._handlers:
            with self._guard:
                self._agenda.put(key, due, firm)
            self._look.set()

    def _drop(self, key: Key) -> None:
        with self._guard:
            self._agenda.drop(key)

    def _dispatch(self) -> None:
        while not self._stopping:
            self._look.clear()
            due = self._start_due()
            wait = _IDLE_SECONDS if due is None else max(0.0, due - self._clock.now())
            if self._clock.mode == "skip" and self._skip():
                continue
            self._look.wait(min(wait, _SKIP_SECONDS) if self._clock.mode == "skip" else wait)

    def _start_due(self) -> float | None:
        """Start what is due; answer when the next turn comes."""
        now = self._clock.now()
        with self._guard:
            if self._paused:
                return None
            while (key := self._agenda.take(now)) is not None:
                if key in self._running:
                    self._late.add(key)
                    continue
                self._running.add(key)
                turn = self._agenda.get(key)
                self._pool.submit(self._turn, key, turn.number if turn else 0)
            return self._agenda.next()

    def _skip(self) -> bool:
        """Jump to the next firm turn if nothing goes on; False if something does, or there is none."""
        with self._guard:
            due = None if self._running or self._paused else self._agenda.next_firm()
        if due is None or due <= self._clock.now() or self._busy():
            return False
        self._clock.jump(due)
        return True

    def _turn(self, key: Key, number: int) -> None:
        kind, id = key
        try:
            again = self._record(key) if key in self._failed else self._handlers[kind](id)
        except Exception as error:
            log.exception("the turn of %s %s failed", kind, id)
            self._failed[key] = (error, 0)
            again = self._record(key)
        try:
            self._over(key, number, again)
            self._clock.note()
        except Exception:
            log.exception("the next turn of %s %s could not be written down", kind, id)
        with self._rest:
            self._running.discard(key)
            if key in self._late:
                self._late.discard(key)
                self._agenda.again(key)
            self._rest.notify_all()
        self._look.set()

    def _record(self, key: Key) -> float | None:
        """Record on a thing that its turn failed. Tried again, a few times, if even that fails."""
        error, tries = self._failed.pop(key)
        try:
            if failure := self._failures.get(key[0]):
                failure(key[1], error)
        except Exception:
            log.exception("that %s %s has failed could not be recorded", *key)
            if tries < _RECORDING_TRIES:
                self._failed[key] = (error, tries + 1)
                return float(2**tries)
        return None

    def _over(self, key: Key, number: int, again: float | None) -> None:
        """Write down a thing's next turn, unless it was given another while this one ran."""
        with self._store.transaction():
            with self._guard:
                current = self._agenda.get(key)
                if current is None or current.number != number:
                    return
            if again is None:
                self._store.run("DELETE FROM schedule WHERE kind = ? AND id = ?", *key)
                self._store.on_commit(lambda: self._drop(key))
                return
            due = self._clock.now() + again
            if not isinstance(again, Look):  # what is looked at anyway is looked at after a restart, too
                self._store.run("UPDATE schedule SET due = ? WHERE kind = ? AND id = ?", due, *key)
            self._store.on_commit(lambda: self._put(key, due, firm=not isinstance(again, Look)))
