"""All that moto remembers, kept as bytes and brought back. moto keeps it in this process's memory.

Private names of moto: ``BackendDict`` with its list of instances, a dictionary of account and region for each service.
"""

import pickle
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BackendDict


def kept() -> bytes:
    """Everything, as it is now. Call it while nobody asks moto for anything."""
    services = {
        service.service_name: {account: dict(regions) for account, regions in service.items()}
        for service in instances()
    }
    return pickle.dumps(services)


def forget() -> None:
    """Forget everything."""
    for service in instances():
        service.clear()


def bring_back(memory: bytes) -> None:
    """Be as when ``kept`` gave this, and forget what came later."""
    forget()
    for name, accounts in pickle.loads(memory).items():  # noqa: S301  # bytes of this very process
        backend: Any = get_backend(name)
        for account, regions in accounts.items():
            for region, one in regions.items():
                backend[account][region] = one


def instances() -> list[Any]:
    """What moto remembers of each service that was ever asked, by account and region."""
    every: Any = BackendDict
    return list(every._instances)
