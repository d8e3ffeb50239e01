"""The shared status view: how everything that is followed in one account and region is, asked of AWS for all at once.

Up to three of a kind are described one by one. More are followed by a listing every fifteen seconds of what changed
since the one before, so that the calls do not grow with the number that is followed; only ends are described. A state
is answered from memory, and its age is known.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.errors import AwsFault, Denied, Invalid, Missing, Throttled, Transient
from flytekitplugins_smfs.values.plain import Record

_log = logging.getLogger(__name__)

FEW = 3
"""Up to so many of a kind are described rather than listed."""
EVERY = 15.0
"""Seconds between two askings. Where AWS is an emulator on this machine, EVERY_LOCAL."""
EVERY_LOCAL = 1.0
SLOWEST = 160.0
"""Seconds between two askings while AWS throttles, at most; doubled each time, and halved again once it passes."""
OVERLAP = timedelta(seconds=60)
"""A listing begins so long before AWS's clock at the one before: what changed then may not have been shown yet."""
SKEW = timedelta(minutes=5)
"""By how much this machine's clock may be ahead of AWS's."""
FORGOTTEN = 900.0
"""Seconds after which what nobody asked for is not followed any more."""
NEW = timedelta(seconds=30)
"""For how long AWS may not show everywhere what was just made."""
SPACING = 3.0
"""Seconds between two listings at least, where one is wanted out of turn."""
FRESH = 2.0
"""Seconds within which a description is taken for the present."""
AT_ONCE = 0.04
"""Seconds that an answer may wait for a description that is on its way, where something is known already."""
FIRST = 1.8
"""The same where nothing is known yet."""
DESCRIBERS = 4
STRANGERS = 5000
"""How many that nobody follows are remembered of listings."""


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


@dataclass
class _Entry:
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

    def settled(self, kind: Kind) -> bool:
        """Whether nothing of it will change any more."""
        return self.seen.whole and (self.seen.gone or _over(kind, self.seen))


@dataclass
class _Group:
    """All of one kind."""

    kind: Kind
    interval: float
    entries: dict[str, _Entry] = field(default_factory=dict)
    live: dict[str, _Entry] = field(default_factory=dict)
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
        return len(self.live) <= FEW

    @property
    def many(self) -> bool:
        return not self.few and self.unlistable is None

    def follow(self, id: str, started_at: datetime, now: float) -> _Entry:
        if id not in self.entries:
            known = self.strangers.pop(id, Seen())
            self.entries[id] = self.live[id] = _Entry(id, started_at, now, now, known)
        return self.entries[id]

    def shown(self, entry: _Entry) -> bool:
        """Whether listings would have shown it by now, so that there is no need for one of all."""
        return self.covered is not None and entry.started_at >= self.covered

    def learn(self, entry: _Entry, seen: Seen) -> None:
        entry.told += 1
        if seen.gone or _over(self.kind, seen) or not _over(self.kind, entry.seen):
            entry.seen = seen  # anything else were a stale answer that takes back an end
        created = (seen.record or {}).get(self.kind.created)
        if isinstance(created, datetime):
            entry.started_at = min(entry.started_at, created)
        if entry.settled(self.kind) and self.live.get(entry.id) is entry:
            del self.live[entry.id]

    def forget(self, id: str) -> None:
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


