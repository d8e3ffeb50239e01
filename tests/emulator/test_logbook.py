"""The store of log events is bounded."""

from pathlib import Path

from flytekitplugins_smfs.emulator.clock import Clock
from flytekitplugins_smfs.emulator.logbook import LogBook
from flytekitplugins_smfs.emulator.store import Store


def test_the_oldest_events_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    logs = LogBook.open(store, "eu-west-1", Clock(store), lambda: 100)
    for batch in range(30):
        logs.at(f"region-{batch % 2}").append("g", "s", [(batch * 10 + n, f"{batch}.{n}") for n in range(10)])
    kept = [logs.at(f"region-{half}").after("g", "s", (-1, 0), 1000, 0, 10**6) for half in range(2)]
    assert 100 <= sum(map(len, kept)) <= 111
    assert kept[1][-1].message == "29.9"
    assert [stream.name for stream in logs.at("region-0").streams("g")] == ["s"]
