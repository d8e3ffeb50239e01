"""Durable documents, transactions and turns. N5."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.services import settings
from flytekitplugins_smfs.emulator.services.fsx.settings import FsxSettings
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


def test_who_reads_waits_for_no_transaction(store: Store) -> None:
    store.put("thing", "a", {"n": 1})
    read: list[object] = []

    def look() -> None:
        read.append(store.get("thing", "a"))
        read.append([doc["n"] for doc in store.all("thing")])

    with store.transaction():
        store.update("thing", "a", n=2)
        reader = threading.Thread(target=look)
        reader.start()
        reader.join(5)
        assert read == [{"n": 1}, [1]]  # what was committed last
        assert store.get("thing", "a") == {"n": 2}  # and its own
    assert store.get("thing", "a") == {"n": 2}
    store.close()


def test_a_long_log_is_moved_aside(store: Store, tmp_path: Path) -> None:
    store.checkpoint_aside()
    text = "a" * 100_000
    for number in range(60):
        store.put("thing", str(number), {"text": text})
    copy = tmp_path / "copy.db"

    def moved() -> bool:
        copy.write_bytes((tmp_path / "state.db").read_bytes())  # without its log
        with closing(sqlite3.connect(copy)) as database:
            return bool(database.execute("SELECT count(*) FROM documents").fetchone()[0] == 60)

    wait_for(lambda: (tmp_path / "state.db").stat().st_size > 5_000_000 and moved())
    store.close()
