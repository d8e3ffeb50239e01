"""Where a classifier was right and what it took for what."""

from __future__ import annotations

from flytekitplugins_smfs.flyte.deck.html import Html, el, svg, tip
from flytekitplugins_smfs.values.dataset import Evaluation

LEFT, TOP, RIGHT, BOTTOM = 44.0, 10.0, 66.0, 42.0
SIDE = 370.0


def confusion(evaluation: Evaluation) -> Html:
    """A heat map: rows are what it was, columns what the model said; the last column is each row's share of hits."""
    labels = evaluation.labels
    if not labels:
        return el("p", "Nothing was judged.", class_="muted")
    cell = SIDE / len(labels)
    marks: list[Html] = []
    for row, counts in enumerate(evaluation.confusion):
        total = sum(counts)
        y = TOP + row * cell
        marks.append(el("text", labels[row], x=LEFT - 10, y=y + cell / 2 + 4, class_="label end"))
        for column, count in enumerate(counts):
            marks.extend(_cell(count, total, row, column, cell, labels))
        share = f"{100 * counts[row] / total:.0f} %" if total else "–"
        marks.append(el("text", share, x=LEFT + SIDE + 10, y=y + cell / 2 + 4, class_="value"))
    for column, label in enumerate(labels):
        x = LEFT + (column + 0.5) * cell
        marks.append(el("text", label, x=x, y=TOP + SIDE + 17, class_="label mid"))
    marks.append(el("text", "predicted", x=LEFT + SIDE / 2, y=TOP + SIDE + 37, class_="axis mid"))
    centre = TOP + SIDE / 2
    marks.append(el("text", "true", x=12, y=centre, class_="axis mid", transform=f"rotate(-90 12 {centre:.0f})"))
    marks.append(el("text", "found", x=LEFT + SIDE + 10, y=TOP + SIDE + 17, class_="axis"))
    return svg(LEFT + SIDE + RIGHT, TOP + SIDE + BOTTOM, *marks, label="Confusion matrix")


def _cell(count: int, total: int, row: int, column: int, cell: float, labels: tuple[str, ...]) -> list[Html]:
    share = count / total if total else 0.0
    right = row == column
    x, y = LEFT + column * cell, TOP + row * cell
    kind = "hit" if right else "miss"
    # Mistakes are few: a floor keeps a single one visible.
    strength = (0.15 + 0.85 * share) if right else min(1.0, 0.25 + 3 * share)
    said = f"{labels[row]} taken for {labels[column]}: {count} of {total}"
    marks = [
        el("rect", tip(said), x=x + 1, y=y + 1, width=cell - 2, height=cell - 2, rx=3, class_="cell"),
    ]
    if count:
        shape = {"x": x + 1, "y": y + 1, "width": cell - 2, "height": cell - 2, "rx": 3}
        marks.append(el("rect", tip(said), **shape, class_=kind, fill_opacity=strength))
        if cell >= 16:
            tone = "on" if strength > 0.55 else "off"
            marks.append(el("text", count, x=x + cell / 2, y=y + cell / 2 + 4, class_=f"count mid {tone}"))
    return marks
