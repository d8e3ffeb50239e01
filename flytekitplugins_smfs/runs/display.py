"""What a person sees of a local run: a live line for each operation, or plain lines where there is no terminal."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Any, cast

from rich.console import Console
from rich.errors import LiveError
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.runs import signals
from flytekitplugins_smfs.values.operation import Phase, State

COLOURS = {Phase.SUCCEEDED: "green", Phase.FAILED: "red", Phase.RETRYABLE_FAILED: "yellow"}


class Output:
    """Standard error that may have lost its reader: what cannot be written then asks what is in flight to stop.

    rich would end the thread that writes, with an exception that no clean-up of a workflow sees.
    """

    def __init__(self) -> None:
        self._lost = False

    def write(self, text: str) -> int:
        """As a file's."""
        if not self._lost:
            try:
                return int(sys.stderr.write(text))
            except (OSError, ValueError):  # nobody reads it any more, the terminal is gone, or it is closed
                self._lose()
        return len(text)

    def flush(self) -> None:
        """As a file's."""
        if not self._lost:
            try:
                sys.stderr.flush()
            except (OSError, ValueError):
                self._lose()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)

    def _lose(self) -> None:
        self._lost = True
        silence()
        signals.stop_all(signals.CLOSED)


def silence() -> None:
    """Let standard output and error lead nowhere where nobody reads them, so that a clean-up that prints goes on."""
    for descriptor in unread():
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def unread() -> list[int]:
    """Which of standard output and error are pipes that nobody reads any more."""
    asking = select.poll()
    for descriptor in (1, 2):
        asking.register(descriptor, 0)
    return [descriptor for descriptor, event in asking.poll(0) if event & select.POLLERR]


@functools.cache
def console() -> Console:
    """Where progress goes: standard error, so that a task's own output stays clean."""
    return Console(file=cast(IO[str], Output()), highlight=False)


class View:
    """One operation on the screen."""

    def __init__(self, name: str, live: _Live | None) -> None:
        self.name = name
        self._live = live
        self._task = live.add(name) if live else None
        self._began = time.monotonic()
        self._said = ""
        self._links: set[str] = set()
        self._notes: set[str] = set()

    def show(self, answer: State) -> None:
        """Show where the operation is; its links are printed once."""
        message = " ".join(answer.message.split("\n", 1)[0].split())
        if self._live and self._task is not None:
            colour = COLOURS.get(answer.phase, "cyan")
            text = f"[{colour}]{answer.phase}[/] {escape(message)}"
            self._live.update(self._task, text, answer.fraction)
        for link in answer.links:
            if link.url not in self._links:
                self._links.add(link.url)
                self.say(f"{link.name}: {link.url}")
        line = f"{answer.phase}: {message}" if message else str(answer.phase)
        if (self._live is None or answer.phase.final) and line != self._said:
            self._said = line
            self._print(f"{line} ({time.monotonic() - self._began:.1f} s)", COLOURS.get(answer.phase))

    def say(self, text: str) -> None:
        """Print something to be read."""
        self._print(text, None)

    def note(self, text: str) -> None:
        """Print something that may be said over and over: the first time."""
        if text not in self._notes:
            self._notes.add(text)
            self.say(text)

    def log(self, lines: tuple[str, ...]) -> None:
        """Print lines of the job's log."""
        for line in lines:
            self._print(f"| {line}", "dim")

    def close(self) -> None:
        """Take it off the screen."""
        if self._live and self._task is not None:
            self._live.remove(self._task)

    def _print(self, text: str, style: str | None) -> None:
        prefix = f"[bold]{escape(self.name)}[/] "
        body = f"[{style}]{escape(text)}[/]" if style else escape(text)
        console().print(prefix + body, soft_wrap=True)


class _Live:
    """The one live area of the process; several threads may have lines in it."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("[bold]{task.fields[name]}[/]"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=console(),
            transient=True,
            refresh_per_second=8,
        )
        self._progress.start()

    def add(self, name: str) -> TaskID:
        return self._progress.add_task("", total=None, name=escape(name), state="")

    def update(self, task: TaskID, state: str, fraction: float | None) -> None:
        total = None if fraction is None else 1.0
        self._progress.update(task, state=state, total=total, completed=fraction or 0.0)

    def remove(self, task: TaskID) -> None:
        self._progress.remove_task(task)

    def stop(self) -> None:
        self._progress.stop()


_lock = threading.Lock()
_shown: list[View] = []
_live: _Live | None = None
_said: set[str] = set()


def introduce(aws: Aws) -> None:
    """Say which AWS this process talks to, once, before it is talked to."""
    url = aws.endpoint.url
    place = f" ({url})" if url and url != aws.settings.endpoint else ""
    say_once(f"AWS: {aws.settings.described}{place}, region {aws.region}.")


def say_once(text: str) -> None:
    """Say something that holds for the whole process, once."""
    with _lock:
        new = text not in _said
        _said.add(text)
    if new:
        console().print(f"[bold]{escape(text)}[/]", soft_wrap=True)


@contextlib.contextmanager
def shown(name: str) -> Iterator[View]:
    """Show an operation while it is in flight."""
    with _lock:
        view = View(name, _live_area())
        _shown.append(view)
    try:
        yield view
    finally:
        with _lock:
            _shown.remove(view)
            view.close()
            if not _shown:
                _end_live_area()


def _live_area() -> _Live | None:
    global _live
    if _live is None and console().is_terminal:
        try:
            _live = _Live()
        except LiveError:  # somebody else's progress bar has the screen
            return None
    return _live


def _end_live_area() -> None:
    global _live
    if _live is not None:
        _live.stop()
        _live = None
