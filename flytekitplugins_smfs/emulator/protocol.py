"""The wire protocols: how a request is read, and how an answer or an error is written, for each of them."""

import base64
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.model import OperationModel, ServiceModel

from .faults import AwsError
from .signatures import Key


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; ``target`` is path and query as sent.

    ``header_lines`` are the headers as they came, in order; in ``headers`` repeated ones are joined by commas.
    ``caller`` is whose signature it bears.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    header_lines: Sequence[tuple[str, str]] = ()
    caller: Key | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    def form(self) -> dict[str, str]:
        """The parameters of a query-protocol call, from the body or the query string."""
        text = self.body.decode("utf-8", "replace") if self.body else self.query
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}


@dataclass(frozen=True)
class Response:
    """One HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def request_id() -> str:
    """A new request id."""
    return str(uuid.uuid4())


class JsonProtocol:
    """AWS JSON 1.0 and 1.1: the operation in X-Amz-Target, shapes as JSON, errors by ``__type``."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model

    def operation(self, request: Request) -> str:
        return request.headers.get("x-amz-target", "").rpartition(".")[2]

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        try:
            document = json.loads(request.body or b"{}", parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise AwsError("SerializationException", "The request body is not JSON.") from None
        if not isinstance(document, dict):
            raise AwsError("SerializationException", "The request body is not a JSON object.")
        try:
            return read_json(operation.input_shape, document) if operation.input_shape else {}
        except (ValueError, RecursionError, OverflowError) as problem:
            raise AwsError("SerializationException", str(problem) or "The request body is nested too deep.") from None

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        shape = operation.output_shape
        return self._response(200, write_json(shape, result) if shape else {})

    def refuse(self, error: AwsError) -> Response:
        document = {"__type": error.code, **error.fields, self._message_member(error.code): error.message}
        return self._response(error.status, document, {"x-amzn-errortype": error.code})

    def _message_member(self, code: str) -> str:
        shape = self.model.shape_for_error_code(code) if code in self.model._shape_resolver._shape_map else None
        return "Message" if shape is not None and "Message" in shape.members else "message"

    def _response(self, status: int, document: Any, headers: dict[str, str] | None = None) -> Response:
        version = self.model.metadata.get("jsonVersion", "1.1")
        content_type = {"content-type": f"application/x-amz-json-{version}", "x-amzn-requestid": request_id()}
        return Response(status, json.dumps(document).encode(), {**content_type, **(headers or {})})


class QueryProtocol:
    """AWS Query: ``Action=...&Name.member.1=...`` in, XML out."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model

    def operation(self, request: Request) -> str:
        return request.form().get("Action", "")

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        shape = operation.input_shape
        return dict(_read_form(shape, _tree(request.form()))) if shape else {}

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        shape = operation.output_shape
        inner = ""
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
            inner = f"<{wrapper}>{write_xml(shape, result)}</{wrapper}>"
        name = f"{operation.name}Response"
        namespace = self.model.metadata.get("xmlNamespace", "")
        id = request_id()
        metadata = f"<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>"
        return _xml(200, f'<{name} xmlns="{namespace}">{inner}{metadata}</{name}>', id)

    def refuse(self, error: AwsError) -> Response:
        return xml_error(error)


def read_json(shape: Any, value: Any) -> Any:
    """A JSON value as botocore shows it: unknown members dropped, blobs as bytes, timestamps as epoch floats."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = shape.members
        return {
            name: read_json(members[name], item) for name, item in value.items() if name in members and item is not None
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


def read_blob(text: str) -> bytes:
    """The bytes of base64. Raises ValueError if it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("A blob is not base64.") from None


def read_timestamp(value: str | float) -> float:
    """Epoch seconds of a number of them, or of ISO 8601 text. Raises ValueError for what is no time since year 1."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        datetime.fromtimestamp(value, UTC)
        return value
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{str(value)[:100]!r} is not a timestamp.") from None


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON.")


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


def _tree(form: dict[str, str]) -> dict[str, Any]:
    """The parameters by the parts of their names, so that each is looked at once; a value stands under ``""``."""
    root: dict[str, Any] = {}
    for name, value in form.items():
        node = root
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[""] = value
    return root


def _read_form(shape: Any, node: dict[str, Any]) -> Any:
    """The value of a shape in a tree of parameters. Of a scalar without a value: None."""
    kind = shape.type_name
    if kind == "structure":
        values = {name: _read_form(member, node[name]) for name, member in shape.members.items() if name in node}
        return {name: value for name, value in values.items() if value is not None}
    if kind == "list":
        items = node if shape.serialization.get("flattened") else node.get("member", {})
        return [_read_form(shape.member, items[str(n)]) for n in _numbers(items)]
    if kind == "map":
        entries = node.get("entry", {})
        pairs = [entries[str(n)] for n in _numbers(entries)]
        return {pair.get("key", {}).get("", ""): _read_form(shape.value, pair.get("value", {})) for pair in pairs}
    return _read_scalar(kind, node[""]) if "" in node else None


def _numbers(items: dict[str, Any]) -> Iterator[int]:
    return itertools.takewhile(lambda number: str(number) in items, itertools.count(1))


def _read_scalar(kind: str, text: str) -> Any:
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "timestamp":
            return read_timestamp(text)
        if kind == "blob":
            return read_blob(text)
    except ValueError:
        raise AwsError("MalformedInput", f"{text[:100]!r} is not a {kind}.") from None
    return text.lower() == "true" if kind == "boolean" else text


def write_xml(shape: Any, value: Any) -> str:
    """The members of a value as XML elements."""
    kind = shape.type_name
    if kind == "structure":
        return "".join(
            _element(member.serialization.get("name", name), write_xml(member, value[name]))
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if kind == "list":
        return "".join(_element("member", write_xml(shape.member, item)) for item in value)
    if kind == "map":
        pairs = (_element("key", _escaped(k)) + _element("value", write_xml(shape.value, v)) for k, v in value.items())
        return "".join(_element("entry", pair) for pair in pairs)
    if kind == "timestamp":
        return timestamp_text(value)
    if kind == "boolean":
        return "true" if value else "false"
    return _escaped(base64.b64encode(value).decode() if kind == "blob" else str(value))


def timestamp_text(value: float | datetime) -> str:
    """ISO 8601 in UTC, from a datetime or epoch seconds."""
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def xml_error(error: AwsError) -> Response:
    """An error of the query and rest-xml protocols."""
    kind = "Sender" if error.status < 500 else "Receiver"
    inner = (
        _element("Type", kind) + _element("Code", _escaped(error.code)) + _element("Message", _escaped(error.message))
    )
    id = request_id()
    return _xml(error.status, _element("ErrorResponse", _element("Error", inner) + _element("RequestId", id)), id)


def ec2_error(error: AwsError) -> Response:
    """An error of the ec2 protocol."""
    inner = _element("Code", _escaped(error.code)) + _element("Message", _escaped(error.message))
    id = request_id()
    text = _element("Errors", _element("Error", inner)) + _element("RequestID", id)
    return _xml(error.status, _element("Response", text), id)


def error_for(protocol: str, error: AwsError) -> Response:
    """An error for a service of which only the protocol is known."""
    if protocol == "ec2":
        return ec2_error(error)
    if protocol in ("query", "rest-xml"):
        return xml_error(error)
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
    return Response(error.status, body, {**headers, "x-amzn-requestid": request_id()})


def _xml(status: int, text: str, id: str) -> Response:
    return Response(status, text.encode(), {"content-type": "text/xml", "x-amzn-requestid": id})


def _element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
