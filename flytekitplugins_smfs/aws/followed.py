"""What is known of the resources of one kind that are followed, and what of them AWS is to be asked next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from flytekitplugins_smfs.aws.kinds import Kind, Window
from flytekitplugins_smfs.values.errors import AwsFault, Denied, Invalid, Throttled, Transient
from flytekitplugins_smfs.values.plain import Record

FEW = 3
"""Up to so many of a kind are described rather than listed."""
SLOWEST = 160.0
"""Seconds between two askings while AWS throttles, at most; doubled each time, and halved again once it passes."""
OVERLAP = timedelta(seconds=60)
"""A listing begins so long before AWS's clock at the one before: what changed then may not have been shown yet."""
SKEW = timedelta(minutes=5)
"""By how much this machine's clock may be ahead of AWS's."""
NEW = timedelta(seconds=30)
"""For how long AWS may not show everywhere what was just made."""
STRANGERS = 5000
"""How many that nobody follows are remembered of listings."""


@dataclass(frozen=True)
class Seen:
    """What is known of one resource."""

    record: Record | None = None
    """AWS's description or summary; None where nothing is known, or it is gone."""
    whole: bool = False
    """Whether the record is a description, or it is gone for good; an end is told by nothing less."""
    gone: bool = False
    """Whether AWS said that there is none."""
    at: float = -math.inf
    """When AWS was last asked so that a change would have shown, by the monotonic clock."""
    fault: AwsFault | None = None
    """Why AWS could not be asked the last time."""

    def over(self, kind: Kind) -> bool:
        """Whether its end was told, if only by a listing."""
        return self.record is not None and kind.ended(self.record)


@dataclass
class Entry:
    """One resource that is followed."""

    id: str
    started_at: datetime
    """When it was asked for, or made if that was earlier: an attempt takes up what the one before made."""
    followed_at: float
    wanted_at: float
    seen: Seen = Seen()
    describing: bool = False
    told: int = 0
    """How often something was learnt, or could not be."""

    @property
    def known(self) -> bool:
        return self.seen.record is not None or self.seen.gone

    @property
    def new(self) -> bool:
        """Whether AWS may not show it everywhere yet."""
        return datetime.now(UTC) - self.started_at < NEW

    def settled(self, kind: Kind) -> bool:
        """Whether nothing of it will change any more."""
        return self.seen.whole and (self.seen.gone or self.seen.over(kind))


@dataclass
class Group:
    """All of one kind: what is known of them, and when AWS is asked next."""

    kind: Kind
    interval: float
    entries: dict[str, Entry] = field(default_factory=dict)
    live: dict[str, Entry] = field(default_factory=dict)
    """Those of which something may still change."""
    date: datetime | None = None
    """AWS's clock at the last complete listing."""
    covered: datetime | None = None
    """Since when everything that was made has been shown: by one listing of all, and those of what changed since."""
    strangers: dict[str, Seen] = field(default_factory=dict)
    """What listings showed of those that nobody follows: after a restart they are asked for one after another."""
    listed_at: float = -math.inf
    due: float = 0.0
    throttled: bool = False
    """Whether AWS throttled in this turn."""
    unlistable: AwsFault | None = None
    """Why it cannot be listed here; then it is described in turns."""

    @property
    def few(self) -> bool:
        """Whether each is described."""
        return len(self.live) <= FEW

    @property
    def many(self) -> bool:
        """Whether they are listed."""
        return not self.few and self.unlistable is None

    def follow(self, id: str, started_at: datetime, now: float) -> Entry:
        """The one of this id, followed from now on."""
        if id not in self.entries:
            known = self.strangers.pop(id, Seen())
            self.entries[id] = self.live[id] = Entry(id, started_at, now, now, known)
        return self.entries[id]

    def shown(self, entry: Entry) -> bool:
        """Whether listings would have shown it by now, so that there is no need for one of all."""
        return self.covered is not None and entry.started_at >= self.covered

    def learn(self, entry: Entry, seen: Seen) -> None:
        """Take in what was seen of one."""
        entry.told += 1
        if seen.gone or seen.over(self.kind) or not entry.seen.over(self.kind):
            entry.seen = seen  # anything else were a stale answer that takes back an end
        created = (seen.record or {}).get(self.kind.created)
        if isinstance(created, datetime):
            entry.started_at = min(entry.started_at, created)
        if entry.settled(self.kind) and self.live.get(entry.id) is entry:
            del self.live[entry.id]

    def forget(self, id: str) -> None:
        """Follow it no more."""
        self.entries.pop(id, None)
        self.live.pop(id, None)

    def slow(self) -> None:
        """AWS throttles: half the pace, once in a turn."""
        if not self.throttled:
            self.interval = min(SLOWEST, self.interval * 2)
        self.throttled = True

    def turn(self, every: float) -> None:
        """A turn is over. If it was not throttled, the pace may double again."""
        if not self.throttled:
            self.interval = max(every, self.interval / 2)
        self.throttled = False

    def window(self) -> Window:
        """Since when the next listing shows what there is. What is unknown although it is older than the last listing
        needs one that reaches back to it."""
        live = self.live.values()
        created = min(entry.started_at for entry in live) - SKEW
        since = self.date - OVERLAP if self.date else None
        if since is None or any(
            not entry.known and entry.started_at < since and not self.shown(entry) for entry in live
        ):
            return Window(created)
        return Window(min(created, self.covered or created), since)  # no less than what is known of strangers

    def take_in(self, summaries: Mapping[str, Record], asked: float) -> list[Entry]:
        """A page of a listing; the ends that it tells, which are to be described."""
        ended = []
        for id, summary in summaries.items():
            entry = self.live.get(id)
            if entry is None:
                if id not in self.entries:
                    self.strangers[id] = Seen(summary, at=asked)
                continue
            over = self.kind.ended(summary)
            # Why an end could not be described is told until it can be.
            self.learn(entry, Seen(summary, at=asked, fault=entry.seen.fault if over else None))
            if over:
                ended.append(entry)
        return ended

    def listed(self, begun: float) -> list[Entry]:
        """After a listing: what it did not show has not changed; what it should have shown and did not is to be
        described."""
        while len(self.strangers) > STRANGERS:
            del self.strangers[next(iter(self.strangers))]
        for id, seen in self.strangers.items():
            self.strangers[id] = replace(seen, at=max(seen.at, begun))
        return [entry for entry in self.live.values() if entry.seen.at < begun and self._wanted(entry, begun)]

    def _wanted(self, entry: Entry, begun: float) -> bool:
        if entry.seen.record is not None and self.kind.whole:
            wanted = True  # it was there, and is not
        elif entry.seen.record is not None:
            entry.seen = replace(entry.seen, at=begun)
            wanted = entry.seen.over(self.kind)  # its description failed before
        else:
            wanted = entry.followed_at < begun and not entry.new  # absence from a list is not its end
        if not wanted:
            entry.seen = replace(entry.seen, fault=None)
        return wanted

    def not_listed(self, fault: AwsFault) -> None:
        """It could not be listed now, or by these credentials not at all."""
        if isinstance(fault, Denied | Invalid):  # nobody needs a listing, so it is not shown as anybody's fault
            self.unlistable = fault
            return
        if isinstance(fault, Throttled | Transient):
            self.slow()
        for entry in self.live.values():
            self.learn(entry, replace(entry.seen, fault=fault))