class StatusView:
    """What is known in one account and region. Thread-safe; its threads end when nothing is followed."""

    def __init__(self, aws: Aws, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws = aws.steadfast().bystander().impatient()._but(_ends=math.inf)  # who opens it may have little time
        self._clock = clock
        self._every = EVERY_LOCAL if aws.settings.endpoint == "emulator" else EVERY
        self._changed = threading.Condition()
        self._groups: dict[str, _Group] = {}
        self._waiting: deque[tuple[_Group, _Entry]] = deque()
        self._describers = 0
        self._ticking = False

    def ask(self, kind: Kind, id: str, started_at: datetime, wait: float | None = None) -> Seen:
        """What is known of one, asked for since `started_at`.

        `wait` is how many seconds to wait for AWS's present answer; without it a known answer comes at once, and the
        first one of a resource within two seconds.
        """
        with self._changed:
            group = self._groups.setdefault(kind.name, _Group(kind, self._every))
            entry = group.follow(id, started_at, self._clock())
            entry.wanted_at = self._clock()
            if entry.settled(kind):
                return entry.seen
            if entry.seen.gone and not _new(entry):
                entry.seen = Seen()  # AWS may not have shown yet what was new
            before = entry.told
            self._refresh(group, entry, fresh=wait is not None)
            if not entry.told and _over(kind, entry.seen):
                self._describe_soon(group, entry)
            self._tick()
            if entry.describing or (group.many and not entry.known and not _new(entry)):
                patience = wait if wait is not None else (AT_ONCE if entry.known else FIRST)
                self._changed.wait_for(lambda: entry.told > before, patience)
            return entry.seen

    def doubt(self, kind: Kind, id: str) -> None:
        """Something was done to it: what is known is old."""
        with self._changed:
            group = self._groups.get(kind.name)
            if group and id in group.live:
                entry = group.live[id]
                entry.seen = Seen(entry.seen.record)

    def forget(self, kind: Kind, id: str) -> None:
        """Nobody will ask for it again."""
        with self._changed:
            if kind.name in self._groups:
                self._groups[kind.name].forget(id)

    def age(self, seen: Seen) -> float:
        """Seconds since AWS was last asked so that a change would have shown."""
        return max(0.0, self._clock() - seen.at) if seen.at > -math.inf else math.inf

    def _refresh(self, group: _Group, entry: _Entry, *, fresh: bool) -> None:
        if group.many:
            if entry.known or _new(entry):
                return
            if group.shown(entry):  # absence from a list is not its end
                self._describe_soon(group, entry)
            elif self._clock() - group.listed_at >= SPACING and group.interval <= self._every:
                group.due = 0.0
                self._changed.notify_all()
        elif fresh or not entry.known or (group.few and self._old(group, entry)):
            self._describe_soon(group, entry)

    def _old(self, group: _Group, entry: _Entry) -> bool:
        """Whether it is described again out of turn: not while AWS throttles."""
        return self._clock() - entry.seen.at >= FRESH and group.interval <= self._every

    def _describe_soon(self, group: _Group, entry: _Entry) -> None:
        if entry.describing:
            return
        entry.describing = True
        self._waiting.append((group, entry))
        if self._describers < min(DESCRIBERS, len(self._waiting) + self._describers):
            self._describers += 1
            threading.Thread(target=self._describe_waiting, name="smfs-describe", daemon=True).start()

    def _describe_waiting(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._describers -= 1
                    return
                group, entry = self._waiting.popleft()
            self._describe(group, entry)

    def _describe(self, group: _Group, entry: _Entry) -> None:
        asked = self._clock()
        try:
            seen = Seen(group.kind.describe(self._aws, entry.id), whole=True, at=asked)
            _over(group.kind, seen)  # raises here where it cannot be read
        except Missing:
            seen = Seen(gone=True, whole=not _new(entry), at=asked)
        except AwsFault as fault:
            seen = _not_asked(entry.seen, fault)
        except Exception as error:  # noqa: BLE001 - whoever follows it must go on
            _log.exception("A description of %s %s could not be read", group.kind.name, entry.id)
            seen = _not_asked(entry.seen, _unreadable(group.kind, error))
        with self._changed:
            entry.describing = False
            group.learn(entry, seen)
            if isinstance(seen.fault, Throttled) and not group.many:  # a listing has a rate of its own
                group.slow()
                group.due = max(group.due, asked + group.interval)
            self._changed.notify_all()

    def _tick(self) -> None:
        """See to it that somebody asks, as long as something is followed."""
        if not self._ticking:
            self._ticking = True
            threading.Thread(target=self._ticks, name="smfs-status", daemon=True).start()

    def _ticks(self) -> None:
        while True:
            with self._changed:
                self._forget()
                live = [group for group in self._groups.values() if group.live]
                if not live:
                    self._ticking = False
                    return
                group = min(live, key=lambda one: one.due)
                if group.due > self._clock():
                    self._changed.wait(min(group.due - self._clock(), 1.0))
                    continue
            self._ask_all(group)

    def _ask_all(self, group: _Group) -> None:
        with self._changed:
            if not group.many:
                group.turn(self._every)
                old = [one for one in group.live.values() if self._clock() - one.seen.at >= FRESH]
                oldest = sorted(old, key=lambda one: one.seen.at)
                for entry in oldest[: max(FEW, round(4 * self._every))]:
                    self._describe_soon(group, entry)
                group.due = self._clock() + group.interval
                return
            group.throttled = False
            window, begun = _window(group), self._clock()
        fault = self._list(group, window)
        with self._changed:
            self._learn_listing(group, fault, begun)
            group.listed_at = self._clock()
            group.due = group.listed_at + (0.0 if group.unlistable else group.interval)
            self._changed.notify_all()

    def _list(self, group: _Group, window: Window) -> AwsFault | None:
        """Read every page and take in each as it comes. What went wrong, if anything did."""
        token, date, begun = None, None, self._clock()
        patient = self._aws._but(patience=5.0)
        try:
            while True:
                asked = self._clock()
                page = group.kind.page(patient, window, token)
                date = date or page.date
                self._take_in(group, page.summaries, asked)
                token = page.token
                if not token:
                    break
        except AwsFault as fault:
            return fault
        except Exception as error:  # noqa: BLE001 - whoever follows it must go on
            _log.exception("A listing of %s could not be read", group.kind.name)
            return _unreadable(group.kind, error)
        group.date = date or group.date
        if window.modified_after is None:
            group.covered = window.created_after
            with self._changed:  # of what it did not show nothing is known any more
                group.strangers = {id: seen for id, seen in group.strangers.items() if seen.at >= begun}
        return None

    def _take_in(self, group: _Group, summaries: Mapping[str, Record], asked: float) -> None:
        with self._changed:
            for id, summary in summaries.items():
                entry = group.live.get(id)
                if entry is None:
                    if id not in group.entries:
                        group.strangers[id] = Seen(summary, at=asked)
                    continue
                ended = group.kind.ended(summary)
                # Why an end could not be described is told until it can be.
                group.learn(entry, Seen(summary, at=asked, fault=entry.seen.fault if ended else None))
                if ended:
                    self._describe_soon(group, entry)
            self._changed.notify_all()

    def _learn_listing(self, group: _Group, fault: AwsFault | None, begun: float) -> None:
        """After a listing: what it did not show has not changed; what it should have shown and did not is described."""
        if isinstance(fault, Denied | Invalid):  # nobody needs a listing, so it is not shown as anybody's fault
            _log.warning("%s cannot be listed, and so are described in turns. %s", group.kind.name, fault)
            group.unlistable = fault
            return
        if fault is not None:
            if isinstance(fault, Throttled | Transient):
                group.slow()
            for entry in group.live.values():
                group.learn(entry, _not_asked(entry.seen, fault))
            return
        group.turn(self._every)
        while len(group.strangers) > STRANGERS:
            del group.strangers[next(iter(group.strangers))]
        for id, seen in group.strangers.items():
            group.strangers[id] = replace(seen, at=max(seen.at, begun))
        for entry in group.live.values():
            if entry.seen.at >= begun:
                continue
            if entry.seen.record is not None:
                entry.seen = replace(entry.seen, at=begun)
                wanted = _over(group.kind, entry.seen)  # its description failed before
            else:
                wanted = entry.followed_at < begun and not _new(entry)  # absence from a list is not its end
            if wanted:
                self._describe_soon(group, entry)
            else:
                entry.seen = replace(entry.seen, fault=None)

    def _forget(self) -> None:
        limit = self._clock() - FORGOTTEN
        for group in self._groups.values():
            for id in [id for id, entry in group.entries.items() if entry.wanted_at < limit]:
                group.forget(id)


def _window(group: _Group) -> Window:
    """Since when. What is unknown although it is older than the last listing needs one that reaches back to it."""
    live = group.live.values()
    created = min(entry.started_at for entry in live) - SKEW
    since = group.date - OVERLAP if group.date else None
    if since is None or any(not entry.known and entry.started_at < since and not group.shown(entry) for entry in live):
        return Window(created)
    return Window(min(created, group.covered or created), since)  # no less than what is known of strangers


def _new(entry: _Entry) -> bool:
    return datetime.now(UTC) - entry.started_at < NEW


def _over(kind: Kind, seen: Seen) -> bool:
    """Whether its end was told, if only by a listing."""
    return seen.record is not None and kind.ended(seen.record)


def _not_asked(seen: Seen, fault: AwsFault) -> Seen:
    return replace(seen, fault=fault)


def _unreadable(kind: Kind, error: Exception) -> AwsFault:
    text = f"the answer could not be read ({error!r})."
    return Transient(
        doing=f"asking after each {kind.name}", service="", operation="", code="UnreadableAnswer", text=text
    )


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


_views: dict[tuple[Any, ...], StatusView] = {}
_lock = threading.Lock()


def view(aws: Aws) -> StatusView:
    """The one view of this account, region, endpoint and credentials in this process."""
    with _lock:
        if aws.place not in _views:
            _views[aws.place] = StatusView(aws)
        return _views[aws.place]
