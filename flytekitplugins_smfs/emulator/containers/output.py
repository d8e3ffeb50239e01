"""A process's output on its way to the log file: cut into lines, stamped, and free of control characters."""

import re
import time
from pathlib import Path

_LONGEST_LINE = 200_000
"""Bytes; CloudWatch cuts events at 256 KB."""
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class Output:
    """The process's output, cut into lines and written with the time each was read.

    Control characters, terminal escapes among them, are shown as SageMaker's logs show them: ``#`` and three octal
    digits (rsyslog's way; ESC is ``#033``). A tab stays, and becomes ``#011`` on its way to CloudWatch.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Write the complete lines; keep the rest. Empty data means the end."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > _LONGEST_LINE):
            lines.append(self._rest)
            self._rest = b""
        stamp = b"%d " % (time.time() * 1000)
        self._file.write(b"".join(stamp + _shown(line.rstrip(b"\r")[:_LONGEST_LINE]) + b"\n" for line in lines))


def _shown(line: bytes) -> bytes:
    return _CONTROL.sub(lambda found: b"#%03o" % found[0][0], line)
