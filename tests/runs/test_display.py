"""What a person sees."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.errors import LiveError
from rich.progress import Progress as Bar

from flytekitplugins_smfs.runs import display
from flytekitplugins_smfs.values.operation import Link, Phase, State

RUNNING = State(Phase.RUNNING, "half [way]\nmore", fraction=0.5)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Where it is shown; a terminal when the test's parameter says so."""
    text = io.StringIO()
    terminal = getattr(request, "param", False)
    console = Console(file=text, force_terminal=terminal, width=120, highlight=False, color_system=None)
    monkeypatch.setattr(display, "console", lambda: console)
    yield text
    assert display._live is None
    assert display._shown == []


def test_plain_lines_tell_each_change_once(screen: io.StringIO) -> None:
    with display.shown("t") as view:
        for _ in range(3):
            view.show(RUNNING)
        view.show(State(Phase.SUCCEEDED))
    lines = [line.rpartition(" (")[0] for line in screen.getvalue().splitlines()]
    assert lines == ["t running: half [way]", "t succeeded"]


@pytest.mark.parametrize("screen", [False, True], indirect=True)
def test_links_come_once_and_log_lines_unchanged(screen: io.StringIO) -> None:
    with display.shown("t") as view:
        for _ in range(2):
            view.show(State(Phase.RUNNING, links=(Link(name="Log", url="https://x/[a]"),)))
        view.log(("[0]\ttrain-error:[bold]0.5", "x" * 300))
    text = screen.getvalue()
    assert text.count("Log: https://x/[a]") == 1
    assert "| [0]" in text
    assert "train-error:[bold]0.5" in text
    assert "x" * 300 in text


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_on_a_terminal_several_operations_share_the_live_area(screen: io.StringIO) -> None:
    inside = threading.Barrier(3)

    def show(name: str) -> None:
        with display.shown(name) as view:
            view.show(RUNNING)
            inside.wait(10)

    threads = [threading.Thread(target=show, args=(f"t{index}",)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "t0" in screen.getvalue()


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_where_the_screen_is_somebody_elses_there_are_plain_lines(
    screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken() -> None:
        raise LiveError("Only one live display may be active at once")

    monkeypatch.setattr(display, "_Live", taken)
    with display.shown("t") as view:
        view.show(RUNNING)
    assert "t running: half [way]" in screen.getvalue()


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_inside_somebody_elses_progress_bar(screen: io.StringIO) -> None:
    with Bar(console=display.console()), display.shown("t") as view:
        view.show(RUNNING)
        view.say("something to read")
    assert "something to read" in screen.getvalue()


def test_something_is_said_once(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "_said", set())
    for _ in range(2):
        display.say_once("Hello [x]")
    assert screen.getvalue() == "Hello [x]\n"
