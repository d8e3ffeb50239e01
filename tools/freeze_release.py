"""Freeze the defaults of this release's specs in `flytekitplugins_smfs/values/releases.json`.

    python tools/freeze_release.py

Run it when a spec gains a field or a default changes; entries of earlier releases are never touched. A test compares.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values import identity

TABLE = Path(identity.__file__).with_name("releases.json")


def specs() -> tuple[type[BaseModel], ...]:
    """The spec of every operation and every value within."""
    found: dict[str, type[BaseModel]] = {}
    for name in catalog.names():
        for kind in _within(catalog.load(name).spec_type):
            found.setdefault(kind.__name__, kind)
    return tuple(found.values())


def _within(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for info in annotation.model_fields.values():
            yield from _within(info.annotation)
    for part in get_args(annotation):
        yield from _within(part)


def main() -> int:
    """Write the table."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    table[identity.RELEASE] = identity.frozen(specs())
    TABLE.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
