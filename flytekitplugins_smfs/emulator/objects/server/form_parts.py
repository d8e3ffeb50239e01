"""The parts of a ``multipart/form-data`` body as they arrive; python-multipart reads them.

It also bounds the headers of a part: how many there are, and how long each is.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.multipart import MultipartParser, parse_options_header

from ...wire import Arrival

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks


@dataclass(frozen=True, slots=True)
class Part:
    """The beginning of a part. Its content follows as bytes, then None."""

    name: str
    filename: str


Event = Part | bytes | None


async def events(arrival: Arrival) -> AsyncIterator[Event]:
    """What a form consists of. Raises ValueError when it is ill-formed or ends early."""
    kind, options = parse_options_header(arrival.values.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise ValueError("no form")
    collected = _Collected()
    parser = MultipartParser(options[b"boundary"], collected.callbacks())
    async for piece in arrival.pieces():
        parser.write(piece)
        while collected.events:
            yield collected.events.popleft()
    if not collected.over:
        raise ValueError("it ended early")


class _Collected:
    """What the parser found in what it was given last."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()
        self.over = False
        self._name = bytearray()
        self._value = bytearray()
        self._headers: dict[bytes, bytes] = {}

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._begin,
            "on_part_data": lambda data, start, end: self.events.append(bytes(data[start:end])),
            "on_part_end": lambda: self.events.append(None),
            "on_end": self._end,
        }

    def _header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _begin(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition"))[1]
        name, filename = (options.get(key, b"").decode("utf-8", "replace") for key in (b"name", b"filename"))
        self.events.append(Part(name, filename))

    def _end(self) -> None:
        self.over = True
