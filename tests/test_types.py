"""How typed the package is."""

from __future__ import annotations

from pathlib import Path

import flytekitplugins_smfs

ROOM = Path(flytekitplugins_smfs.__file__).parent
BEFORE = 144
"""Lines of release 0.1.0 with `Any` in them, imports and the emulator aside."""


def lines_with_any() -> list[str]:
    files = [path for path in sorted(ROOM.rglob("*.py")) if "emulator" not in path.relative_to(ROOM).parts]
    return [
        f"{path.relative_to(ROOM)}: {line.strip()}"
        for path in files
        for line in path.read_text().splitlines()
        if "Any" in line.replace("(", " ").replace("[", " ").replace("]", " ").replace(",", " ").split()
        and "import" not in line
    ]


def test_any_stands_in_fewer_lines_than_before() -> None:
    found = lines_with_any()
    print(f"Any stands in {len(found)} lines.")
    assert 0 < len(found) < BEFORE
