"""A server for the sake of one process: it ends when that ends, however that ends."""

import os
import signal
import threading
from contextlib import suppress

import psutil


def end_with(pid: int) -> None:
    """Have this process sent SIGTERM when the process ``pid`` is gone, also after ``kill -9``; at once if it is gone.

    A thread waits for it, so it does not matter which of the other's threads started this process. (Linux's
    PR_SET_PDEATHSIG would fire at the end of that thread.)
    """
    threading.Thread(target=_wait, args=(pid,), name="parent", daemon=True).start()


def _wait(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            process.wait()
    os.kill(os.getpid(), signal.SIGTERM)
