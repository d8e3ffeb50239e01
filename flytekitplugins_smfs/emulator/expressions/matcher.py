"""The server's side of the process that runs users' regular expressions."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

_WORKER = Path(__file__).with_name("worker.py")
_CHUNK = 1 << 16
_STARTING_SECONDS = 30.0


class Busy(Exception):
    """Another batch is being matched; ask again soon."""


class TooSlow(Exception):
    """The expression took too long for a batch, or ended its process. ``done`` are the answers of those before it."""

    def __init__(self, done: list[list[tuple[int, str]]]) -> None:
        super().__init__(f"expression {len(done)}")
        self.done = done


class Matcher:
    """One process for all, used by one thread at a time; others are told at once that it is Busy."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def match(self, expressions: list[str], texts: list[str]) -> list[list[tuple[int, str]]]:
        """For each expression the (number of the text, first group) of every text it is found in.

        Compiling counts as matching. Raises Busy; TooSlow at the first expression that takes over the time, whose
        process is then killed.
        """
        if not expressions:
            return []
        if not self._turn.acquire(blocking=False):
            raise Busy
        try:
            return self._ask(expressions, texts)
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._end()

    def _ask(self, expressions: list[str], texts: list[str]) -> list[list[tuple[int, str]]]:
        request = json.dumps({"expressions": expressions, "texts": texts}).encode() + b"\n"
        process = self._started()
        done: list[list[tuple[int, str]]] = []
        try:
            assert process.stdin is not None
            process.stdin.write(request)
            process.stdin.flush()
            while len(done) < len(expressions):
                found = json.loads(self._line(process, self._seconds))
                done.append([(number, text) for number, text in found or []])
        except (TimeoutError, BrokenPipeError, EOFError):
            self._end()
            raise TooSlow(done) from None
        return done

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            command = [sys.executable, "-IS", str(_WORKER)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"LANG": "C.UTF-8"}
            )
            process = self._process
            assert process.stdin is not None
            # Its start is not the expression's time.
            process.stdin.write(b'{"expressions": [""], "texts": []}\n')
            process.stdin.flush()
            self._line(process, _STARTING_SECONDS)
        return self._process

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        """The next line of answers. Raises TimeoutError, or EOFError if the process has ended."""
        assert process.stdout is not None
        until = time.monotonic() + seconds
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                raise TimeoutError
            data = os.read(process.stdout.fileno(), _CHUNK)
            if not data:
                raise EOFError
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        self._rest = b""
