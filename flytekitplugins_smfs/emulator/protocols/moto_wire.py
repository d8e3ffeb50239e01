"""REST bodies by moto's parsers and serializers, which are private to moto: used in this file alone, and tested.

JSON bodies are read by our own reader: moto takes text for a number, and a body that is not JSON for a message.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import OperationModel, ServiceModel

from ..messages import Request, Response
from .aws_json import read_json, read_object
from .scalars import read_blob, read_timestamp


def read(protocol: str, operation: OperationModel, request: Request, labels: dict[str, str]) -> dict[str, Any]:
    """The parameters of a request. Raises whatever moto's parser stumbles over."""
    from moto.core.parse import PROTOCOL_PARSERS
    from werkzeug.datastructures import Headers, MultiDict

    strict = protocol == "rest-json" and not _is_payload_stream(operation)
    lines = list(request.header_lines) or list(request.headers.items())
    parser = PROTOCOL_PARSERS[protocol](_moto_operation(operation), timestamp_parser=_timestamp, blob_parser=read_blob)
    parsed: dict[str, Any] = parser.parse(
        {
            "body": b"" if strict else request.body,
            "headers": Headers(lines),
            "method": request.method,
            "url_params": labels,
            "url_path": request.path,
            "values": MultiDict(parse_qsl(request.query, keep_blank_values=True)),
        }
    )
    if strict and operation.input_shape is not None:
        parsed.update(_json_body(operation.input_shape, request.body))
    return {name: value for name, value in parsed.items() if value is not None}


def _json_body(shape: Any, body: bytes) -> dict[str, Any]:
    """What a JSON body has: all members that stand nowhere else, or the one that it is."""
    payload = shape.serialization.get("payload")
    document = read_object(body)
    if payload is None:
        return dict(read_json(shape, document))
    return {payload: read_json(shape.members[payload], document)} if body else {}


def write(protocol: str, operation: OperationModel, result: dict[str, Any]) -> Response:
    """A successful answer."""
    from moto.core.serialize import SERIALIZERS

    model = _moto_operation(operation)
    shown = _times(operation.output_shape, result) if operation.output_shape else {}
    serialized = SERIALIZERS[protocol](model).serialize(shown)
    body = serialized["body"]
    headers = {name.lower(): str(value) for name, value in serialized["headers"].items()}
    if (content_type := _content_type(operation.output_shape, result)) is not None:
        headers["content-type"] = content_type
    return Response(serialized["status_code"], body if isinstance(body, bytes) else body.encode(), headers)


def _content_type(shape: Any, result: dict[str, Any]) -> str | None:
    """The Content-Type that the answer itself names, which moto would replace by the protocol's."""
    for name, member in shape.members.items() if shape else ():
        where = (member.serialization.get("location"), str(member.serialization.get("name", name)).lower())
        if where == ("header", "content-type") and result.get(name) is not None:
            return str(result[name])
    return None


def _is_payload_stream(operation: OperationModel) -> bool:
    """Whether the whole body is one member of the input, of bytes or text."""
    shape = operation.input_shape
    payload = shape.serialization.get("payload") if shape else None
    return payload is not None and shape.members[payload].type_name in ("blob", "string")


def _timestamp(value: Any) -> float:
    """Epoch seconds; headers have times as in HTTP's Date."""
    if isinstance(value, str) and "," in value:
        return datetime.strptime(value, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC).timestamp()
    return read_timestamp(value)


def _times(shape: Any, value: Any) -> Any:
    """A value with times as moto has them, and without members that are None."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members.items()
        return {name: _times(member, value[name]) for name, member in members if value.get(name) is not None}
    if kind == "list":
        return [_times(shape.member, item) for item in value]
    if kind == "map":
        return {key: _times(shape.value, item) for key, item in value.items()}
    if kind == "timestamp" and not isinstance(value, datetime):
        return datetime.fromtimestamp(value, UTC)
    return value


def _moto_operation(operation: OperationModel) -> Any:
    return _moto_service(operation.service_model).operation_model(operation.name)


@lru_cache(maxsize=16)
def _moto_service(model: ServiceModel) -> Any:
    from moto.core.model import ServiceModel as MotoServiceModel

    return MotoServiceModel(model._service_description, model.service_name)
