"""Where this user's state lies: the one place that knows."""

import os
from pathlib import Path


def state_home() -> Path:
    """``$XDG_STATE_HOME``, or ``~/.local/state``. A relative one is not used, as the XDG specification says."""
    named = os.environ.get("XDG_STATE_HOME", "")
    return Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
