"""Loaded by `import flytekit` through the flytekit.plugins entry point: must stay lean and must never raise."""

from __future__ import annotations

import logging
import sys

try:
    from flytekitplugins_smfs.flyte import connector, guesses

    connector.register()
    guesses.register()
    if "flytekitplugins_smfs.values.base" in sys.modules:  # values were imported before flytekit was
        from flytekitplugins_smfs.flyte import literals

        literals.register()
except Exception as error:  # noqa: BLE001 - an exception here would break `import flytekit` for everybody
    logging.getLogger(__name__).warning("flytekitplugins-smfs: the connectors are not registered: %r", error)
