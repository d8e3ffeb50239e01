"""Places for processes: never more than there are, first come first served, also after a restart."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.clock import Clock
from flytekitplugins_smfs.emulator.places import Places
from flytekitplugins_smfs.emulator.scheduler import Scheduler
from flytekitplugins_smfs.emulator.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


def places(store: Store, most: int) -> Places:
    return Places(store, Scheduler(store, Clock(store)), lambda: most)


def due(store: Store) -> set[str]:
    return {str(id) for (id,) in store.run("SELECT id FROM schedule WHERE kind = 'job'")}


def test_who_comes_first_is_served_first(store: Store) -> None:
    some = places(store, 2)
    assert [some.take("job", name, 1) for name in "abcd"] == [True, True, False, False]
    assert [some.take("job", name, 1) for name in "dc"] == [False, False]
    assert not due(store)
    some.give_back("job", "a")
    assert due(store) == {"c"}
    assert not some.take("job", "d", 1)
    assert some.take("job", "c", 1)
    assert some.take("job", "c", 1)  # asked again, it has them already


def test_what_wants_many_is_not_overtaken_for_ever(store: Store) -> None:
    some = places(store, 4)
    assert some.take("job", "small", 1)
    assert not some.take("job", "large", 4)
    assert not some.take("job", "late", 1)
    some.give_back("job", "small")
    assert some.take("job", "large", 4)
    some.give_back("job", "large")
    assert some.take("job", "late", 1)


def test_what_wants_more_than_there_are_runs_alone(store: Store) -> None:
    some = places(store, 2)
    assert some.take("job", "huge", 9)
    assert not some.take("job", "next", 1)
    some.give_back("job", "huge")
    assert some.take("job", "next", 1)


def test_who_gives_up_waiting_lets_the_next_go(store: Store) -> None:
    some = places(store, 2)
    assert some.take("job", "a", 1)
    assert not some.take("job", "b", 2)
    assert not some.take("job", "c", 1)
    some.give_back("job", "b")
    assert due(store) == {"c"}
    some.give_back("job", "nobody")


def test_the_order_outlives_a_restart(store: Store) -> None:
    some = places(store, 1)
    assert [some.take("job", name, 1) for name in "abc"] == [True, False, False]
    again = places(store, 1)
    assert [again.take("job", name, 1) for name in "cba"] == [False, False, True]
    again.give_back("job", "a")
    assert [again.take("job", name, 1) for name in "cb"] == [False, True]


def test_there_are_never_more_than_there_are_places(store: Store) -> None:
    some, chance = places(store, 5), random.Random(7)
    running: dict[str, int] = {}
    waiting = {f"job-{n}": chance.randint(1, 3) for n in range(60)}
    while waiting or running:
        name = chance.choice(sorted({*waiting, *running}))
        if name in running:
            some.give_back("job", name)
            del running[name]
        elif some.take("job", name, waiting[name]):
            running[name] = waiting.pop(name)
        assert sum(running.values()) <= 5
