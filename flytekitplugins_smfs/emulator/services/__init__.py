"""The services this emulator answers itself, by botocore's names; all others go to moto.

Each module (or package) has an attribute ``service``. It is imported when the server starts.
"""

from importlib import import_module

from ..registry import Service

MODULES = {
    "fsx": "fsx",
    "logs": "logs",
    "cloudwatch": "cloudwatch",
    "sagemaker": "sagemaker",
}


def load() -> dict[str, Service]:
    """Import every service of ``MODULES``."""
    services: dict[str, Service] = {}
    for name, module in MODULES.items():
        services[name] = import_module(f"{__name__}.{module}").service
    return services
