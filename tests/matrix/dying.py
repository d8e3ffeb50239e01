"""A process that dies of SIGKILL at one of its AWS calls, as an environment variable says. Imported by what is killed.

`SMFS_TEST_DIES` is `before` or `after`, an API operation, and its how manieth call of this process: `after
CreateFileSystem 1`; `read` stands for all operations that only read. `SMFS_TEST_CALLS` is a file into which every
call's operation is written.
"""

from __future__ import annotations

import collections
import os
import signal
import threading
from pathlib import Path
from typing import Any

from flytekitplugins_smfs.aws.door import Aws

DIES = "SMFS_TEST_DIES"
CALLS = "SMFS_TEST_CALLS"
READS = ("Describe", "Get", "List", "Search")


def arm() -> None:
    """Let this process die, or write down its calls, if the environment says so."""
    side, name, number = [*os.environ.get(DIES, "").split(), "", "", "0"][:3]
    record = os.environ.get(CALLS)
    if not side and not record:
        return
    plain = Aws.call
    counts: collections.Counter[str] = collections.Counter()
    lock = threading.Lock()

    def call(self: Aws, service: str, operation: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with lock:
            names = (operation, *(["read"] if operation.startswith(READS) else []))
            counts.update(names)
            here = name in names and counts[name] == int(number)
            if record:
                with Path(record).open("a") as file:
                    file.write(f"{operation}\n")
        if here and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return plain(self, service, operation, *args, **kwargs)
        finally:
            if here:
                os.kill(os.getpid(), signal.SIGKILL)

    Aws.call = call  # type: ignore[method-assign]
