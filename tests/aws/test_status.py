"""Everything that is followed is asked of AWS for all at once, and nothing that AWS does makes it fall silent. N3"""

from __future__ import annotations

import itertools
import math
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flytekitplugins_smfs.aws import followed, status
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.followed import Seen
from flytekitplugins_smfs.aws.kinds import Kind, Page, Window, by, date_of
from flytekitplugins_smfs.aws.status import StatusView, view
from flytekitplugins_smfs.values.errors import AwsFault, Denied, Invalid, Missing, Throttled, Transient
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import wait_for

AWS = Aws(Settings(endpoint="aws", region="us-east-1"))
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def fault(kind: type[AwsFault], code: str = "Code") -> AwsFault:
    return kind(doing="asking", service="fake", operation="Ask", code=code, text="so it is")


@dataclass
class Job:
    created: datetime
    changed: datetime
    status: str = "InProgress"


@dataclass
class Cloud:
    """AWS with one kind of resource. Its clock is not this machine's; what was asked of it is written down."""

    date: datetime = field(default_factory=lambda: datetime.now(UTC) - 3 * MINUTE)
    page_size: int = 100
    jobs: dict[str, Job] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """What no listing shows."""
    described: list[str] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    """Of each listing that was begun."""
    pages: int = 0
    describe_faults: list[Exception] = field(default_factory=list)
    """The next descriptions end so; the last one stays where `lasting`."""
    page_faults: list[Exception] = field(default_factory=list)
    lasting: bool = False
    describing: Callable[[str], Any] = lambda id: None
    """What happens while one is described, after AWS has looked; what it gives is said instead."""
    paging: Callable[[], None] = lambda: None
    """What happens while a page is read."""
    at_once: Counter[str] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    """What was described by two threads at a time."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def kind(self) -> Kind:
        return Kind("job", self.describe, self.page, lambda record: record["Status"] != "InProgress")

    def start(self, *ids: str, ago: timedelta = HOUR) -> tuple[str, ...]:
        for id in ids:
            self.jobs[id] = Job(self.date - ago, self.date - ago)
        return ids

    def end(self, id: str, status: str = "Completed") -> None:
        self.jobs[id].status = status
        self.jobs[id].changed = self.date

    def describe(self, aws: Aws, id: str) -> Mapping[str, Any]:
        with self._lock:
            self.described.append(id)
            self.at_once[id] += 1
            if self.at_once[id] > 1:
                self.twice.append(id)
            error = self._next(self.describe_faults)
            job = self.jobs.get(id)
            known = None if job is None else self._summary(id, job) | {"Arn": f"arn:{id}"}
        try:
            instead = self.describing(id)
            if error:
                raise error
            if known is None:
                raise fault(Missing)
            return instead or known
        finally:
            with self._lock:
                self.at_once[id] -= 1

    def page(self, aws: Aws, window: Window, token: str | None) -> Page:
        with self._lock:
            self.pages += 1
            if token is None:
                self.windows.append(window)
            error = self._next(self.page_faults)
            date = self.date
            found = [id for id, job in sorted(self.jobs.items()) if id not in self.hidden and _within(job, window)]
            first = int(token or 0)
            last = first + self.page_size
            told = {id: self._summary(id, self.jobs[id]) for id in found[first:last]}
        self.paging()
        if error:
            raise error
        return Page(told, str(last) if last < len(found) else None, date)

    def _next(self, faults: list[Exception]) -> Exception | None:
        if not faults:
            return None
        return faults[0] if self.lasting and len(faults) == 1 else faults.pop(0)

    def _summary(self, id: str, job: Job) -> dict[str, Any]:
        return {"Name": id, "Status": job.status, "CreationTime": job.created}


def _within(job: Job, window: Window) -> bool:
    late = window.created_after is None or job.created > window.created_after
    return late and (window.modified_after is None or job.changed > window.modified_after)


class Rests(threading.Condition):
    """Knows when the view's own thread has nothing to do by a clock that stands still."""

    resting = False

    def wait(self, timeout: float | None = None) -> bool:
        if threading.current_thread().name != "smfs-status":
            return super().wait(timeout)
        self.resting = True
        woken = super().wait()
        self.resting = False
        return woken


