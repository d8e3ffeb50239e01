"""The part of CBOR (RFC 8949) that AWS's protocol needs."""

import struct
from typing import Any

_TIMESTAMP_TAG = 1
_BREAK = object()


class Timestamp(float):
    """Epoch seconds that are written with their tag."""


def dumps(value: Any) -> bytes:
    """A value of dicts, lists, str, bytes, numbers, bool and None as CBOR."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        tag = _head(6, _TIMESTAMP_TAG) if isinstance(value, Timestamp) else b""
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
