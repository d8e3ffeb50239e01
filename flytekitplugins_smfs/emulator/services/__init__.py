"""The services this emulator answers itself; all others go to moto.

Every module and package in this directory is one service: it has an attribute ``service``, and its parts add
operations and turns to it. Nothing else needs to know of it. Services of one's own may lie in the directories that
``SMFS_EMULATOR_SERVICES`` names, as PATH names several.
"""

import os
import pkgutil
from importlib import import_module

from ..registry import Service

__path__ = [*__path__, *filter(None, os.environ.get("SMFS_EMULATOR_SERVICES", "").split(os.pathsep))]


def settings() -> tuple[type, ...]:
    """What all services declare that can be set."""
    return tuple(kind for service in load().values() for kind in service.settings)


def load() -> dict[str, Service]:
    """Every service of this directory, whole, by botocore's name of it."""
    found: dict[str, Service] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        package = import_module(module.name)
        if module.ispkg:
            for part in pkgutil.walk_packages(package.__path__, f"{module.name}."):
                import_module(part.name)
        found[package.service.name] = package.service
    return found
