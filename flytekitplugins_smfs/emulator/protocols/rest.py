"""REST-JSON and REST-XML: method and path tell the operation; parameters stand in path, query, headers and body."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from botocore.model import OperationModel, ServiceModel

from ..faults import AwsError
from ..messages import Request, Response, request_id
from ..models import speaks
from ..registry import Service
from . import moto_wire
from .base import Protocol
from .errors import xml_error

_LABEL = re.compile(r"\{(?P<name>\w+)(?P<greedy>\+?)\}")


class Route:
    """Method, path and query of one operation."""

    def __init__(self, operation: OperationModel) -> None:
        path, _, query = operation.http["requestUri"].partition("?")
        self.name = operation.name
        self._method = operation.http["method"]
        self._query = parse_qsl(query, keep_blank_values=True)
        self._path = re.compile(_pattern(path))
        self.literal = len(_LABEL.sub("", path)) + len(query)

    def labels(self, request: Request) -> dict[str, str] | None:
        """The labels of a request's path; None if it is not for this operation."""
        found = self._path.fullmatch(request.path)
        if found is None or request.method != self._method:
            return None
        if self._query:
            given = dict(parse_qsl(request.query, keep_blank_values=True))
            if any(name not in given or (value and given[name] != value) for name, value in self._query):
                return None
        return {name: unquote(value) for name, value in found.groupdict().items()}


def _pattern(path: str) -> str:
    """A requestUri as an expression; a greedy label holds slashes."""
    pattern, end = "", 0
    for label in _LABEL.finditer(path):
        inner = ".+" if label["greedy"] else "[^/]+"
        pattern += re.escape(path[end : label.start()]) + f"(?P<{label['name']}>{inner})"
        end = label.end()
    return pattern + re.escape(path[end:]) + "/?"


@lru_cache(maxsize=64)
def _routes(model: ServiceModel) -> list[Route]:
    """All operations of a service, the most definite first."""
    routes = [Route(model.operation_model(name)) for name in model.operation_names]
    return sorted(routes, key=lambda route: -route.literal)


def _route(model: ServiceModel, request: Request) -> tuple[Route, dict[str, str]] | None:
    for route in _routes(model):
        if (labels := route.labels(request)) is not None:
            return route, labels
    return None


def operation_of(model: ServiceModel, request: Request) -> str:
    """The operation that method and path name; empty if there is none, or the service is no REST service."""
    found = _route(model, request) if str(model.metadata["protocol"]).startswith("rest-") else None
    return found[0].name if found else ""


class _Rest(Protocol):
    protocol: ClassVar[str]

    @classmethod
    def find(cls, request: Request, signed_for: str, services: Iterable[Service]) -> Service | None:
        """By the name in the signature, and the path."""
        for service in services:
            model = service.model
            if model.signing_name == signed_for and speaks(model, cls.protocol) and _route(model, request):
                return service
        return None

    def operation(self, request: Request) -> str:
        """From method and path."""
        found = _route(self.model, request)
        return found[0].name if found else ""

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """From wherever the model says that a parameter is."""
        found = _route(self.model, request)
        labels = found[1] if found else {}
        return moto_wire.read(self.protocol, operation, request, labels)

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        """The output shape in headers and body."""
        response = moto_wire.write(self.protocol, operation, result)
        response.headers["x-amzn-requestid"] = request_id()
        return response


class RestJson(_Rest):
    """With JSON bodies."""

    protocol = "rest-json"

    def refuse(self, error: AwsError) -> Response:
        """The code in a header, the message in the body."""
        document = {"__type": error.code, **error.fields, self.message_member(error.code): error.message}
        headers = {
            "content-type": "application/json",
            "x-amzn-errortype": error.code,
            "x-amzn-requestid": request_id(),
        }
        return Response(error.status, json.dumps(document).encode(), headers)


class RestXml(_Rest):
    """With XML bodies."""

    protocol = "rest-xml"

    def refuse(self, error: AwsError) -> Response:
        """An ErrorResponse."""
        return xml_error(error)
