"""Makes an account as new while it runs: what happened is forgotten, addresses, keys and first settings stay.

The state right after furnishing is kept in memory, the store's as a database and moto's as bytes, and is put back. That
takes a tenth of furnishing, and the ids of the default network stay the same.
"""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from . import processes
from .calls import Calls
from .clock import Clock
from .injections import Injections
from .moto_backend import Kept, MotoBackend
from .objects import ObjectStore
from .paths import Paths
from .requests import Requests
from .scheduler import Scheduler
from .settings import Settings
from .signatures import Keys
from .store import Store

SECONDS = 20.0
"""How long requests and lifecycles that are under way may take to end."""


@dataclass(frozen=True)
class Parts:
    """What an account is made of, as far as it changes. ``furnish`` furnishes an empty one."""

    requests: Requests
    settings: Settings
    store: Store
    clock: Clock
    injections: Injections
    calls: Calls
    moto: MotoBackend
    objects: ObjectStore
    scheduler: Scheduler
    keys: Keys
    paths: Paths
    furnish: Callable[[], object]


class Renewal:
    """Knows how the account was when it was new."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings.as_dict()
        self._new: tuple[sqlite3.Connection, Kept] | None = None

    def remember(self) -> None:
        """Take what there is now for new. Call it when the account has just been furnished and serves nobody yet."""
        self._new = (self._parts.store.copy(), self._parts.moto.kept())

    def renew(self) -> None:
        """Forget what happened. Raises TimeoutError if what is under way does not end; then nothing but jobs has ended.

        An account that this process did not furnish is furnished again, which takes longer, once.
        """
        parts, deadline = self._parts, time.monotonic() + SECONDS
        with parts.requests.shut_out(SECONDS):
            processes.kill_all(parts.paths.processes)  # so that the turns that wait for jobs end
            with parts.scheduler.at_rest(deadline - time.monotonic()):
                if left := processes.kill_all(parts.paths.processes):
                    raise TimeoutError(f"still there: {', '.join(group.name for group in left)}")
                forgotten = parts.paths.forget_files()
                parts.settings.update(self._settings)
                parts.objects.clear()
                parts.keys.forget_others()
                self._put_back()
                parts.calls.clear()
                parts.clock.read()
                parts.injections.read()
        threading.Thread(target=shutil.rmtree, args=(forgotten, True), name="forgotten", daemon=True).start()

    def _put_back(self) -> None:
        parts = self._parts
        if self._new is None:
            parts.store.clear()
            parts.moto.bring_back(None)
            parts.furnish()
            self.remember()
            return
        store, moto = self._new
        parts.store.restore(store)
        parts.moto.bring_back(moto)
        parts.furnish()
