"""Durable documents, transactions and turns. N5."""

import sqlite3
import threading
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.services import settings
from flytekitplugins_smfs.emulator.services.fsx.settings import FsxSettings
from flytekitplugins_smfs.emulator.settings import Settings
from flytekitplugins_smfs.emulator.store import Store


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


def test_settings_are_kept_where_they_differ(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    Settings.load(file, settings()).update({"fsx_creating_seconds": "2"})
    assert file.read_text() == '{\n  "fsx_creating_seconds": 2.0\n}'
    assert Settings.load(file, settings()).of(FsxSettings).fsx_creating_seconds == 2.0
    Settings.load(file).update({"region": "eu-central-1"})
    kept = Settings.load(file, settings())
    assert (kept.region, kept.of(FsxSettings).fsx_creating_seconds) == ("eu-central-1", 2.0)
    with pytest.raises(ValueError, match="known are"):
        kept.update({"nothing": 1})
    for wrong in (-1, "nan", "inf", "soon", None):
        with pytest.raises(ValueError, match="needs a float"):
            kept.update({"fsx_creating_seconds": wrong})