class Following:
    """A view whose clock, and AWS's with it, goes on only when it is told to."""

    def __init__(self, cloud: Cloud, aws: Aws = AWS) -> None:
        self.cloud, self.kind, self.now = cloud, cloud.kind, 1000.0
        self.view = StatusView(aws, clock=lambda: self.now)
        self.rests = self.view._changed = Rests()
        self.asked: set[str] = set()

    def ask(self, id: str, started_at: datetime | None = None, wait: float | None = None) -> Seen:
        self.asked.add(id)
        job = self.cloud.jobs.get(id)
        began = started_at or (job.created if job else self.cloud.date - HOUR)
        return self.view.ask(self.kind, id, began, wait)

    def follow(self, ids: Iterable[str], started_at: datetime | None = None) -> None:
        """Ask after all of them, and let AWS be asked until all are known."""
        for id in ids:
            self.ask(id, started_at, wait=0.0)
        self.settle()
        self.go(status.EVERY)

    def go(self, seconds: float, step: float | None = None) -> None:
        """Let time pass, and everything be done that is due then."""
        for _ in range(math.ceil(seconds / step) if step else 1):
            self.pass_time(step or seconds)
            self.settle()

    def pass_time(self, seconds: float) -> None:
        with self.rests:
            self.now += seconds
            self.cloud.date += timedelta(seconds=seconds)
            self.rests.resting = False
            self.rests.notify_all()

    def settle(self) -> None:
        wait_for(self._idle)

    def _idle(self) -> bool:
        with self.rests:
            busy = self.view._describers or self.view._waiting or (self.view._ticking and not self.rests.resting)
            return not busy

    @property
    def ended(self) -> bool:
        return not self.view._ticking

    def end(self) -> None:
        for id in self.asked:
            self.view.forget(self.kind, id)
        with self.rests:
            self.rests.notify_all()


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def following(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Following]:
    """A first answer may take long: a busy machine is not what these tests are about."""
    monkeypatch.setattr(status, "FIRST", 15.0)
    monkeypatch.setattr(status, "EVERY", 10.0)  # a round number: how long it is, is no matter of these tests
    made = Following(cloud)
    yield made
    made.end()


@pytest.fixture
def hanging(cloud: Cloud) -> Iterator[Callable[[], None]]:
    """With it AWS takes two seconds for each answer, until the test ends."""
    over = threading.Event()

    def hang() -> None:
        cloud.describing = lambda id: over.wait(2.0) and None
        cloud.paging = lambda: over.wait(2.0) and None

    yield hang
    over.set()


@pytest.fixture
def real(cloud: Cloud) -> Iterator[Following]:
    """A view by the real clock."""
    made = Following(cloud)
    made.view = StatusView(AWS)
    made.rests = made.view._changed
    yield made
    made.end()


def names(count: int) -> list[str]:
    return [f"job-{number:04}" for number in range(count)]


def status_of(seen: Seen) -> str:
    assert seen.record is not None
    return str(seen.record["Status"])


def calls_of(cloud: Cloud) -> int:
    return len(cloud.described) + cloud.pages


# --- few and many -----------------------------------------------------------------------------------------------------


def test_up_to_three_are_described_and_never_listed(cloud: Cloud, following: Following) -> None:  # N3
    for id in cloud.start(*names(3)):
        seen = following.ask(id)
        assert (status_of(seen), seen.whole) == ("InProgress", True)
    following.settle()
    cloud.described.clear()
    following.go(30, step=10)
    assert Counter(cloud.described) == dict.fromkeys(names(3), 3)
    assert cloud.windows == []


def test_more_than_three_are_listed_and_only_ends_are_described(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(10)))
    assert {status_of(following.ask(id)) for id in names(10)} == {"InProgress"}
    cloud.described.clear()
    listings = len(cloud.windows)
    following.go(30, step=10)
    assert (len(cloud.windows), cloud.described) == (listings + 3, [])
    cloud.end("job-0007")
    cloud.end("job-0008", "Failed")
    following.go(10)
    assert sorted(cloud.described) == ["job-0007", "job-0008"]
    seen = following.ask("job-0008")
    assert (status_of(seen), seen.whole, seen.record and seen.record["Arn"]) == ("Failed", True, "arn:job-0008")
    following.go(60, step=10)
    assert sorted(cloud.described) == ["job-0007", "job-0008"]


def test_what_ended_is_told_ever_after_without_a_call(cloud: Cloud, following: Following) -> None:  # N3
    cloud.start("done")
    cloud.end("done")
    assert status_of(following.ask("done")) == "Completed"
    following.settle()
    calls = calls_of(cloud)
    assert {status_of(following.ask("done")) for _ in range(10)} == {"Completed"}
    following.go(60, step=10)
    assert calls_of(cloud) == calls


def test_when_most_have_ended_the_others_are_described_again(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    for id in names(3):
        cloud.end(id)
    following.go(10)
    listings = len(cloud.windows)
    cloud.described.clear()
    following.go(20, step=10)
    assert len(cloud.windows) == listings
    assert set(cloud.described) == {"job-0003", "job-0004"}


def test_a_thousand_cost_at_most_ten_calls_for_each_listing(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(1000), ago=timedelta(seconds=1)), started_at=datetime.now(UTC))
    assert all(following.ask(id, datetime.now(UTC)).record for id in names(1000))
    for _ in range(5):  # the worst there is: all of them change all the time
        for job in cloud.jobs.values():
            job.changed = cloud.date
        calls = calls_of(cloud)
        following.go(10)
        assert calls_of(cloud) - calls == 10
    following.go(100, step=10)
    calls = calls_of(cloud)
    following.go(100, step=10)
    assert calls_of(cloud) - calls == 10  # one each where nothing changes


# --- what a listing asks for ------------------------------------------------------------------------------------------


