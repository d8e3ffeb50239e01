"""What is refused by name, and why: the one place that says what the embedded AWS does not do."""

from functools import cache
from typing import Any

from botocore import xform_name

from .faults import NotImplementedByEmulator
from .registry import Service

INVENTED = frozenset(
    {
        "bedrock",
        "comprehend",
        "forecast",
        "personalize",
        "polly",
        "rds-data",
        "redshift-data",
        "rekognition",
        "textract",
        "transcribe",
    }
)
"""Services, by the names they sign with, of whose work moto invents the results."""


def own(service: Service, operation: str) -> NotImplementedByEmulator | None:
    """Why a service of this package does not do one of its operations; None if it does."""
    return None if operation in service.operations else NotImplementedByEmulator(f"{operation} of {service.name}")


def passed(service: str, operation: str) -> NotImplementedByEmulator | None:
    """Why an operation of a service, by the name it signs with, is not passed to moto; None if it is."""
    if service in INVENTED:
        return NotImplementedByEmulator(f"{operation} of {service}: nothing here does that work")
    if (missing := _missing(service)) is not None:
        return NotImplementedByEmulator(
            f"{operation} of {service} without the Python package {missing}, which is not installed"
        )
    return None


def failed(service: str, operation: str) -> NotImplementedByEmulator:
    """What is said of an operation that moto could not do."""
    return NotImplementedByEmulator(f"{operation} of {service} in this form")


@cache
def moto_operations(service: str) -> frozenset[str] | None:
    """The operations of a service, by botocore's name of it, that moto has code for; None if it has no such service."""
    import importlib

    from moto.core.responses import BaseResponse

    from .models import service_model

    try:
        module = importlib.import_module(f"moto.{service.replace('-', '')}.responses")
    except ImportError:
        return None
    classes = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, BaseResponse)]
    names = service_model(service).operation_names
    return frozenset(name for name in names if any(_has(one, xform_name(name)) for one in classes))


def _has(responses: Any, method: str) -> bool:
    return hasattr(responses, method)


@cache
def _missing(service: str) -> str | None:
    """The package that moto needs for a service and does not find."""
    from moto.backends import get_backend

    try:
        get_backend(service)  # type: ignore[call-overload]
    except ModuleNotFoundError as error:
        return None if (error.name or "moto").partition(".")[0] == "moto" else error.name
    except AttributeError:  # moto keeps it under another name
        return None
    return None
