"""AWS Query: ``Action=...&Name.member.1=...`` in, XML out."""

import base64
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from botocore.model import OperationModel

from ..faults import AwsError
from ..messages import Request, Response, request_id
from ..models import speaks
from ..registry import Service
from .base import Protocol
from .errors import element, escaped, xml, xml_error
from .scalars import read_blob, read_timestamp, timestamp_text


class Query(Protocol):
    """Of a service by the name it signs with; of an unsigned call, by its Action."""

    @classmethod
    def find(cls, request: Request, signed_for: str, services: Iterable[Service]) -> Service | None:
        """By the name in the signature, or by an Action that only one service has."""
        spoken = [service for service in services if speaks(service.model, "query")]
        if signed_for:
            return next((service for service in spoken if service.model.signing_name == signed_for), None)
        action = request.form().get("Action")
        return next((service for service in spoken if action in service.model.operation_names), None)

    def operation(self, request: Request) -> str:
        """The parameter Action."""
        return request.form().get("Action", "")

    def parse(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """From the form, in the body or in the query."""
        shape = operation.input_shape
        return dict(_read_form(shape, _tree(request.form()))) if shape else {}

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        """The output shape as XML, wrapped as the protocol wants it."""
        shape = operation.output_shape
        inner = ""
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
            inner = element(wrapper, write_xml(shape, result))
        name = f"{operation.name}Response"
        namespace = self.model.metadata.get("xmlNamespace", "")
        id = request_id()
        metadata = element("ResponseMetadata", element("RequestId", id))
        return xml(200, f'<{name} xmlns="{namespace}">{inner}{metadata}</{name}>', id)

    def refuse(self, error: AwsError) -> Response:
        """An ErrorResponse."""
        return xml_error(error)


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
            element(member.serialization.get("name", name), write_xml(member, value[name]))
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if kind == "list":
        return "".join(element("member", write_xml(shape.member, item)) for item in value)
    if kind == "map":
        pairs = (element("key", escaped(k)) + element("value", write_xml(shape.value, v)) for k, v in value.items())
        return "".join(element("entry", pair) for pair in pairs)
    if kind == "timestamp":
        return timestamp_text(value)
    if kind == "boolean":
        return "true" if value else "false"
    return escaped(base64.b64encode(value).decode() if kind == "blob" else str(value))
