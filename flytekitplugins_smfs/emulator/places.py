"""Places for processes: so many run at once, and who comes first is served first.

Who waits and who has a place is part of the state, so that the order outlives a restart.
"""

from collections.abc import Callable

from .scheduler import Scheduler
from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, wanted INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0, UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS places_waiting ON places (taken, number);
"""


class Places:
    """Shared by all that starts processes. ``most()`` is how many there may be now."""

    def __init__(self, store: Store, scheduler: Scheduler, most: Callable[[], int]) -> None:
        self._store = store
        self._scheduler = scheduler
        self._most = most
        store.create_tables(_SCHEMA)

    def take(self, kind: str, id: str, wanted: int) -> bool:
        """Whether a thing has places for its processes now. If not it gets a turn when they are free.

        What wants more places than there are gets them when it is alone.
        """
        with self._store.transaction():
            self._store.run("INSERT OR IGNORE INTO places (kind, id, wanted) VALUES (?, ?, ?)", kind, id, wanted)
            number, taken = self._store.run("SELECT number, taken FROM places WHERE kind = ? AND id = ?", kind, id)[0]
            if taken:
                return True
            earlier = self._store.run("SELECT 1 FROM places WHERE taken = 0 AND number < ? LIMIT 1", number)
            if earlier or not self._fits(wanted):
                return False
            self._store.run("UPDATE places SET taken = 1 WHERE number = ?", number)
            self._wake()
        return True

    def give_back(self, kind: str, id: str) -> None:
        """A thing needs no places any more, nor waits for any; the next gets its turn."""
        with self._store.transaction():
            if self._store.run("DELETE FROM places WHERE kind = ? AND id = ? RETURNING id", kind, id):
                self._wake()

    def _fits(self, wanted: int) -> bool:
        used = self._store.run("SELECT coalesce(sum(wanted), 0) FROM places WHERE taken = 1")[0][0]
        return bool(used == 0 or used + wanted <= self._most())

    def _wake(self) -> None:
        waiting = self._store.run("SELECT kind, id, wanted FROM places WHERE taken = 0 ORDER BY number LIMIT 1")
        for kind, id, wanted in waiting:
            if self._fits(wanted):
                self._scheduler.after(0, kind, id)
