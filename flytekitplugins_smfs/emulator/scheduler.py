"""Drives lifecycles from durable state: what is due is kept in SQLite, so all goes on after a kill and a restart."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .store import Store

log = logging.getLogger(__name__)

Handler = Callable[[str], float | None]
"""Called with the id of a thing that is due. Returns the seconds until its next turn; None when it needs no other."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS schedule (kind TEXT NOT NULL, id TEXT NOT NULL, due REAL NOT NULL, PRIMARY KEY (kind, id));
"""
_RETRY_SECONDS = 1.0
_IDLE_SECONDS = 60.0


class Scheduler:
    """One dispatcher thread and a few workers. A (kind, id) pair never runs twice at the same time."""

    def __init__(self, store: Store, workers: int = 8) -> None:
        self._store = store
        self._handlers: dict[str, Handler] = {}
        self._running: set[tuple[str, str]] = set()
        self._guard = threading.Lock()
        self._look = threading.Event()
        self._stopping = False
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="lifecycle")
        self._thread = threading.Thread(target=self._dispatch, name="scheduler", daemon=True)
        store.create_tables(_SCHEMA)

    def handle(self, kind: str, handler: Handler) -> None:
        """Register the function that takes the turns of a kind. Turns of kinds without one wait."""
        self._handlers[kind] = handler

    def after(self, seconds: float, kind: str, id: str) -> None:
        """Give a thing its turn in so many seconds. A second call before then moves the turn."""
        self.at(time.time() + seconds, kind, id)

    def at(self, when: float, kind: str, id: str) -> None:
        """Give a thing its turn at an epoch time. May be part of a store transaction."""
        self._store.run(
            "INSERT INTO schedule VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET due = excluded.due", kind, id, when
        )
        self._look.set()

    def cancel(self, kind: str, id: str) -> None:
        """Forget a thing's turn. One that is running finishes."""
        self._store.run("DELETE FROM schedule WHERE kind = ? AND id = ?", kind, id)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the turns that are running and start no more."""
        self._stopping = True
        self._look.set()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _dispatch(self) -> None:
        while not self._stopping:
            self._look.clear()
            self._look.wait(self._start_due())

    def _start_due(self) -> float:
        """Start what is due; answer the seconds until the next look."""
        now = time.time()
        for kind, id, due in self._store.run("SELECT kind, id, due FROM schedule ORDER BY due"):
            if kind not in self._handlers:
                continue
            if due > now:
                return float(due - now)
            with self._guard:
                if (kind, id) in self._running:
                    continue
                self._running.add((kind, id))
            self._pool.submit(self._turn, kind, id, due)
        return _IDLE_SECONDS

    def _turn(self, kind: str, id: str, due: float) -> None:
        try:
            again = self._handlers[kind](id)
        except Exception:
            log.exception("turn of %s %s failed; it is tried again", kind, id)
            again = _RETRY_SECONDS
        this_turn = "kind = ? AND id = ? AND due = ?"
        if again is None:
            self._store.run(f"DELETE FROM schedule WHERE {this_turn}", kind, id, due)
        else:
            self._store.run(f"UPDATE schedule SET due = ? WHERE {this_turn}", time.time() + again, kind, id, due)
        with self._guard:
            self._running.discard((kind, id))
        self._look.set()