def test_a_listing_begins_a_minute_before_awss_own_date_of_the_one_before(cloud: Cloud, following: Following) -> None:
    cloud.start(*names(5))
    oldest = cloud.date - 3 * HOUR
    cloud.jobs["job-0002"].created = oldest
    first = cloud.date
    following.follow(names(5))
    following.go(10)
    assert cloud.windows[0] == Window(oldest - timedelta(minutes=5), None)
    assert [window.created_after for window in cloud.windows] == [oldest - timedelta(minutes=5)] * len(cloud.windows)
    narrow = [window.modified_after for window in cloud.windows if window.modified_after]
    assert narrow[-1] == first + timedelta(seconds=10) - MINUTE


def test_the_date_of_a_listing_is_that_of_its_first_page(cloud: Cloud, following: Following) -> None:
    """What changes while the others are read is for the next listing to show."""
    following.follow(cloud.start(*names(6)))
    following.go(10)
    for job in cloud.jobs.values():
        job.changed = cloud.date + timedelta(seconds=1)
    began, cloud.page_size = cloud.date + timedelta(seconds=10), 2

    def take_time() -> None:
        cloud.date += timedelta(seconds=90)

    cloud.paging = take_time
    following.go(10)
    assert cloud.date == began + timedelta(seconds=270)
    following.go(10)
    assert cloud.windows[-1].modified_after == began - MINUTE


def test_a_change_that_aws_shows_late_is_seen(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(5)))
    cloud.hidden = {"job-0004"}
    cloud.end("job-0004")
    following.go(20, step=10)
    cloud.hidden = set()
    following.go(10)
    assert status_of(following.ask("job-0004")) == "Completed"


def test_a_change_right_after_a_listing_is_seen_by_the_next(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(5)))
    following.go(10)
    cloud.date += timedelta(seconds=1)
    cloud.end("job-0004")
    following.go(10)
    assert status_of(following.ask("job-0004")) == "Completed"


