"""Commits for the event loop: what is ready in one turn of it is written in one transaction."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from ..database import Busy, Database
from ..errors import S3Error

_RETRY_SECONDS = 0.001
_TURNS = 50
"""How many turns of the loop another process is waited for before sleeping: it is done in a fraction of a ms."""
_PATIENCE_SECONDS = 20.0
_MOST = 200
Result = TypeVar("Result")


class Commits:
    """Runs works on the index and answers when they are committed; each is all or nothing by itself."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._busy_since: float | None = None
        self._tries = 0
        self._scheduled = False

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of a work, committed. Raises what it raised, or S3Error SlowDown when nobody can write."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((work, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._commit)
        return await future

    def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        batch, rest = self._waiting[:_MOST], self._waiting[_MOST:]
        results: list[Any]
        try:
            results = self._db.together([work for work, _ in batch])
        except Busy:
            self._busy_since = self._busy_since or loop.time()
            self._tries += 1
            if self._tries <= _TURNS:
                loop.call_soon(self._commit)
                return
            if loop.time() - self._busy_since < _PATIENCE_SECONDS:
                loop.call_later(_RETRY_SECONDS, self._commit)
                return
            results = [S3Error("SlowDown", "Please reduce your request rate.")] * len(batch)
        except Exception as error:  # noqa: BLE001  whatever it is, everybody who waits must know
            results = [error] * len(batch)
        self._busy_since, self._tries = None, 0
        self._waiting = rest
        self._scheduled = bool(rest)
        if rest:
            loop.call_soon(self._commit)
        for (_, future), result in zip(batch, results, strict=True):
            if future.cancelled():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
