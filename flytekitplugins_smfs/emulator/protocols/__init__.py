"""The wire protocols, and which service a request is for.

A service of this package may be of any of them: its model says which it speaks.
"""

from collections.abc import Iterable

from ..messages import Request
from ..registry import Service
from .aws_json import AwsJson
from .base import Protocol
from .query import Query
from .rest import RestJson, RestXml
from .rpc_cbor import RpcCbor

ALL: tuple[type[Protocol], ...] = (AwsJson, RpcCbor, Query, RestJson, RestXml)
"""In the order in which a request is looked at."""


def find(request: Request, signed_for: str, services: Iterable[Service]) -> Protocol | None:
    """The protocol of a request, as its service speaks it; None if none of these services is meant.

    Raises AwsError for a request that no service can be meant by.
    """
    known = list(services)
    for kind in ALL:
        if (service := kind.find(request, signed_for, known)) is not None:
            return kind(service)
    return None


__all__ = ["ALL", "AwsJson", "Protocol", "Query", "RestJson", "RestXml", "RpcCbor", "find"]
