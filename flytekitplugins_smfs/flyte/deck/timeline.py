"""When each step ran: one bar per step, with the parts of a step as thin bars under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flytekitplugins_smfs.flyte.deck.html import Html, el, join, svg, tip
from flytekitplugins_smfs.flyte.deck.scale import Scale, duration, time_ticks
from flytekitplugins_smfs.values.base import Timing

Kind = Literal["data", "storage", "compute", "clean"]
KINDS: dict[Kind, str] = {"data": "Data", "storage": "File system", "compute": "SageMaker", "clean": "Clean-up"}

WIDTH, LEFT, RIGHT, TOP = 1000.0, 150.0, 92.0, 10.0
ROW, BAR, LANE = 34.0, 16.0, 9.0


@dataclass(frozen=True)
class Part:
    """Something that ran within a step, such as a trial."""

    name: str
    timing: Timing
    best: bool = False


@dataclass(frozen=True)
class Step:
    """A row of the timeline."""

    name: str
    kind: Kind
    timing: Timing
    parts: Sequence[Part] = ()


def timeline(steps: Sequence[Step]) -> Html:
    """The steps against the time since the first began."""
    if not steps:
        return el("p", "No step has run.", class_="muted")
    start = min(step.timing.started_at for step in steps)
    total = max((step.timing.ended_at - start).total_seconds() for step in steps) or 1.0
    across = Scale(0.0, total, LEFT, WIDTH - RIGHT)
    rows, y = list[Html](), TOP
    for step in steps:
        lanes = _lanes(step.parts)
        rows.append(_row(step, lanes, (step.timing.started_at - start).total_seconds(), across, y))
        rows.extend(_parts(lanes, step.timing, (step.timing.started_at - start).total_seconds(), across, y + ROW))
        y += ROW + (len(lanes) * LANE + 8 if lanes else 0)
    grid = [
        join(
            [
                el("line", x1=across(at), x2=across(at), y1=TOP, y2=y, class_="grid"),
                el("text", duration(at), x=across(at), y=y + 18, class_="tick mid"),
            ]
        )
        for at in time_ticks(total)
    ]
    used = [kind for kind in KINDS if any(step.kind == kind for step in steps)]
    legend = el("p", *(el("span", el("i", class_=f"key {kind}"), KINDS[kind]) for kind in used), class_="legend")
    return legend + el("div", svg(WIDTH, y + 26, *grid, *rows, label="Timeline of the steps"), class_="scroll")


def _row(step: Step, lanes: Sequence[Sequence[Part]], begin: float, across: Scale, y: float) -> Html:
    seconds = step.timing.seconds
    left, width = across(begin), max(3.0, across(begin + seconds) - across(begin))
    middle = y + ROW / 2
    return el(
        "g",
        tip(f"{step.name}: {duration(seconds)}, from {step.timing.started_at:%H:%M:%S} UTC"),
        el("text", step.name, x=LEFT - 14, y=middle + 4, class_="label end"),
        el("rect", x=left, y=middle - BAR / 2, width=width, height=BAR, rx=4, class_=f"bar {step.kind}"),
        el("text", duration(seconds), x=left + width + 8, y=middle + 4, class_="value"),
    )


def _lanes(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts that ran at the same time go to different lanes."""
    lanes: list[list[Part]] = []
    for part in sorted(parts, key=lambda part: part.timing.started_at):
        free = next((lane for lane in lanes if lane[-1].timing.ended_at <= part.timing.started_at), None)
        if free is None:
            lanes.append([part])
        else:
            free.append(part)
    return lanes


def _parts(lanes: Sequence[Sequence[Part]], whole: Timing, begin: float, across: Scale, y: float) -> list[Html]:
    bars = []
    for at, lane in enumerate(lanes):
        for part in lane:
            offset = (part.timing.started_at - whole.started_at).total_seconds()
            left = across(begin + offset)
            width = max(2.0, across(begin + offset + part.timing.seconds) - left - 1)
            mark = "part best" if part.best else "part"
            name = f"{part.name}: {duration(part.timing.seconds)}" + (" (best)" if part.best else "")
            bars.append(el("rect", tip(name), x=left, y=y + at * LANE, width=width, height=LANE - 3, rx=2, class_=mark))
    return bars
