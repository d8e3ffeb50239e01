"""AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, shapes as JSON, errors by ``__type``."""

import base64
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from botocore.model import OperationModel

from ..faults import AwsError
from ..messages import Request, Response, request_id
from ..registry import Service
from .base import Protocol
from .scalars import read_blob, read_timestamp


class AwsJson(Protocol):
    """Of a service that has target prefixes."""

    @classmethod
    def find(cls, request: Request, signed_for: str, services: Iterable[Service]) -> Service | None:
        """By the prefix of X-Amz-Target."""
        prefix, dot, _ = request.headers.get("x-amz-target", "").rpartition(".")
        return next((service for service in services if prefix in service.prefixes), None) if dot else None

    def operation(self, request: Request) -> str:
        """From X-Amz-Target."""
        return request.headers.get("x-amz-target", "").rpartition(".")[2]

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """From the body."""
        document = read_object(request.body)
        return read_json(operation.input_shape, document) if operation.input_shape else {}

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        """The output shape as JSON."""
        shape = operation.output_shape
        return self._response(200, write_json(shape, result) if shape else {})

    def refuse(self, error: AwsError) -> Response:
        """The code in ``__type`` and in a header, the message under the name the error's shape gives it."""
        document = {"__type": error.code, **error.fields, self.message_member(error.code): error.message}
        return self._response(error.status, document, {"x-amzn-errortype": error.code})

    def _response(self, status: int, document: Any, headers: dict[str, str] | None = None) -> Response:
        version = self.model.metadata.get("jsonVersion", "1.1")
        content_type = {"content-type": f"application/x-amz-json-{version}", "x-amzn-requestid": request_id()}
        return Response(status, json.dumps(document).encode(), {**content_type, **(headers or {})})


def read_object(body: bytes) -> dict[str, Any]:
    """A body that is one JSON object, or empty. Raises ValueError, or RecursionError for one nested too deep."""
    document = json.loads(body or b"{}", parse_constant=_no_number)
    if not isinstance(document, dict):
        raise ValueError("The request body is not a JSON object.")
    return document


def read_json(shape: Any, value: Any) -> Any:
    """A JSON value as botocore shows it: unknown members dropped, blobs as bytes, timestamps as epoch floats."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            name: read_json(member, value[written])
            for name, member in shape.members.items()
            if value.get(written := member.serialization.get("name", name)) is not None
            and "location" not in member.serialization
        }
    if kind == "list" and isinstance(value, list):
        return [read_json(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: read_json(shape.value, item) for key, item in value.items()}
    if kind == "blob" and isinstance(value, str):
        return read_blob(value)
    if kind == "timestamp" and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return read_timestamp(value)
    return value


def write_json(shape: Any, value: Any) -> Any:
    """What the output shape has of a value: other members and None are dropped, times become epoch floats."""
    kind = shape.type_name
    if kind == "structure":
        return {
            member.serialization.get("name", name): write_json(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [write_json(shape.member, item) for item in value]
    if kind == "map":
        return {key: write_json(shape.value, item) for key, item in value.items()}
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind == "timestamp":
        return round(value.timestamp() if isinstance(value, datetime) else value, 3)
    return value


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON.")
