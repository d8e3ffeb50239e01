"""Loaded by `import flytekit` through the flytekit.plugins entry point: must stay lean and must never raise."""

from __future__ import annotations

import logging

try:
    from flytekitplugins_smfs.flyte.connector import register

    register()
except Exception as error:  # noqa: BLE001 - an exception here would break `import flytekit` for everybody
    logging.getLogger(__name__).warning("flytekitplugins-smfs: the connectors are not registered: %r", error)
