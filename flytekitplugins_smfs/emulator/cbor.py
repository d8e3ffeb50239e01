"""Smithy RPC v2 CBOR, which newer clients prefer for CloudWatch, and the part of RFC 8949 that it needs."""

import struct
from datetime import datetime
from typing import Any

from botocore.model import OperationModel, ServiceModel

from .faults import AwsError
from .protocol import Request, Response, request_id

_TIMESTAMP_TAG = 1
_BREAK = object()


class CborProtocol:
    """``POST /service/<name>/operation/<operation>`` with a CBOR body."""

    def __init__(self, model: ServiceModel) -> None:
        self.model = model

    def operation(self, request: Request) -> str:
        """The operation's name, from the path."""
        return request.path.rpartition("/")[2]

    def read(self, operation: OperationModel, request: Request) -> dict[str, Any]:
        """The parameters; timestamps as epoch floats."""
        if not request.body:
            return {}
        try:
            value = loads(request.body)
        except (LookupError, ValueError, OverflowError, RecursionError, TypeError, struct.error):
            raise AwsError("SerializationException", "The request body is not CBOR.") from None
        if not isinstance(value, dict):
            raise AwsError("SerializationException", "The request body is not a CBOR map.")
        members = operation.input_shape.members if operation.input_shape else {}
        return {name: item for name, item in value.items() if name in members and item is not None}

    def answer(self, operation: OperationModel, result: dict[str, Any]) -> Response:
        """A successful answer."""
        shape = operation.output_shape
        return _response(200, _shaped(shape, result) if shape else {})

    def refuse(self, error: AwsError) -> Response:
        """An error."""
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


class _Timestamp(float):
    """Epoch seconds that are written with their tag."""


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
        return _Timestamp(value.timestamp() if isinstance(value, datetime) else value)
    return float(value) if kind in ("float", "double") else value


def dumps(value: Any) -> bytes:
    """A value of dicts, lists, str, bytes, numbers, bool and None as CBOR."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        tag = _head(6, _TIMESTAMP_TAG) if isinstance(value, _Timestamp) else b""
        return tag + b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(dumps(part) for pair in value.items() for part in pair)
    return _head(4, len(value)) + b"".join(dumps(item) for item in value)


def loads(data: bytes) -> Any:
    """The value of a CBOR document."""
    return _Reader(data).value()


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for code, form, limit in ((24, ">B", 2**8), (25, ">H", 2**16), (26, ">I", 2**32), (27, ">Q", 2**64)):
        if number < limit:
            return bytes([major << 5 | code]) + struct.pack(form, number)
    raise ValueError(number)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self) -> Any:
        first = self._take(1)[0]
        major, code = first >> 5, first & 31
        if major == 7:
            return self._simple(code)
        if code == 31:
            return self._indefinite(major)
        number = code if code < 24 else int.from_bytes(self._take(1 << (code - 24)), "big")
        return self._definite(major, number)

    def _definite(self, major: int, number: int) -> Any:
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 2:
            return self._take(number)
        if major == 3:
            return self._take(number).decode()
        if major == 4:
            return [self.value() for _ in range(number)]
        if major == 5:
            return {self.value(): self.value() for _ in range(number)}
        return self.value()

    def _indefinite(self, major: int) -> Any:
        items = []
        while (item := self.value()) is not _BREAK:
            items.append(item)
        if major == 2:
            return b"".join(items)
        if major == 3:
            return "".join(items)
        return items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))

    def _simple(self, code: int) -> Any:
        constants = {20: False, 21: True, 22: None, 23: None, 31: _BREAK}
        if code in constants:
            return constants[code]
        form = {25: ">e", 26: ">f", 27: ">d"}[code]
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _take(self, count: int) -> bytes:
        part = self._data[self._at : self._at + count]
        if len(part) != count:
            raise ValueError("the document ends early")
        self._at += count
        return part