def test_after_a_fault_the_next_listing_reaches_back_to_the_last_whole_one(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    following.go(10)
    before, cloud.page_size = cloud.date, 2
    for job in cloud.jobs.values():
        job.changed = cloud.date + timedelta(seconds=1)
    cloud.page_faults, second = [], cloud.pages + 2

    def fail() -> None:
        if cloud.pages == second:
            raise fault(Transient)

    cloud.paging = fail
    following.go(10)
    assert cloud.pages == second
    following.go(20)
    assert cloud.windows[-1].modified_after == cloud.windows[-2].modified_after == before - MINUTE


def test_what_is_unknown_although_it_is_old_gets_a_whole_listing(cloud: Cloud, following: Following) -> None:  # C107
    """After a restart of the connector: nothing of it changed lately."""
    following.follow(cloud.start(*names(5), ago=MINUTE))
    following.go(10)
    cloud.start("before-the-restart", ago=24 * HOUR)
    cloud.described.clear()
    following.follow(["before-the-restart"])
    assert status_of(following.ask("before-the-restart")) == "InProgress"
    assert cloud.described == []
    begun = cloud.jobs["before-the-restart"].created
    assert Window(begun - timedelta(minutes=5), None) in cloud.windows[1:]
    following.go(10)
    assert cloud.windows[-1].modified_after is not None


def test_what_was_made_before_it_was_started_is_followed_to_its_end(cloud: Cloud, following: Following) -> None:  # N2
    """An attempt takes up the job of the one before, which may be hours old."""
    following.follow(cloud.start(*names(4), ago=MINUTE))
    cloud.start("of-the-attempt-before", ago=5 * HOUR)
    following.follow(["of-the-attempt-before"], started_at=cloud.date - MINUTE)
    assert status_of(following.ask("of-the-attempt-before")) == "InProgress"
    cloud.end("of-the-attempt-before")
    following.go(10)
    assert status_of(following.ask("of-the-attempt-before")) == "Completed"


def test_without_awss_date_everything_is_listed_each_time(cloud: Cloud, following: Following) -> None:
    whole = cloud.page
    following.kind = Kind(
        "dateless",
        cloud.describe,
        lambda aws, window, token: Page(whole(aws, window, token).summaries, None, None),
        cloud.kind.ended,
    )
    following.follow(cloud.start(*names(5)))
    following.go(20, step=10)
    assert len(cloud.windows) >= 3
    assert {window.modified_after for window in cloud.windows} == {None}


def test_every_page_is_read_short_and_empty_ones_too(cloud: Cloud, following: Following) -> None:
    cloud.start(*names(6))
    told = [["job-0000"], [], ["job-0001", "job-0002", "job-0003"], [], ["job-0004", "job-0005"]]

    def page(aws: Aws, window: Window, token: str | None) -> Page:
        number = int(token or 0)
        found = {id: {"Name": id, "Status": "InProgress"} for id in told[number]}
        return Page(found, str(number + 1) if number + 1 < len(told) else None, cloud.date)

    following.kind = Kind("job", cloud.describe, page, cloud.kind.ended)
    following.follow(names(6))
    assert [status_of(following.ask(id)) for id in names(6)] == ["InProgress"] * 6


# --- what absence means -----------------------------------------------------------------------------------------------


def test_what_vanishes_from_a_listing_of_all_is_gone(cloud: Cloud, following: Following) -> None:
    """As a file system does that is deleted while others are followed."""
    following.kind = replace(
        cloud.kind, page=lambda aws, window, token: cloud.page(aws, Window(None), token), whole=True
    )
    following.follow(cloud.start(*names(8)))
    following.go(10)
    assert status_of(following.ask("job-0003")) == "InProgress"
    before = len(cloud.described)
    del cloud.jobs["job-0003"], cloud.jobs["job-0004"]
    cloud.hidden = {"job-0005"}
    following.go(20, step=5)
    gone = {id for id in names(8) if following.ask(id).gone}
    assert gone == {"job-0003", "job-0004"}
    assert set(cloud.described[before:]) == {"job-0003", "job-0004", "job-0005"}


def test_absence_from_a_list_is_not_an_end_but_is_described(cloud: Cloud, following: Following) -> None:  # N3
    cloud.start(*names(5))
    cloud.hidden = {"job-0004"}
    following.follow(names(5))
    following.go(10)
    assert "job-0004" in cloud.described
    seen = following.ask("job-0004")
    assert (status_of(seen), seen.gone) == ("InProgress", False)
    following.go(60, step=10)
    seen = following.ask("job-0004")
    assert (status_of(seen), seen.gone) == ("InProgress", False)


def test_gone_is_what_a_description_says_is_gone(cloud: Cloud, following: Following) -> None:
    cloud.start(*names(4))
    following.follow([*names(4), "never-there"])
    following.go(10)
    seen = following.ask("never-there")
    assert (seen.gone, seen.record) == (True, None)
    calls = cloud.described.count("never-there")
    following.go(60, step=10)
    assert following.ask("never-there").gone
    assert cloud.described.count("never-there") == calls


def test_what_is_new_is_not_described_because_a_list_does_not_show_it_yet(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    cloud.start("new")
    cloud.hidden = {"new"}
    following.ask("new", started_at=datetime.now(UTC))
    following.go(20, step=10)
    assert "new" not in cloud.described
    assert not following.ask("new", started_at=datetime.now(UTC)).gone


@pytest.mark.parametrize("others", [0, 5])
def test_what_is_not_there_yet_is_not_gone_for_good(cloud: Cloud, following: Following, others: int) -> None:  # N3
    """AWS may not show at once what was just made."""
    began = datetime.now(UTC)
    assert following.ask("new", started_at=began).gone
    following.settle()
    if others:
        following.follow(cloud.start(*names(others)))
    cloud.start("new", ago=timedelta(seconds=1))
    following.go(10)
    assert status_of(following.ask("new", started_at=began)) == "InProgress"


def test_what_was_not_there_while_it_was_new_is_asked_for_again(
    cloud: Cloud, following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.now(UTC)
    assert following.ask("new", started_at=began).gone
    following.settle()
    cloud.start("new")
    monkeypatch.setattr(followed, "NEW", timedelta(0))  # and so time has passed
    assert status_of(following.ask("new", started_at=began)) == "InProgress"


def test_after_a_restart_one_listing_of_all_tells_of_those_that_are_asked_for_one_after_another(
    cloud: Cloud, following: Following
) -> None:
    """Flyte asks for a thousand in half a minute; each that needed a listing of its own would be told nothing."""
    cloud.start(*names(300))
    following.follow(names(4))
    whole = sum(window.modified_after is None for window in cloud.windows)
    for id in names(300)[4:]:
        assert status_of(following.ask(id)) == "InProgress"
    assert sum(window.modified_after is None for window in cloud.windows) == whole
    assert len(cloud.described) <= 4


def test_what_ended_while_nobody_followed_it_is_not_told_as_running(cloud: Cloud, following: Following) -> None:
    """As in one of two connectors, when Flyte's questions about a job begin to come to the other."""
    cloud.start("oldest", ago=8 * HOUR)
    cloud.start("old", ago=7 * HOUR)
    following.follow((*cloud.start(*names(5)), "oldest"))
    cloud.end("oldest")
    following.go(30, step=10)
    cloud.end("old")
    following.go(300, step=10)
    following.go(20, step=10)
    assert status_of(following.ask("old", started_at=cloud.jobs["old"].created)) == "Completed"


def test_what_is_being_described_all_the_while_it_is_asked_for_is_known_in_the_end(
    cloud: Cloud, following: Following
) -> None:
    """Who asks during each listing is not left out."""
    cloud.start(*names(5))
    cloud.hidden = {"job-0004"}
    following.follow(names(4))

    def ask() -> None:
        somebody = threading.Thread(target=following.ask, args=("job-0004", None, 0.0))
        somebody.start()
        somebody.join()

    cloud.paging = ask
    following.ask("job-0004", wait=0.0)
    following.go(30, step=10)
    assert "job-0004" in cloud.described


# --- stale answers ----------------------------------------------------------------------------------------------------


def test_a_stale_description_does_not_take_back_an_end_that_was_listed(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    cloud.end("job-0004")
    cloud.describing = lambda id: {"Name": id, "Status": "InProgress"}
    following.go(10)
    assert "job-0004" in cloud.described
    following.go(90, step=30)  # by now no listing shows it any more
    cloud.describing = lambda id: None
    following.go(10)
    seen = following.ask("job-0004")
    assert (status_of(seen), seen.whole) == ("Completed", True)


def test_a_stale_page_does_not_take_back_an_end(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    cloud.end("job-0004")
    following.go(10)
    cloud.jobs["job-0004"].status = "InProgress"
    cloud.jobs["job-0004"].changed = cloud.date
    following.go(10)
    assert status_of(following.ask("job-0004")) == "Completed"


def test_a_slow_description_does_not_hide_an_end_that_was_listed_meanwhile(cloud: Cloud, following: Following) -> None:
    cloud.start(*names(5))
    answer, asked = threading.Event(), threading.Event()

    def slow(id: str) -> None:
        if id == "job-0000":
            asked.set()
            answer.wait(30)

    cloud.describing = slow
    following.ask("job-0000", wait=0.0)
    wait_for(asked.is_set)
    cloud.end("job-0000")
    cloud.date += 5 * MINUTE
    for id in names(5):
        following.ask(id, wait=0.0)
    wait_for(lambda: cloud.windows and status_of(following.ask("job-0000")) == "Completed")
    answer.set()
    following.settle()
    following.go(20, step=10)
    seen = following.ask("job-0000")
    assert (status_of(seen), seen.whole) == ("Completed", True)


# --- throttling and other faults --------------------------------------------------------------------------------------


def listing_times(following: Following, seconds: float) -> list[float]:
    """When listings were begun, as time passes."""
    times: list[float] = []
    for _ in range(int(seconds / 5)):
        before = len(following.cloud.windows)
        following.go(5)
        times += [following.now] * (len(following.cloud.windows) - before)
    return times


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(times)]


@pytest.mark.parametrize("kind", [Throttled, Transient])
def test_throttled_listings_become_half_as_many_until_it_passes(
    cloud: Cloud, following: Following, kind: type[AwsFault]
) -> None:  # N3
    following.follow(cloud.start(*names(5)))
    cloud.page_faults = [fault(kind), fault(kind)]
    assert gaps(listing_times(following, 130))[:5] == [20, 40, 20, 10, 10]


def test_listings_do_not_become_rarer_without_end(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    cloud.lasting, cloud.page_faults = True, [fault(Throttled)]
    found = gaps(listing_times(following, 700))
    assert found[:4] == [20, 40, 80, 160]
    assert max(found) == followed.SLOWEST


def description_times(following: Following, seconds: float) -> list[float]:
    times: list[float] = []
    for _ in range(int(seconds / 5)):
        before = len(following.cloud.described)
        following.go(5)
        times += [following.now] * (len(following.cloud.described) > before)
    return times


def test_throttled_descriptions_become_half_as_many_until_it_passes(cloud: Cloud, following: Following) -> None:  # N3
    for id in cloud.start(*names(3)):
        following.ask(id)
    following.settle()
    following.go(10)
    cloud.describe_faults = [fault(Throttled)] * 6  # all of them, twice
    found = gaps(description_times(following, 150))
    assert found[:2] == [20, 40]
    assert found[-2:] == [10, 10]


def test_while_aws_throttles_asking_is_no_way_round_it(cloud: Cloud, following: Following) -> None:  # N3
    for id in cloud.start(*names(3)):
        following.ask(id)
    following.settle()
    cloud.lasting, cloud.describe_faults = True, [fault(Throttled)]
    following.go(100, step=10)
    calls = calls_of(cloud)
    for _ in range(10):
        following.go(3)
        for id in names(3):
            assert status_of(following.ask(id)) == "InProgress"
    assert calls_of(cloud) - calls <= 3


@pytest.mark.parametrize("kind", [Denied, Invalid])
def test_what_cannot_be_listed_is_described_in_turns(
    cloud: Cloud, following: Following, kind: type[AwsFault]
) -> None:  # N3
    cloud.lasting, cloud.page_faults = True, [fault(kind)]
    cloud.start(*names(100), ago=timedelta(seconds=1))
    for id in names(100):
        following.ask(id, started_at=datetime.now(UTC))
    following.settle()
    following.go(40, step=10)
    assert {status_of(following.ask(id, datetime.now(UTC))) for id in names(100)} == {"InProgress"}
    following.settle()
    assert len(cloud.windows) == 1
    cloud.described.clear()
    following.go(50, step=10)
    assert set(cloud.described) == set(names(100))
    assert max(Counter(cloud.described).values()) <= 3
    cloud.end("job-0042")
    following.go(50, step=10)
    assert status_of(following.ask("job-0042")) == "Completed"


def test_a_denied_listing_is_nobodys_fault(cloud: Cloud, following: Following) -> None:
    """Nobody needs it. A denial that is shown is taken for final after five minutes, and the job is stopped."""
    cloud.lasting, cloud.page_faults = True, [fault(Denied)]
    for id in cloud.start(*names(8), ago=timedelta(seconds=1)):
        following.ask(id, started_at=datetime.now(UTC))
    following.settle()
    over = threading.Event()
    cloud.describing = lambda id: over.wait(30) and None
    following.pass_time(10)
    wait_for(lambda: following.rests.resting)
    assert cloud.pages == 1
    found = [following.ask(id, datetime.now(UTC), wait=0.0) for id in names(8)]
    over.set()
    assert [seen.fault for seen in found] == [None] * 8
    following.settle()
    assert {status_of(following.ask(id)) for id in names(8)} == {"InProgress"}


def test_described_in_turns_and_throttled_the_turns_become_half_as_many(cloud: Cloud, following: Following) -> None:
    cloud.lasting, cloud.page_faults = True, [fault(Denied)]
    for id in cloud.start(*names(500), ago=timedelta(seconds=1)):
        following.ask(id, started_at=datetime.now(UTC))
    following.settle()
    following.go(160, step=10)
    cloud.described.clear()
    following.go(160, step=10)
    usual = len(cloud.described)
    cloud.describe_faults = [fault(Throttled)]
    following.go(320, step=10)
    cloud.described.clear()
    following.go(320, step=10)
    assert 0 < len(cloud.described) <= usual / 4


def test_a_fault_is_shown_beside_what_was_known_and_cleared(cloud: Cloud, following: Following) -> None:  # N3
    cloud.start("one")
    assert following.ask("one").fault is None
    following.settle()
    cloud.lasting, cloud.describe_faults = True, [fault(Transient, "InternalFailure")]
    following.go(10)
    seen = following.ask("one")
    assert (status_of(seen), seen.fault and seen.fault.code) == ("InProgress", "InternalFailure")
    following.settle()
    cloud.describe_faults = []
    following.go(20)
    assert following.ask("one").fault is None


def test_a_listings_fault_is_shown_by_all_and_cleared(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(5)))
    following.ask("not-shown-yet", started_at=datetime.now(UTC))
    following.settle()
    cloud.page_faults = [fault(Throttled, "ThrottlingException")]
    following.go(10)
    found = [following.ask(id) for id in names(5)]
    assert {status_of(seen) for seen in found} == {"InProgress"}
    assert {seen.fault and seen.fault.code for seen in found} == {"ThrottlingException"}
    assert following.ask("not-shown-yet").fault is not None
    following.go(20)
    assert [following.ask(id).fault for id in [*names(5), "not-shown-yet"]] == [None] * 6


def test_that_an_end_may_not_be_described_is_not_forgotten_by_the_next_listing(
    cloud: Cloud, following: Following
) -> None:
    """Only so can a denial be told to last."""
    following.follow(cloud.start(*names(5)))
    cloud.end("job-0004")
    cloud.lasting, cloud.describe_faults = True, [fault(Denied)]
    following.go(10)
    assert isinstance(following.ask("job-0004").fault, Denied)
    found: list[Any] = []
    cloud.describing = lambda id: found.append(following.ask("job-0004").fault) and None
    following.go(30, step=10)
    assert len(found) >= 3
    assert {type(one) for one in found} == {Denied}


def test_what_cannot_be_read_breaks_no_thread(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(5)))
    cloud.page_faults = [KeyError("TrainingJobSummaries"), TypeError("None")]
    following.go(10)
    seen = following.ask("job-0004")
    assert (status_of(seen), seen.fault and seen.fault.code) == ("InProgress", "UnreadableAnswer")
    following.go(100, step=10)
    cloud.end("job-0004")
    cloud.describe_faults = [KeyError("TrainingJobArn")] * 3
    following.go(10)
    assert status_of(following.ask("job-0004")) == "Completed"
    assert isinstance(following.ask("job-0004").fault, Transient)
    following.go(100, step=10)
    assert following.ask("job-0004").whole


def test_more_unreadable_descriptions_than_there_are_threads(cloud: Cloud, following: Following) -> None:  # N3
    cloud.start("one")
    cloud.describe_faults = [KeyError("TrainingJobArn") for _ in range(2 * status.DESCRIBERS)]
    for _ in range(2 * status.DESCRIBERS):
        seen = following.ask("one")
        assert seen.fault is None or seen.fault.code == "UnreadableAnswer"
        following.settle()
    assert wait_for(lambda: following.ask("one").record)


def test_more_descriptions_without_a_status_than_there_are_threads(cloud: Cloud, following: Following) -> None:  # N3
    cloud.start("one")
    cloud.describing = lambda id: {"Name": id}
    for _ in range(2 * status.DESCRIBERS):
        seen = following.ask("one")
        assert seen.fault is None or seen.fault.code == "UnreadableAnswer"
        following.settle()
    cloud.describing = lambda id: None
    assert wait_for(lambda: following.ask("one").record)


# --- what is followed -------------------------------------------------------------------------------------------------


def test_what_nobody_asks_for_is_forgotten_after_a_quarter_of_an_hour(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    following.go(870, step=10)
    assert {status_of(following.ask(id)) for id in names(4)} == {"InProgress"}
    following.go(40, step=10)
    calls = calls_of(cloud)
    following.go(20, step=10)
    assert calls_of(cloud) > calls
    following.go(910, step=10)
    assert following.ended
    calls = calls_of(cloud)
    following.go(60, step=10)
    assert calls_of(cloud) == calls
    assert status_of(following.ask("job-0000")) == "InProgress"


def test_threads_end_when_nothing_is_followed(cloud: Cloud, real: Following) -> None:
    before = set(threading.enumerate())
    for id in cloud.start("one", "two"):
        assert status_of(real.ask(id)) == "InProgress"

    def of_the_view() -> list[threading.Thread]:
        return [one for one in set(threading.enumerate()) - before if one.name.startswith("smfs-")]

    assert of_the_view()
    cloud.end("one")
    wait_for(lambda: status_of(real.ask("one", wait=5.0)) == "Completed")
    real.view.forget(real.kind, "two")
    wait_for(lambda: not of_the_view())
    cloud.start("three")
    assert status_of(real.ask("three")) == "InProgress"


def test_what_is_followed_anew_while_its_description_is_under_way_is_followed(
    cloud: Cloud, following: Following
) -> None:
    answer, asked = threading.Event(), threading.Event()

    def slow(id: str) -> None:
        asked.set()
        answer.wait(30)

    cloud.describing = slow
    following.ask("one", wait=0.0)
    wait_for(asked.is_set)
    following.view.forget(following.kind, "one")
    cloud.start("one")
    cloud.describing = lambda id: None
    following.ask("one", wait=0.0)
    answer.set()
    following.settle()
    following.follow(cloud.start(*names(4)))
    cloud.end("one")
    following.go(10)
    assert status_of(following.ask("one")) == "Completed"


def test_what_something_was_done_to_is_asked_for_anew(cloud: Cloud, following: Following) -> None:  # N1
    cloud.start("one")
    following.ask("one")
    following.settle()
    cloud.end("one", "Stopped")
    assert status_of(following.ask("one")) == "InProgress"  # a moment ago it was
    following.view.doubt(following.kind, "one")
    wait_for(lambda: status_of(following.ask("one")) == "Stopped")
    following.view.doubt(following.kind, "of nobody")


def test_who_would_rather_wait_is_told_the_present(cloud: Cloud, following: Following) -> None:
    cloud.start("one")
    following.ask("one")
    following.settle()
    cloud.end("one")
    assert status_of(following.ask("one", wait=5.0)) == "Completed"


def test_how_old_an_answer_is_is_known(cloud: Cloud, following: Following) -> None:  # N3
    following.follow(cloud.start(*names(5)))
    following.go(10)
    following.go(4)
    view_of = following.view
    assert view_of.age(following.ask("job-0004")) == 4.0
    following.go(6)
    assert view_of.age(following.ask("job-0004")) == 0.0  # it did not show, and would have
    assert view_of.age(Seen()) == math.inf


def test_how_old_an_answer_is_counts_from_the_question(cloud: Cloud, following: Following) -> None:
    following.follow(cloud.start(*names(5)))
    cloud.jobs["job-0004"].changed = cloud.date
    cloud.paging = lambda: setattr(following, "now", following.now + 3.0)
    following.go(10)
    assert following.view.age(following.ask("job-0004")) == 3.0


# --- promises of time -------------------------------------------------------------------------------------------------


def seconds_of(question: Callable[[], object]) -> float:
    began = time.perf_counter()
    question()
    return time.perf_counter() - began


def test_what_is_known_is_answered_in_50_ms_while_aws_hangs(
    cloud: Cloud, real: Following, hanging: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:  # N3
    monkeypatch.setattr(status, "FRESH", 0.0)  # what is known is always too old
    cloud.start("one")
    assert real.ask("one").record
    hanging()
    took = [seconds_of(lambda: real.ask("one").record) for _ in range(30)]
    assert statistics.median(took) < 0.05


def test_what_is_listed_is_answered_in_50_ms_while_aws_hangs(
    cloud: Cloud, real: Following, hanging: Callable[[], None]
) -> None:  # N3
    real.view._every = 0.1
    cloud.start(*names(50), ago=timedelta(seconds=1))
    for id in names(50):
        real.ask(id, started_at=datetime.now(UTC))
    wait_for(lambda: sum(real.ask(id).record is not None for id in names(50)) == 50)
    hanging()
    took = [seconds_of(lambda id=id: real.ask(id, started_at=datetime.now(UTC))) for id in names(50)]  # type: ignore[misc]
    assert statistics.median(took) < 0.05


def test_the_first_answer_takes_less_than_2_seconds_while_aws_hangs(
    cloud: Cloud, real: Following, hanging: Callable[[], None]
) -> None:  # N3
    hanging()
    cloud.start(*names(7))
    with ThreadPoolExecutor(7) as pool:
        took = list(pool.map(lambda id: seconds_of(lambda: real.ask(id)), names(7)))
    assert statistics.median(took) < 2.0


def test_the_first_answer_is_awss_if_it_comes_in_time(cloud: Cloud, real: Following) -> None:
    cloud.describing = lambda id: threading.Event().wait(0.3) and None
    cloud.start("one")
    assert status_of(real.ask("one")) == "InProgress"


def test_whoever_asks_meanwhile_waits_for_the_same_description(cloud: Cloud, real: Following) -> None:  # N3
    cloud.start("one")
    answer, askers = threading.Event(), threading.Barrier(9)
    cloud.describing = lambda id: answer.wait(30) and None

    def ask(number: int) -> Seen:
        askers.wait(30)
        return real.ask("one", wait=15.0)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, number) for number in range(8)]
        askers.wait(30)
        wait_for(lambda: len(real.rests._waiters) >= 8)  # type: ignore[attr-defined]
        answer.set()
        assert {status_of(one.result()) for one in asked} == {"InProgress"}
    assert cloud.twice == []


def test_many_threads_may_ask_at_once(cloud: Cloud, real: Following, monkeypatch: pytest.MonkeyPatch) -> None:  # N12
    monkeypatch.setattr(status, "FRESH", 0.0)
    monkeypatch.setattr(status, "SPACING", 0.0)
    monkeypatch.setattr(real.view, "_every", 0.02)
    ids = cloud.start(*names(60))

    def ask(number: int) -> set[str]:
        told: set[str] = set()
        for turn in range(60):
            id = ids[(number * 7 + turn) % 60]
            seen = real.ask(id)
            assert not seen.gone
            if seen.record:
                assert seen.record["Name"] == id
                told.add(status_of(seen))
            if turn == 30 and id not in ("job-0000", "job-0001"):
                cloud.end(id)
            if turn % 20 == 19:
                real.view.doubt(real.kind, id)
        return told

    with ThreadPoolExecutor(24) as pool:
        assert set.union(*pool.map(ask, range(24))) <= {"InProgress", "Completed"}
    for id in ids:
        cloud.end(id)
    for id in ids:
        wait_for(lambda id=id: real.ask(id).whole and status_of(real.ask(id)) == "Completed")  # type: ignore[misc]
    assert cloud.twice == []
    wait_for(lambda: real.ended)


# --- one view for all -------------------------------------------------------------------------------------------------


class Answering(Aws):
    """Its calls are answered without AWS."""

    def _method(self, service: str, operation: str) -> Callable[..., Any]:
        return lambda **request: {"Status": "InProgress"}


def test_a_view_that_somebody_in_a_hurry_opened_is_in_no_hurry(cloud: Cloud) -> None:
    """The first that a connector does may be a cancel, which has four seconds."""
    halted = threading.Event()
    halted.set()

    def describe(aws: Aws, id: str) -> Mapping[str, Any]:
        return aws.call("fake", "Describe", doing="asking")

    hurried = Answering(AWS.settings).within(-1.0).until(halted)
    following = Following(cloud, hurried)
    following.kind = Kind("job", describe, cloud.page, cloud.kind.ended)
    seen = following.ask("one")
    following.end()
    assert (seen.fault, seen.record) == (None, {"Status": "InProgress"})


def test_there_is_one_view_for_each_account_region_and_endpoint() -> None:
    assert view(AWS) is view(Aws(AWS.settings))
    assert view(AWS) is view(AWS.within(3.0))
    assert view(AWS.at("eu-west-1")) is not view(AWS)
    elsewhere = Aws(Settings(endpoint="http://127.0.0.1:9", region="us-east-1"))
    assert view(elsewhere) is not view(AWS)
    somebody = Aws(AWS.settings)
    somebody.settings = AWS.settings.model_copy(update={"profile": "somebody-else"})
    assert view(somebody) is not view(AWS)


def test_where_aws_is_on_this_machine_it_is_asked_more_often(emulator: Any) -> None:
    here = Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state)))
    assert StatusView(here)._every == status.EVERY_LOCAL
    assert StatusView(AWS)._every == status.EVERY


def test_awss_date_is_read_from_its_answer() -> None:
    def answer(text: str) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": text}}}

    assert date_of(answer("Fri, 27 Nov 2026 00:18:18 GMT")) == datetime(2026, 11, 27, 0, 18, 18, tzinfo=UTC)
    assert date_of(answer("yesterday")) is None
    assert date_of({}) is None


def test_summaries_by_their_id() -> None:
    assert by("Name", [{"Name": "a", "x": 1}, {"Name": "b"}]) == {"a": {"Name": "a", "x": 1}, "b": {"Name": "b"}}
