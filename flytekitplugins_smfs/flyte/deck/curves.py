"""How metrics developed while a job trained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from flytekitplugins_smfs.flyte.deck.html import Html, el, svg, tip
from flytekitplugins_smfs.flyte.deck.scale import Scale, extent, number, ticks
from flytekitplugins_smfs.values.sagemaker.training import MetricPoint

WIDTH, HEIGHT = 480.0, 384.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 16.0, 12.0, 40.0
SERIES = 6
"""As many colours as there are; further metrics begin again with the first."""


def curves(points: Iterable[MetricPoint]) -> Html:
    """One line per metric, with the last value beside its name."""
    series: dict[str, list[MetricPoint]] = {}
    for point in points:
        if not math.isfinite(point.value):
            continue  # a loss that ran away has no place on the axis
        series.setdefault(point.name, []).append(point)
    if not series:
        return el("p", "The job's log had no metric.", class_="muted")
    everything = [point for line in series.values() for point in line]
    low, high = extent(point.value for point in everything)
    if min(point.value for point in everything) >= 0:
        low = max(0.0, low)
    across = Scale(0, max(1, max(point.step for point in everything)), LEFT, WIDTH - RIGHT)
    up = Scale(low, high, HEIGHT - BOTTOM, TOP)
    lines = [_line(at, name, line, across, up) for at, (name, line) in enumerate(series.items())]
    drawing = svg(WIDTH, HEIGHT, *_axes(across, up), *lines, label="Metrics by round: " + ", ".join(series))
    return _legend(series) + drawing


def _axes(across: Scale, up: Scale) -> list[Html]:
    marks = []
    for value in ticks(up.low, up.high):
        marks.append(el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=up(value), y2=up(value), class_="grid"))
        marks.append(el("text", number(value), x=LEFT - 8, y=up(value) + 4, class_="tick end"))
    for value in ticks(across.low, across.high, 6):
        if value == int(value):
            marks.append(el("text", number(value), x=across(value), y=HEIGHT - BOTTOM + 18, class_="tick mid"))
    middle = (across.start + across.end) / 2
    marks.append(el("text", "round", x=middle, y=HEIGHT - 4, class_="axis mid"))
    return marks


def _line(at: int, name: str, points: Sequence[MetricPoint], across: Scale, up: Scale) -> Html:
    path = " ".join(f"{across(point.step):.1f},{up(point.value):.1f}" for point in points)
    last = points[-1]
    best = min(points, key=lambda point: point.value)
    said = f"{name}: last {number(last.value)}, smallest {number(best.value)} in round {best.step}"
    return el(
        "g",
        tip(said),
        el("polyline", points=path, class_="line"),
        el("circle", cx=across(last.step), cy=up(last.value), r=3.5, class_="dot"),
        class_=f"series s{at % SERIES}",
    )


def _legend(series: dict[str, list[MetricPoint]]) -> Html:
    entries = (
        el("span", el("i", class_=f"key s{at % SERIES}"), name, " ", el("b", number(line[-1].value)))
        for at, (name, line) in enumerate(series.items())
    )
    return el("p", *entries, class_="legend")
