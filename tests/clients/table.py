"""The table of clients in the documents, made from a run of their tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .clients import CLIENTS, WHAT, WHERE

BEGIN, END = "<!-- clients -->\n", "<!-- end of clients -->\n"
Outcomes = Mapping[tuple[str, str, str], str]
"""Client, where and what -> "yes", "no" or "" for what was not tried."""


def rows(outcomes: Outcomes) -> str:
    """The table in Markdown."""
    lines = [
        "| client | version | success | failure | success inside a job | failure inside a job |",
        "|---|---|---|---|---|---|",
    ]
    for client in CLIENTS:
        cells = [outcomes.get((client.name, where, what), "") for where in WHERE for what in WHAT]
        lines.append(f"| {client.shown} | {client.version} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write(document: Path, outcomes: Outcomes) -> None:
    """Put the table in its place in a document. Raises ValueError if the document has none."""
    text, count = re.subn(
        f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}{rows(outcomes)}{END}", document.read_text(), flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{document} has no place for the table")
    document.write_text(text)
