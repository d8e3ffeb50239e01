"""REST-JSON: the operation in method and path; members in path, query, headers and body."""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.model import OperationModel, ServiceModel, StructureShape

from .faults import AwsError
from .protocol import Request, Response, read_json, request_id, write_json

_SCALARS: dict[str, Any] = {"integer": int, "long": int, "float": float, "double": float}


class RestJsonProtocol:
    """One service that is spoken to so."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model
        self._routes = [_route(model.operation_model(name)) for name in model.operation_names]

    def operation(self, request: Request) -> str:
        """The operation that method and path name; empty if none does."""
        path = request.target.partition("?")[0]
        return next((n for n, method, uri in self._routes if method == request.method and uri.fullmatch(path)), "")

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        shape = operation.input_shape
        if shape is None:
            return {}
        _, _, uri = _route(operation)
        found = uri.fullmatch(request.target.partition("?")[0])
        in_path = {f"m{number}": text for number, text in enumerate(found.groups() if found else ())}
        values = _body(shape, request)
        for name, member in shape.members.items():
            text = _text(operation, name, member, request, in_path)
            if text is not None:
                values[name] = _scalar(member, text)
        return values

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        shape = operation.output_shape
        status = int(operation.http.get("responseCode", 200))
        headers = {"content-type": "application/json", "x-amzn-requestid": request_id()}
        body = b"{}"
        if shape is not None:
            members = {name: shape.members[name] for name, value in result.items() if value is not None}
            for name, member in members.items():
                if member.serialization.get("location") == "header":
                    headers[member.serialization["name"].lower()] = str(result[name])
            payload = shape.serialization.get("payload")
            inside = {name: result[name] for name, m in members.items() if "location" not in m.serialization}
            body = bytes(result.get(payload, b"")) if payload else json.dumps(write_json(shape, inside)).encode()
        return Response(status, body, headers)

    def refuse(self, error: AwsError) -> Response:
        document = {**error.fields, "message": error.message, "Message": error.message}
        headers = {"content-type": "application/json", "x-amzn-requestid": request_id(), "x-amzn-errortype": error.code}
        return Response(error.status, json.dumps(document).encode(), headers)


def _route(operation: OperationModel) -> tuple[str, str, re.Pattern[str]]:
    """Name, method and path of an operation. A label that may hold slashes ends in ``+``."""
    path = operation.http["requestUri"].partition("?")[0]
    parts = re.split(r"(\{[^}]+\})", path)
    wild = {True: "(.+)", False: "([^/]+)"}
    text = "".join(wild[part.endswith("+}")] if part.startswith("{") else re.escape(part) for part in parts)
    return operation.name, operation.http["method"], re.compile(text)


def _labels(operation: OperationModel) -> list[str]:
    return [label.rstrip("+") for label in re.findall(r"\{([^}]+)\}", operation.http["requestUri"].partition("?")[0])]


def _text(operation: OperationModel, name: str, member: Any, request: Request, in_path: dict[str, str]) -> str | None:
    """What a path, query or header has for a member; None if it is elsewhere, or not there."""
    place = member.serialization.get("location")
    key = member.serialization.get("name", name)
    if place == "uri":
        return unquote(in_path[f"m{_labels(operation).index(key)}"])
    if place == "querystring":
        return parse_qs(request.query, keep_blank_values=True).get(key, [None])[0]
    if place == "header":
        return request.headers.get(key.lower())
    return None


def _scalar(member: Any, text: str) -> Any:
    try:
        if member.type_name == "timestamp":
            return datetime.fromisoformat(text).timestamp()
        return text.lower() == "true" if member.type_name == "boolean" else _SCALARS.get(member.type_name, str)(text)
    except ValueError:
        raise AwsError("SerializationException", f"{text!r} is not a {member.type_name}.") from None


def _body(shape: StructureShape, request: Request) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        return {payload: request.body} if request.body else {}
    try:
        document = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "The request body is not JSON.") from None
    if not isinstance(document, dict):
        raise AwsError("SerializationException", "The request body is not a JSON object.")
    if payload:
        return {payload: read_json(shape.members[payload], document)}
    elsewhere = {name for name, member in shape.members.items() if "location" in member.serialization}
    return dict(read_json(shape, {name: value for name, value in document.items() if name not in elsewhere}))
