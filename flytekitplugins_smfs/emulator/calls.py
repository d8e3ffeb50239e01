"""The record of every AWS API call that was received. Durable, so that a test can ask after a kill."""

import json
import time
from typing import Any

from .store import Store

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, service TEXT NOT NULL, operation TEXT NOT NULL,
    request TEXT NOT NULL, error TEXT
);
"""


class Calls:
    """Numbered from 1, in the order of their completion."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.create_tables(_SCHEMA)

    def add(self, service: str, operation: str, request: dict[str, Any], error: str | None) -> None:
        self._store.run(
            "INSERT INTO calls (time, service, operation, request, error) VALUES (?, ?, ?, ?, ?)",
            time.time(),
            service,
            operation,
            json.dumps(request, default=repr),
            error,
        )

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The calls with a greater number."""
        rows = self._store.run(
            "SELECT seq, time, service, operation, request, error FROM calls WHERE seq > ? ORDER BY seq", seq
        )
        names = ("seq", "time", "service", "operation", "request", "error")
        return [{**dict(zip(names, row, strict=True)), "request": json.loads(row[4])} for row in rows]
