"""Files that readers see whole, the old content or the new; and locks. Standard library only: supervisors use it."""

import fcntl
import json
from pathlib import Path
from typing import Any


def replace_text(path: Path, text: str) -> None:
    """Replace a file's content in one step."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_text(text)
    temporary.replace(path)


def replace_json(path: Path, content: dict[str, Any], indent: int | None = None) -> None:
    """Replace a file's content by a JSON object, in one step."""
    replace_text(path, json.dumps(content, indent=indent))


def is_locked(path: Path) -> bool:
    """Whether a process that lives holds the lock of a file: the kernel drops it with its holder."""
    if not path.exists():
        return False
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # who else looks is not taken for a holder
        except BlockingIOError:
            return True
    return False
