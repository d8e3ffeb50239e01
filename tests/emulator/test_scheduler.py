"""Turns: in order, durable, never two at once, never for ever; and the clock they go by."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.clock import Clock
from flytekitplugins_smfs.emulator.scheduler import Handler, Look, Scheduler
from flytekitplugins_smfs.emulator.store import Store
from tests.conftest import wait_for


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def make(store: Store) -> Iterator[Callable[..., Scheduler]]:
    """Makes schedulers that run the turns of "kind", and stops them afterwards."""
    made: list[Scheduler] = []

    def scheduler(handler: Handler, failure: Callable[[str, Exception], None] | None = None) -> Scheduler:
        made.append(Scheduler(store, Clock(store)))
        made[-1].handle("kind", handler, failure)
        made[-1].start()
        return made[-1]

    yield scheduler
    for one in made:
        one.stop()


def left(store: Store) -> list[tuple[object, ...]]:
    return store.run("SELECT kind, id FROM schedule")


def test_turns_are_repeated_until_the_thing_is_at_rest(store: Store, make: Callable[..., Scheduler]) -> None:
    turns: list[str] = []

    def turn(id: str) -> float | None:
        turns.append(id)
        return 0.01 if len(turns) < 4 else None

    make(turn).after(0.01, "kind", "x")
    wait_for(lambda: len(turns) == 4)
    wait_for(lambda: not left(store))
    assert turns == ["x"] * 4


def test_a_turn_that_raises_is_recorded_on_its_thing_and_is_the_last(
    store: Store, make: Callable[..., Scheduler]
) -> None:
    turns: list[str] = []
    failed: list[tuple[str, str]] = []

    def turn(id: str) -> float | None:
        turns.append(id)
        raise OSError("broken")

    scheduler = make(turn, lambda id, error: failed.append((id, str(error))))
    scheduler.after(0, "kind", "x")
    wait_for(lambda: failed and not left(store))
    scheduler.advance(3600)
    assert (turns, failed) == (["x"], [("x", "broken")])


def test_a_failure_that_cannot_be_recorded_is_tried_again(store: Store, make: Callable[..., Scheduler]) -> None:
    tries: list[str] = []

    def turn(id: str) -> float | None:
        raise OSError("broken")

    def failure(id: str, error: Exception) -> None:
        tries.append(str(error))
        if len(tries) < 3:
            raise OSError("the disk is full")

    scheduler = make(turn, failure)
    scheduler.after(0, "kind", "x")
    scheduler.advance(10)
    wait_for(lambda: not left(store))
    assert tries == ["broken"] * 3


def test_turns_outlive_the_scheduler(store: Store, make: Callable[..., Scheduler]) -> None:
    Scheduler(store, Clock(store)).after(0.0, "kind", "x")
    taken = threading.Event()
    make(lambda id: taken.set())
    assert taken.wait(5)


def test_a_thing_never_has_two_turns_at_once(make: Callable[..., Scheduler]) -> None:
    inside, most, done = [0], [0], threading.Event()

    def turn(id: str) -> float | None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        scheduler.after(0.0, "kind", id)
        done.wait(0.01)
        inside[0] -= 1
        return None

    scheduler = make(turn)
    scheduler.after(0.0, "kind", "x")
    assert not done.wait(0.3)
    scheduler.cancel("kind", "x")
    assert most[0] == 1


@pytest.mark.parametrize("again", [None, 3600.0], ids=["at rest", "much later"])
def test_a_turn_that_is_moved_while_it_runs_stays_where_it_was_moved(
    store: Store, make: Callable[..., Scheduler], again: float | None
) -> None:
    turns, inside, go_on = [], threading.Event(), threading.Event()

    def turn(id: str) -> float | None:
        turns.append(id)
        if len(turns) == 1:
            inside.set()
            assert go_on.wait(10)
            return again
        return None

    scheduler = make(turn)
    scheduler.after(0, "kind", "x")
    assert inside.wait(10)
    scheduler.after(0.05, "kind", "x")
    go_on.set()
    wait_for(lambda: len(turns) == 2)
    wait_for(lambda: not left(store))


def test_a_turn_that_is_cancelled_while_it_runs_is_the_last(store: Store, make: Callable[..., Scheduler]) -> None:
    turns: list[str] = []

    def turn(id: str) -> float | None:
        turns.append(id)
        scheduler.cancel("kind", id)
        return 0.0

    scheduler = make(turn)
    scheduler.after(0, "kind", "x")
    wait_for(lambda: turns and not left(store))
    scheduler.advance(10)
    assert turns == ["x"]


def test_a_turn_of_a_transaction_that_is_rolled_back_never_comes(store: Store, make: Callable[..., Scheduler]) -> None:
    turns: list[str] = []
    scheduler = make(turns.append)

    def broken() -> None:
        with store.transaction():
            scheduler.after(0, "kind", "x")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    scheduler.after(0.05, "kind", "y")
    wait_for(lambda: turns)
    assert turns == ["y"]


def test_advancing_lets_every_turn_have_its_moment(store: Store, make: Callable[..., Scheduler]) -> None:
    clock = Clock(store)
    moments: list[tuple[str, int]] = []
    scheduler = Scheduler(store, clock)
    began = clock.now()

    def turn(id: str) -> float | None:
        moments.append((id, round(clock.now() - began, -2)))
        return 1000.0 if len(moments) < 4 else None

    scheduler.handle("kind", turn)
    scheduler.start()
    scheduler.after(1000, "kind", "x")
    scheduler.after(1500, "kind", "y")
    scheduler.advance(10_000)
    scheduler.stop()
    assert moments == [("x", 1000), ("y", 1500), ("x", 2000), ("y", 2500), ("x", 3000)]
    assert 10_000 <= clock.now() - began < 10_100


def test_a_clock_that_skips_goes_to_the_next_turn_when_nothing_goes_on(store: Store) -> None:
    clock, busy, turns = Clock(store), threading.Event(), []
    busy.set()
    scheduler = Scheduler(store, clock)
    scheduler.handle("kind", lambda id: turns.append(id))
    scheduler.handle("look", lambda id: Look(3600))
    clock.set_mode("skip")
    scheduler.start(busy.is_set)
    scheduler.after(0, "look", "y")
    scheduler.after(7200, "kind", "x")
    time.sleep(0.2)  # long enough for ten looks: while something goes on, none of them skips
    assert (turns, clock.offset) == ([], 0.0)
    busy.clear()
    wait_for(lambda: turns == ["x"])
    time.sleep(0.2)
    scheduler.stop()
    assert 7200 <= clock.offset + 1 < 7210  # and not to what is only looked at


def test_the_clock_goes_on_where_it_was_and_never_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(store)
    clock.jump(clock.now() + 5000)
    again = Clock(store)
    assert again.offset == pytest.approx(5000, abs=5)
    now = again.now()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86400)
    assert now <= again.now() < now + 60
    assert now - 15 <= Clock(store).now() < now + 60  # it is written down every ten seconds
    assert again.of(again.real(now)) == pytest.approx(now)
