"""Durable documents, transactions and turns. N5."""

import sqlite3
import threading
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.scheduler import Scheduler
from flytekitplugins_smfs.emulator.settings import Settings
from flytekitplugins_smfs.emulator.store import Store
from tests.conftest import wait_for


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "state.db")


def test_documents_keep_their_order_and_outlive_the_store(store: Store, tmp_path: Path) -> None:
    for id in ("b", "a", "c"):
        store.put("thing", id, {"id": id, "n": 1})
    store.update("thing", "b", n=2)
    again = Store(tmp_path / "state.db")
    assert [(doc["id"], doc["n"]) for doc in again.all("thing")] == [("b", 2), ("a", 1), ("c", 1)]
    assert again.delete("thing", "a")
    assert not again.delete("thing", "a")
    assert again.get("thing", "a") is None
    assert again.update("thing", "a", n=3) is None


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    def fail_halfway() -> None:
        with store.transaction():
            store.put("thing", "a", {})
            with store.transaction():
                store.put("thing", "b", {})
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail_halfway()
    assert store.all("thing") == []


def test_threads_do_not_lose_updates(store: Store) -> None:
    store.put("counter", "c", {"n": 0})

    def count() -> None:
        for _ in range(50):
            with store.transaction():
                document = store.get("counter", "c") or {}
                store.put("counter", "c", {"n": document["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("counter", "c") == {"n": 200}


def test_state_of_another_format_is_refused(tmp_path: Path) -> None:
    Store(tmp_path / "state.db").close()
    database = sqlite3.connect(tmp_path / "state.db")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(RuntimeError, match="format 99"):
        Store(tmp_path / "state.db")


def test_turns_are_repeated_until_the_thing_is_at_rest(store: Store) -> None:
    turns: list[str] = []

    def turn(id: str) -> float | None:
        turns.append(id)
        if len(turns) == 1:
            raise OSError("passes")
        return 0.01 if len(turns) < 4 else None

    scheduler = Scheduler(store)
    scheduler.handle("kind", turn)
    scheduler.start()
    scheduler.after(0.01, "kind", "x")
    wait_for(lambda: len(turns) == 4)
    wait_for(lambda: not store.run("SELECT 1 FROM schedule"))
    scheduler.stop()
    assert turns == ["x"] * 4


def test_turns_outlive_the_scheduler(store: Store) -> None:
    Scheduler(store).after(0.0, "kind", "x")
    taken = threading.Event()
    later = Scheduler(store)
    later.handle("kind", lambda id: taken.set())
    later.start()
    assert taken.wait(5)
    later.stop()


def test_a_thing_never_has_two_turns_at_once(store: Store) -> None:
    inside, most, done = [0], [0], threading.Event()
    scheduler = Scheduler(store)

    def turn(id: str) -> float | None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        scheduler.after(0.0, "kind", id)
        done.wait(0.01)
        inside[0] -= 1
        return None

    scheduler.handle("kind", turn)
    scheduler.start()
    scheduler.after(0.0, "kind", "x")
    assert not done.wait(0.3)
    scheduler.cancel("kind", "x")
    scheduler.stop()
    assert most[0] == 1


def test_settings_are_kept_where_they_differ(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    Settings.load(file).update({"fsx_creating_seconds": "2"})
    assert file.read_text() == '{\n  "fsx_creating_seconds": 2.0\n}'
    assert Settings.load(file).fsx_creating_seconds == 2.0
    with pytest.raises(ValueError, match="known are"):
        Settings.load(file).update({"nothing": 1})
    with pytest.raises(ValueError, match="needs a float"):
        Settings.load(file).update({"fsx_creating_seconds": -1})
