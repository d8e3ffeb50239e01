"""Which operations there are. Importing this costs nothing; an operation is loaded when it is first used."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from flytekitplugins_smfs.values.errors import SmfsError

OPERATIONS: dict[str, str] = {
    "lustre-create": "lustre.create:CreateLustre",
    "lustre-delete": "lustre.delete:DeleteLustre",
    "repository-link": "lustre.link:LinkRepository",
    "repository-unlink": "lustre.unlink:UnlinkRepository",
    "training": "sagemaker.training:Train",
    "tuning": "sagemaker.tuning:Tune",
    "release": "release:Release",
}
"""Operation name -> module and class in this room."""


@functools.cache
def load(name: str) -> Any:
    """The operation of this name."""
    if name not in OPERATIONS:
        raise SmfsError(f"There is no operation {name!r}; there are: {', '.join(OPERATIONS)}.")
    module, _, attribute = OPERATIONS[name].partition(":")
    return getattr(importlib.import_module(f"flytekitplugins_smfs.operations.{module}"), attribute)()
