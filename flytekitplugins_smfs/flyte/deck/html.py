"""Elements as text. Everything that is not already Html is escaped, so no value can break out of its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Self

# What neither HTML nor XML may hold, such as the colours of a terminal in a log, and halves of characters.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """Text that is markup. Only `el`, `join` and this package's own constants make it."""

    __slots__ = ()

    def __add__(self, other: str) -> Self:
        return type(self)(str(self) + text(other))


def text(value: object) -> Html:
    """A value as markup: Html stays as it is, everything else is escaped."""
    return value if isinstance(value, Html) else Html(escape(UNPRINTABLE.sub("�", str(value)), quote=True))


def join(parts: Iterable[object]) -> Html:
    """Parts one after the other."""
    return Html("".join(text(part) for part in parts))


def el(tag: str, *children: object, **attributes: object) -> Html:
    """An element. Attributes: `class_` is class, `stroke_width` is stroke-width; None leaves one out; floats are cut
    to two decimals."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(_short(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def svg(width: float, height: float, *children: object, label: str) -> Html:
    """A drawing that scales with the page; `label` says to a screen reader what it shows."""
    return el("svg", *children, viewBox=f"0 0 {_short(width)} {_short(height)}", role="img", aria_label=label)


def tip(content: str) -> Html:
    """What a pointer that rests on a mark is told."""
    return el("title", content)


def link(url: str, name: str) -> Html:
    """A link to a web page; any other kind of address is shown as text."""
    if url.startswith(("https://", "http://")):
        return el("a", name, href=url, rel="noopener noreferrer", target="_blank")
    return el("span", f"{name}: {url}")


def table(head: Iterable[object], rows: Iterable[Html], *, class_: str | None = None) -> Html:
    """A table of ready-made `<tr>` rows that scrolls by itself when the page is narrow."""
    heading = el("thead", el("tr", *(h if isinstance(h, Html) else el("th", h) for h in head)))
    return el("div", el("table", heading, el("tbody", *rows), class_=class_), class_="scroll")


def _short(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
