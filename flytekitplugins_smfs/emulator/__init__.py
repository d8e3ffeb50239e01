"""An embedded AWS: enough of it, over the real wire protocol, to run file systems, training and tuning locally.

For tests of one's own code there is ``Emulator``, with pytest fixtures in ``flytekitplugins_smfs.emulator.fixtures``.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .testing.admin import EmulatorError
    from .testing.calls import Call
    from .testing.embedded import Emulator
    from .testing.faults import Fault

_HOMES = {"Call": "calls", "Emulator": "embedded", "EmulatorError": "admin", "Fault": "faults"}

__all__ = ["Call", "Emulator", "EmulatorError", "Fault"]


def __getattr__(name: str) -> object:
    """Loaded when first used: the server and every job import this package and need none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
