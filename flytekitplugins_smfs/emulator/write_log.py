"""SQLite's write-ahead log, moved into its database by a thread of its own: a checkpoint waits for the disk.

SQLite does it within the commit that finds the log long, while everybody else waits for that commit.
"""

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

_SECONDS = 1.0
_LOG_BYTES = 4 << 20
"""A shorter log is left as it is."""
_LOG_PAGES = 50_000
"""At this length, in pages of 4 KiB, a commit checkpoints by itself all the same."""


def checkpoint_aside(writer: sqlite3.Connection, path: Path) -> None:
    """From now on commits of this connection do not wait for the disk. The thread ends with the process."""
    writer.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    threading.Thread(target=_checkpoint, args=(path,), name=f"checkpoint {path.name}", daemon=True).start()


def _checkpoint(path: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    never = threading.Event()
    with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as aside:
        while not never.wait(_SECONDS):
            with suppress(sqlite3.Error, OSError):  # whoever needs the database is told; here the next turn comes
                if log.stat().st_size > _LOG_BYTES:
                    aside.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
