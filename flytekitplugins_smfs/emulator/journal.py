"""What changed moto's state, request by request: at every start the state is made anew from it."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from .clock import Clock
from .faults import AwsError
from .messages import Request, Response
from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS moto_journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, seed INTEGER NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL,
    headers TEXT NOT NULL, body BLOB NOT NULL, time REAL NOT NULL DEFAULT 0, made TEXT
);
"""
_LATER_COLUMNS = {"time": "REAL NOT NULL DEFAULT 0", "made": "TEXT"}
_MAKES = ("Create", "Put", "Add", "Run", "Allocate", "Register", "Import", "Request")
_INTERFACE = re.compile(rb"<networkInterfaceId>([^<]+)</networkInterfaceId>")
_ADDRESS = re.compile(rb"<privateIpAddress>([^<]+)</privateIpAddress>")


@dataclass(frozen=True)
class Entry:
    """A request, the seed of moto's random numbers for it, and the epoch time it was answered at."""

    request: Request
    seed: int
    moment: float


class Journal:
    """Grows with what there is, not with all that ever was: network interfaces, of which every file system makes and
    deletes some, leave it when they are deleted."""

    def __init__(self, store: Store, clock: Clock, most: Callable[[], int]) -> None:
        """``most()`` is how many entries it may have."""
        self._store = store
        self._clock = clock
        self._most = most
        store.create_tables(_SCHEMA)
        known = {name for (name,) in store.run("SELECT name FROM pragma_table_info('moto_journal')")}
        for name, kind in _LATER_COLUMNS.items():
            if name not in known:
                store.create_tables(f"ALTER TABLE moto_journal ADD COLUMN {name} {kind}")

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        columns = "method, target, headers, body, seed, time"
        for method, target, headers, body, seed, moment in self._store.run(
            f"SELECT {columns} FROM moto_journal ORDER BY seq"
        ):
            yield Entry(Request(method, target, json.loads(headers), bytes(body)), seed, moment or self._clock.now())

    def check_room(self, operation: str) -> None:
        """Raise AwsError if it is full and the operation may make something: what would be forgotten is not done."""
        if operation.startswith(_MAKES) and self._count() >= self._most():
            raise AwsError(
                "LimitExceeded",
                f"The embedded AWS remembers {self._most()} changes of this kind; reset it, or raise journal_kept.",
            )

    def add(self, operation: str, request: Request, response: Response, seed: int) -> None:
        """Write down a request that has changed something, or forget what it has undone."""
        made = None
        if operation.startswith(("Get", "GET ")):  # only the latest of those counts
            self._store.run(
                "DELETE FROM moto_journal WHERE method = ? AND target = ? AND body = ?",
                request.method,
                request.target,
                request.body,
            )
        if operation == "DeleteNetworkInterface" and self._forget(request.form().get("NetworkInterfaceId", "")):
            return
        if operation == "CreateNetworkInterface" and (found := _INTERFACE.search(response.body)):
            made = found[1].decode()
            request = _with_address(request, response)
        self._store.run(
            "INSERT INTO moto_journal (seed, method, target, headers, body, time, made) VALUES (?, ?, ?, ?, ?, ?, ?)",
            seed,
            request.method,
            request.target,
            json.dumps(dict(request.headers)),
            request.body,
            self._clock.now(),
            made,
        )

    def _count(self) -> int:
        return int(self._store.run("SELECT count(*) FROM moto_journal")[0][0])

    def _forget(self, made: str) -> bool:
        return bool(self._store.run("DELETE FROM moto_journal WHERE made = ? RETURNING seq", made))


def _with_address(request: Request, response: Response) -> Request:
    """The request with the address it was given, which must not depend on the requests before it."""
    found = _ADDRESS.search(response.body)
    if found is None or not request.body or "PrivateIpAddress" in request.form():
        return request
    return replace(request, body=request.body + f"&PrivateIpAddress={quote(found[1].decode())}".encode())
