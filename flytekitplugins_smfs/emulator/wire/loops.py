"""The event loop of a server process."""

import asyncio
import resource
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import uvloop


def run(main: Coroutine[Any, Any, None]) -> None:
    """``asyncio.run`` on uvloop's loop, which spends a third of the time on a small request.

    The process may then have as many files open as the system lets it: each connection is one, and often the soft limit
    is 1024. Jobs have a limit of their own.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(OSError, ValueError):  # macOS refuses what it calls unlimited
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
