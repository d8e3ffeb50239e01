"""What operations work with: the store, its commits, and whose account it is."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ...signatures import Keys
from ..store import ObjectStore
from .commits import Commits

Result = TypeVar("Result")


@dataclass(frozen=True)
class Service:
    """One account's S3. ``region`` is where its buckets are made unless a request says otherwise."""

    store: ObjectStore
    commits: Commits
    keys: Keys
    account: str
    region: str
    names: frozenset[str] = frozenset()
    """Host names, beside those of the loopback, under which it may be asked."""
    insecure: bool = False
    """Whether unsigned requests are taken."""

    @property
    def owner(self) -> str:
        """The account's canonical user id."""
        return hashlib.sha256(f"canonical user {self.account}".encode()).hexdigest()

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    async def commit(self, work: Callable[[], Result]) -> Result:
        """Run a work on the index; it is durable when this returns."""
        return await self.commits.run(work)
