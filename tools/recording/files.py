"""Files: readable JSON with nothing of this machine in it."""

from __future__ import annotations

import base64
import dataclasses
import getpass
import importlib
import importlib.metadata
import json
import re
import socket
import sys
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recording.layout import BASE64, DEPTH, ROOM, WIDTH


class Places:
    """Knows the places and names of this machine, and keeps them out of what is written."""

    def __init__(self, scratch: Path) -> None:
        self._placeholders = {str(scratch): "{scratch}"}
        checkout = Path(str(importlib.import_module(ROOM).__file__)).parents[1]
        words = [re.escape(str(word)) for word in (checkout, sys.prefix, scratch)]
        words.append(rf"(?<![\w-]){re.escape(socket.gethostname())}(?![\w-])")
        paths = [r"127\.0\.0\.1", "localhost", "/home/", "/tmp/", r"/root\b", rf"/{re.escape(getpass.getuser())}/"]
        self._forbidden = re.compile("|".join([*words, *paths]))

    def know(self, place: str, placeholder: str) -> None:
        """Write `placeholder` wherever `place` would stand."""
        self._placeholders[place] = placeholder

    def cleared(self, text: str) -> str:
        """The text with placeholders. Ends the program if something of this machine is left in it."""
        for place, placeholder in self._placeholders.items():
            text = text.replace(place, placeholder)
        seen = BASE64.sub("", text)  # by chance it may hold anything; what it stands for was looked at before
        if found := self._forbidden.search(seen):
            raise SystemExit(f"of this machine: {seen[max(0, found.start() - 200) : found.end() + 200]}")
        return text

    def encoded(self, data: bytes) -> str:
        """Bytes as base64. Ends the program if something of this machine is in them."""
        if self.cleared(data.decode("latin-1")) != data.decode("latin-1"):
            raise SystemExit(f"of this machine: {data!r}")
        return base64.b64encode(data).decode()

    def compressed(self, data: bytes) -> str:
        """Bytes as base64 of their zlib form. Ends the program if something of this machine is in them."""
        self.encoded(data)
        return base64.b64encode(zlib.compress(data, 9)).decode()


def jsonable(value: Any) -> Any:
    """What JSON has no form for: times in UTC, as ISO 8601."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(repr(value))


def pretty(value: Any, indent: str = "", used: int = 0) -> str:
    """JSON with sorted keys. What fits stands on one line, as does what lies deep; `used` of the line is taken."""
    line = json.dumps(value, sort_keys=True, ensure_ascii=False, default=jsonable)
    fits = len(indent) + used + len(line) < WIDTH or len(indent) > DEPTH
    if fits or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + " "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + pretty(item, inner) for item in value) + f"\n{indent}]"
    keys = {key: f"{json.dumps(key, ensure_ascii=False)}: " for key in sorted(value)}
    rows = [f"{inner}{text}{pretty(value[key], inner, len(text))}" for key, text in keys.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def plain(value: Any) -> Any:
    """A pydantic value as JSON gives it."""
    return json.loads(value.model_dump_json())


def in_order(data: Any) -> Any:
    """Data as it will be read from a file: its keys sorted, so that what is made from it has the same order."""
    return json.loads(json.dumps(data, sort_keys=True, default=jsonable))


def expanded(data: Any, parts: Mapping[str, Any]) -> Any:
    """Cases with every `{"$use": part, ...}` replaced by that part with the rest laid over it."""
    if isinstance(data, list):
        return [expanded(item, parts) for item in data]
    if not isinstance(data, dict):
        return data
    own = {key: expanded(item, parts) for key, item in data.items() if key != "$use"}
    return {**expanded(parts[data["$use"]], parts), **own} if "$use" in data else own


def version_of(directory: Path) -> tuple[int, ...]:
    """The release whose recording lies in a directory."""
    return tuple(int(part) for part in directory.name.split("."))


@dataclasses.dataclass
class Recording:
    """Where to write, and what all records share."""

    out: Path
    places: Places

    def earlier(self, name: str) -> list[Path]:
        """The same file of earlier releases, the latest last."""
        mine = version_of(self.out)
        there = [one for one in self.out.parent.iterdir() if one.is_dir() and version_of(one) < mine]
        return [one / name for one in sorted(there, key=version_of) if (one / name).exists()]

    def write(self, name: str, value: Any) -> None:
        """One file."""
        path = self.out / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.places.cleared(pretty(in_order(value))) + "\n", encoding="utf-8")
        print(f"{path.relative_to(self.out)}: {path.stat().st_size:,} bytes")


def news(recording: Recording, file: str, found: Mapping[str, Any], section: str | None = None) -> dict[str, Any]:
    """The entries of a file, or of a section of it, that no earlier release recorded alike."""
    known: dict[str, Any] = {}
    for path in recording.earlier(file):
        whole = json.loads(path.read_text(encoding="utf-8"))
        known |= whole[section] if section else whole
    return {name: entry for name, entry in in_order(found).items() if known.get(name) != entry}
