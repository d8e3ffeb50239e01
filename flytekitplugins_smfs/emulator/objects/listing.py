"""Listing keys in UTF-8 order: prefixes, delimiters and markers as range queries that step over what they fold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .buckets import Buckets
from .contents import COLUMNS, stored
from .database import Database
from .names import after_prefix
from .records import Stored, Upload

Row = tuple[Any, ...]
Item = TypeVar("Item", Stored, Upload)
Fetch = Callable[[bytes, int], list[Row]]
"""Rows with a key at or after the first argument, in order, as many as the second says; the key comes first."""

_FIRST_STEP = 8
_MOST_STEP = 1000


@dataclass
class Page(Generic[Item]):
    """One page: entries and common prefixes, each in order, and where the next page begins."""

    items: list[Item] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    truncated: bool = False
    last: str = ""
    """The last key or common prefix on this page: the marker of the next."""


@dataclass(frozen=True)
class Wanted:
    """What a page is asked for. ``after`` is a marker: what is at or before it is not listed again."""

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    limit: int = 1000


class Listing:
    """Pages of objects."""

    def __init__(self, database: Database, buckets: Buckets) -> None:
        self._db = database
        self._buckets = buckets

    def page(self, bucket: str, wanted: Wanted) -> Page[Stored]:
        """One page of a bucket's objects. Raises S3Error NoSuchBucket."""
        owner = self._buckets.get(bucket)
        end = after_prefix(wanted.prefix.encode())
        bound, ends = ("AND key < ?", (end,)) if end is not None else ("", ())
        sql = f"SELECT {COLUMNS} FROM objects WHERE bucket = ? AND key >= ? {bound} ORDER BY key LIMIT ?"

        def fetch(start: bytes, count: int) -> list[Row]:
            return self._db.all(sql, owner.id, start, *ends, count)

        return paged(fetch, wanted, stored)

    def every(self, bucket: str, prefix: str = "") -> Iterator[Stored]:
        """All objects below a prefix, in order, fetched page by page. Raises S3Error NoSuchBucket."""
        page = self.page(bucket, Wanted(prefix))
        yield from page.items
        while page.truncated:
            page = self.page(bucket, Wanted(prefix, after=page.last))
            yield from page.items

    def any(self, bucket: str, prefix: str) -> bool:
        """Whether there is an object below a prefix."""
        return bool(self.page(bucket, Wanted(prefix, limit=1)).items)


def paged(fetch: Fetch, wanted: Wanted, make: Callable[[Row], Item]) -> Page[Item]:
    """Walk over keys and fold them. Each common prefix costs one look-up, however many keys it stands for."""
    page: Page[Item] = Page()
    if wanted.limit <= 0:
        return page
    prefix, delimiter = wanted.prefix.encode(), wanted.delimiter.encode()
    after = wanted.after.encode()
    start: bytes | None = max(prefix, after + b"\0") if after else prefix
    step = _FIRST_STEP if delimiter else _step(wanted.limit)
    found = 0
    while start is not None:
        rows = fetch(start, step)
        start = None if len(rows) < step else bytes(rows[-1][0]) + b"\0"
        for row in rows:
            key = bytes(row[0])
            shown = folded(key, prefix, delimiter)
            if shown is not None and shown <= after:
                start = after_prefix(shown)
                break
            if found == wanted.limit:
                page.truncated = True
                return page
            found += 1
            page.last = (key if shown is None else shown).decode()
            if shown is not None:
                page.prefixes.append(page.last)
                start = after_prefix(shown)
                break
            page.items.append(make(row))
        else:
            step = min(step * 2, _step(wanted.limit))
    return page


def folded(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """The common prefix that a key is shown as, or None when it is shown itself."""
    if not delimiter:
        return None
    place = key.find(delimiter, len(prefix))
    return None if place < 0 else key[: place + len(delimiter)]


def _step(limit: int) -> int:
    """One more than the page holds, to know whether there is another."""
    return min(limit, _MOST_STEP) + 1
