"""Tests of clients that are not installed are left out, and that is told once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from . import selection
from .clients import CLIENTS, IN_CI, left_out


class Item:
    """What is looked at of a test."""

    def __init__(self, *marks: Any) -> None:
        self._marks = [mark.mark for mark in marks]

    def get_closest_marker(self, name: str) -> Any:
        return next((mark for mark in self._marks if mark.name == name), None)


@pytest.fixture
def gone() -> list[Any]:
    return []


@pytest.fixture
def config(gone: list[Any]) -> Any:
    return SimpleNamespace(hook=SimpleNamespace(pytest_deselected=lambda items: gone.extend(items)))


@pytest.mark.parametrize("all_", [False, True])
def test_what_is_left_out(monkeypatch: pytest.MonkeyPatch, config: Any, gone: list[Any], all_: bool) -> None:
    monkeypatch.setattr(selection, "left_out", lambda: ["absent"])
    monkeypatch.setattr(selection, "ALL", all_)
    client = pytest.mark.client
    plain, there, absent = Item(), Item(client("there")), Item(client("absent"))
    long, other = Item(client("there", long=True)), Item(pytest.mark.soak)
    items: list[Any] = [plain, absent, there, long, other]
    selection.select(config, items)
    assert items == [plain, there, *([long] if all_ else []), other]
    assert gone == ([absent] if all_ else [absent, long])


def test_it_is_told_in_one_line_where_clients_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "left_out", lambda: ["absent", "away"])
    ran = SimpleNamespace(stats={"passed": [SimpleNamespace(nodeid="tests/clients/test_matrix.py::test_x")]})
    (line,) = selection.told(ran)
    assert "left out: absent, away" in line
    assert not list(selection.told(SimpleNamespace(stats={"passed": [SimpleNamespace(nodeid="tests/test_house.py")]})))
    monkeypatch.setattr(selection, "left_out", list)
    assert not list(selection.told(ran))


def test_a_client_of_ci_is_never_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment has to be there: without it the tests fail."""
    monkeypatch.setattr("tests.clients.clients.ENVIRONMENTS", Path("/nowhere"))
    assert left_out() == [client.name for client in CLIENTS if client.name not in IN_CI]
