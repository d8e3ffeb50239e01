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
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.followed import FEW, Entry, Group, Seen
from flytekitplugins_smfs.aws.kinds import Kind, Window
from flytekitplugins_smfs.values.errors import AwsFault, Missing, Throttled, Transient
from flytekitplugins_smfs.values.plain import Record

_log = logging.getLogger(__name__)

EVERY = 15.0
"""Seconds between two askings. Where AWS is an emulator on this machine, EVERY_LOCAL."""
EVERY_LOCAL = 1.0
FORGOTTEN = 900.0
"""Seconds after which what nobody asked for is not followed any more."""
SPACING = 3.0
"""Seconds between two listings at least, where one is wanted out of turn."""
FRESH = 2.0
"""Seconds within which a description is taken for the present."""
AT_ONCE = 0.04
"""Seconds that an answer may wait for a description that is on its way, where something is known already."""
FIRST = 1.8
"""The same where nothing is known yet."""
DESCRIBERS = 4


class StatusView:
    """What is known in one account and region. Thread-safe; its threads end when nothing is followed."""

    def __init__(self, aws: Aws, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws = aws.steadfast().bystander().impatient()._but(_ends=math.inf)  # who opens it may have little time
        self._clock = clock
        self._every = EVERY_LOCAL if aws.settings.endpoint == "emulator" else EVERY
        self._changed = threading.Condition()
        self._groups: dict[str, Group] = {}
        self._waiting: deque[tuple[Group, Entry]] = deque()
        self._describers = 0
        self._ticking = False

    def ask(self, kind: Kind, id: str, started_at: datetime, wait: float | None = None) -> Seen:
        """What is known of one, asked for since `started_at`.

        `wait` is how many seconds to wait for AWS's present answer; without it a known answer comes at once, and the
        first one of a resource within two seconds.
        """
        with self._changed:
            group = self._groups.setdefault(kind.name, Group(kind, self._every))
            entry = group.follow(id, started_at, self._clock())
            entry.wanted_at = self._clock()
            if entry.settled(kind):
                return entry.seen
            if entry.seen.gone and not entry.new:
                entry.seen = Seen()  # AWS may not have shown yet what was new
            before = entry.told
            self._refresh(group, entry, fresh=wait is not None)
            if not entry.told and entry.seen.over(kind):
                self._describe_soon(group, entry)
            self._tick()
            if entry.describing or (group.many and not entry.known and not entry.new):
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

    @property
    def region(self) -> str:
        """Where it looks."""
        return self._aws.region

    def ages(self) -> dict[str, float]:
        """Each kind that is followed -> the age of the freshest that is known of it."""
        with self._changed:
            ages = {
                name: min((self.age(one.seen) for one in group.live.values()), default=math.inf)
                for name, group in self._groups.items()
            }
        return {name: age for name, age in ages.items() if age < math.inf}

    def age(self, seen: Seen) -> float:
        """Seconds since AWS was last asked so that a change would have shown."""
        return max(0.0, self._clock() - seen.at) if seen.at > -math.inf else math.inf

    def _refresh(self, group: Group, entry: Entry, *, fresh: bool) -> None:
        if group.many:
            if entry.known or entry.new:
                return
            if group.shown(entry):  # absence from a list is not its end
                self._describe_soon(group, entry)
            elif self._clock() - group.listed_at >= SPACING and group.interval <= self._every:
                group.due = 0.0
                self._changed.notify_all()
        elif fresh or not entry.known or (group.few and self._old(group, entry)):
            self._describe_soon(group, entry)

    def _old(self, group: Group, entry: Entry) -> bool:
        """Whether it is described again out of turn: not while AWS throttles."""
        return self._clock() - entry.seen.at >= FRESH and group.interval <= self._every

    def _describe_soon(self, group: Group, entry: Entry) -> None:
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

    def _describe(self, group: Group, entry: Entry) -> None:
        asked = self._clock()
        try:
            seen = Seen(group.kind.describe(self._aws, entry.id), whole=True, at=asked)
            seen.over(group.kind)  # raises here where it cannot be read
        except Missing:
            seen = Seen(gone=True, whole=not entry.new, at=asked)
        except AwsFault as fault:
            seen = replace(entry.seen, fault=fault)
        except Exception as error:  # noqa: BLE001 - whoever follows it must go on
            _log.exception("A description of %s %s could not be read", group.kind.name, entry.id)
            seen = replace(entry.seen, fault=_unreadable(group.kind, error))
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

    def _ask_all(self, group: Group) -> None:
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
            window, begun = group.window(), self._clock()
        fault = self._list(group, window)
        with self._changed:
            self._learn_listing(group, fault, begun)
            group.listed_at = self._clock()
            group.due = group.listed_at + (0.0 if group.unlistable else group.interval)
            self._changed.notify_all()

    def _list(self, group: Group, window: Window) -> AwsFault | None:
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

    def _take_in(self, group: Group, summaries: Mapping[str, Record], asked: float) -> None:
        with self._changed:
            for entry in group.take_in(summaries, asked):
                self._describe_soon(group, entry)
            self._changed.notify_all()

    def _learn_listing(self, group: Group, fault: AwsFault | None, begun: float) -> None:
        if fault is not None:
            group.not_listed(fault)
            if group.unlistable:
                _log.warning("%s cannot be listed, and so are described in turns. %s", group.kind.name, fault)
            return
        group.turn(self._every)
        for entry in group.listed(begun):
            self._describe_soon(group, entry)

    def _forget(self) -> None:
        limit = self._clock() - FORGOTTEN
        for group in self._groups.values():
            for id in [id for id, entry in group.entries.items() if entry.wanted_at < limit]:
                group.forget(id)


def _unreadable(kind: Kind, error: Exception) -> AwsFault:
    text = f"the answer could not be read ({error!r})."
    return Transient(
        doing=f"asking after each {kind.name}", service="", operation="", code="UnreadableAnswer", text=text
    )


_views: dict[tuple[Any, ...], StatusView] = {}
_lock = threading.Lock()


def ages() -> dict[tuple[str, str], float]:
    """Region and kind -> seconds since AWS was last asked after it so that a change would have shown; for what is
    followed."""
    with _lock:
        views = tuple(_views.values())
    return {(one.region, kind): age for one in views for kind, age in one.ages().items()}


def view(aws: Aws) -> StatusView:
    """The one view of this account, region, endpoint and credentials in this process."""
    with _lock:
        if aws.place not in _views:
            _views[aws.place] = StatusView(aws)
        return _views[aws.place]
