"""Which execution this is: the outermost call of a workflow or launch plan, never the process.

Names and owner tags derive from it, so it is found again after a crash: by what was called, with what, and how many
times before in the same process. Operations that are called outside of any share the process's own.
"""

from __future__ import annotations

import atexit
import collections
import contextlib
import getpass
import os
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel

from flytekitplugins_smfs.runs import journal, signals

_lock = threading.Lock()
_calls: collections.Counter[str] = collections.Counter()
_process: Execution | None = None
_current: ContextVar[Call | None] = ContextVar("smfs_call", default=None)


class Execution:
    """One execution on this machine."""

    def __init__(self, call: str = "process", *, first: bool = True) -> None:
        self.pid = os.getpid()
        self.resumed = False
        self.unfinished: list[journal.Journal] = []
        """Executions that died while they were cleaned up: what is left of them is removed before anything else."""
        self._steps: collections.Counter[str] = collections.Counter()
        self._kept: set[str] = set()
        self._left = False
        where = journal.directory()
        self._journal = self._take_up(where, call, first=first) or self._begin(where, call)
        self.id = self._journal.execution

    def step(self, task: str) -> str:
        """The next step of this task: its name and how many times it was called before."""
        with _lock:
            index = self._steps[task]
            self._steps[task] += 1
        return f"{task}#{index}"

    def first_attempt(self, step: str) -> int:
        """The attempt to begin a step with: after those that an earlier start of the command gave up."""
        return self._journal.attempts.get(step, 0)

    def keep(self, step: str, attempt: int) -> None:
        """An attempt was left before its end: let the next start of the same command find what it made, and not take
        up the attempt itself, which was asked to stop."""
        with _lock:
            self._kept.add(step)
        self.gave_up(step, attempt)

    def gave_up(self, step: str, attempt: int) -> None:
        """An attempt did not end well: should what follows be cut off, the next start does not find its failure."""
        with _lock:
            self._journal.attempts[step] = attempt + 1
            self._journal.write()

    def ended_well(self, step: str, *, released: bool) -> None:
        """Nothing of this step is left to be taken up; nor of any other, if all that this made was released."""
        with _lock:
            self._kept = set() if released else self._kept - {step}

    def leave(self) -> None:
        """It is left at once, whatever is under way: let the next start find it. Safe in a signal handler."""
        self._left = True

    def end(self) -> None:
        """The removal of what it made begins: should it be cut off, it is not taken up, only seen through."""
        with _lock:
            if not self._journal.ending:
                self._journal.ending = True
                self._journal.write()

    def finish(self) -> None:
        """It ended in good order: nobody has to take it up, unless something of it was left."""
        if self.pid == os.getpid():
            self._journal.close(keep=self._left or bool(self._kept))
            for one in self.unfinished:
                one.close(keep=True)

    def _take_up(self, where: Any, call: str, *, first: bool) -> journal.Journal | None:
        """One that died, if any did. All whose removal was cut off are kept: also that of a start which died over it,
        and left a journal of its own."""
        mine: journal.Journal | None = None
        for one in journal.dead(where, call, first=first):
            if one.ending:
                self.unfinished.append(one)
            elif mine is None:
                mine = one
            else:
                one.close(keep=True)
        self.resumed = mine is not None
        return mine

    def _begin(self, where: Any, call: str) -> journal.Journal:
        token = journal.new_token()
        return journal.begin(where, call, f"local/{_user()}/{token}", token)


class Call:
    """The outermost call of a workflow or launch plan. Its execution begins with its first operation."""

    def __init__(self, name: str, inputs: Any) -> None:
        digits = journal.digest([name, told(inputs)])
        with _lock:
            self.occurrence = _calls[digits]
            self.first = not _calls
            _calls[digits] += 1
        self._key = journal.digest([digits, self.occurrence])
        self._execution: Execution | None = None
        self._begun = threading.Lock()
        self.guard = signals.Guard()
        self.signals = 0
        """How many signals have come since its first operation began."""

    def execution(self) -> Execution:
        """Its execution; begun, or taken up, at the first call."""
        with self._begun:
            if self._execution is None:
                self._execution = Execution(self._key, first=self.first)
            return self._execution

    def hear(self, signals: int) -> None:
        """So many have come by now. The second one leaves whatever is under way. Safe in a signal handler."""
        self.signals = max(self.signals, signals)
        if self.signals > 1 and self._execution is not None:
            self._execution.leave()

    def close(self) -> None:
        """Its end: nothing of it stays in the process."""
        self.guard.restore()
        if self._execution is not None:
            self._execution.finish()


@contextlib.contextmanager
def called(name: str, inputs: Any) -> Iterator[Call]:
    """Within, operations belong to this call; one within another belongs to the outermost."""
    outer = _current.get()
    if outer is not None:
        yield outer
        return
    call = Call(name, inputs)
    token = _current.set(call)
    try:
        yield call
        call.guard.check()
    finally:
        _current.reset(token)
        call.close()


def current() -> Execution:
    """The execution of the call that this code belongs to, or the process's own."""
    call = _current.get()
    return call.execution() if call is not None else _of_process()


def guard() -> None:
    """From now until the outermost call ends, Ctrl-C and its like let its clean-up run. Nothing outside of one."""
    call = _current.get()
    if call is not None:
        call.guard.check()
        call.guard.install(call.execution().id, lambda: call.hear(call.signals + 1))


@contextlib.contextmanager
def hearing(stop: signals.Stop) -> Iterator[int]:
    """Within, the outermost call hears of the signals of an operation. Gives how many it had heard before."""
    call = _current.get()
    before = call.signals if call is not None else 0
    try:
        yield before
    finally:
        if call is not None:
            call.hear(before + len(stop.signals))
        elif stop.insisted:
            current().leave()


def _of_process() -> Execution:
    global _process
    with _lock:
        known = _process if _process is not None and _process.pid == os.getpid() else None
    if known is None:
        known = Execution()
        with _lock:
            _process = known
        atexit.register(known.finish)
    return known


def told(value: Any) -> Any:
    """Inputs as plain data that is the same in every process."""
    if isinstance(value, BaseModel):
        return [type(value).__name__, value.model_dump_json()]
    if isinstance(value, dict):
        return {str(key): told(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [told(item) for item in value]
    if isinstance(value, os.PathLike):
        return str(value)
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user id without a name
        return str(os.getuid())
