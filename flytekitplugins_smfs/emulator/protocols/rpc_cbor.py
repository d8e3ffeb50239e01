"""Smithy RPC v2 CBOR, which newer clients prefer for CloudWatch."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from botocore.model import OperationModel

from ..faults import AwsError
from ..messages import Request, Response, request_id
from ..registry import Service
from .base import Protocol
from .cbor import Timestamp, dumps, loads

_PATH = re.compile(r"/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)")


class RpcCbor(Protocol):
    """``POST /service/<prefix>/operation/<operation>`` with a CBOR body."""

    @classmethod
    def speaks(cls, request: Request) -> bool:
        """Whether a request says that it is in this protocol."""
        return request.headers.get("smithy-protocol") == "rpc-v2-cbor"

    @classmethod
    def find(cls, request: Request, signed_for: str, services: Iterable[Service]) -> Service | None:
        """By the path. Raises AwsError if it names no service."""
        if not cls.speaks(request):
            return None
        path = _PATH.fullmatch(request.path)
        for service in services:
            if path is not None and path["service"] in service.prefixes:
                return service
        raise AwsError("UnknownOperationException", f"No service here has {request.path[:200]!r}.", 404)

    def operation(self, request: Request) -> str:
        """From the path."""
        return request.path.rpartition("/")[2]

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """From the body."""
        value = loads(request.body) if request.body else {}
        if not isinstance(value, dict):
            raise ValueError("The request body is not a CBOR map.")
        members = operation.input_shape.members if operation.input_shape else {}
        return {name: item for name, item in value.items() if name in members and item is not None}

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        """The output shape as CBOR."""
        shape = operation.output_shape
        return _response(200, _shaped(shape, result) if shape else {})

    def refuse(self, error: AwsError) -> Response:
        """The code in ``__type``, and as the query protocol had it in a header."""
        return self.refusal(error)

    @staticmethod
    def refusal(error: AwsError) -> Response:
        """An error, of whatever service."""
        sender = "Sender" if error.status < 500 else "Receiver"
        document = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
        response = _response(error.status, document)
        response.headers["x-amzn-query-error"] = f"{error.code};{sender}"
        return response


def _response(status: int, document: dict[str, Any]) -> Response:
    headers = {
        "content-type": "application/cbor",
        "smithy-protocol": "rpc-v2-cbor",
        "x-amzn-requestid": request_id(),
    }
    return Response(status, dumps(document), headers)


def _shaped(shape: Any, value: Any) -> Any:
    """What the output shape has of a value."""
    kind = shape.type_name
    if kind == "structure":
        members = shape.members.items()
        return {name: _shaped(member, value[name]) for name, member in members if value.get(name) is not None}
    if kind == "list":
        return [_shaped(shape.member, item) for item in value]
    if kind == "map":
        return {key: _shaped(shape.value, item) for key, item in value.items()}
    if kind == "timestamp":
        return Timestamp(value.timestamp() if isinstance(value, datetime) else value)
    return float(value) if kind in ("float", "double") else value
