"""A kind of resource, and how AWS is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.plain import Record


@dataclass(frozen=True)
class Page:
    """One page of a listing: the summaries by id, the next page's token, and AWS's clock when it answered."""

    summaries: Mapping[str, Record]
    token: str | None
    date: datetime | None


@dataclass(frozen=True)
class Window:
    """What a listing is to show. Listings that cannot be narrowed show all."""

    created_after: datetime | None
    modified_after: datetime | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of resource, and how AWS is asked about it."""

    name: str
    describe: Callable[[Aws, str], Record]
    """Everything about one; raises Missing when there is none."""
    page: Callable[[Aws, Window, str | None], Page]
    """A page of the listing."""
    ended: Callable[[Record], bool]
    """Whether a summary or description tells an end: nothing of it changes any more."""
    created: str = "CreationTime"
    """The member of both that has the time when it was made."""
    whole: bool = False
    """Whether each listing shows all that there is, whatever its window: what was there and is absent has changed."""


def date_of(answer: Record) -> datetime | None:
    """AWS's clock when it answered."""
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        found = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found else None


def by(key: str, summaries: Iterable[Record]) -> dict[str, Record]:
    """Summaries by the member that is their id."""
    return {str(summary[key]): summary for summary in summaries}
