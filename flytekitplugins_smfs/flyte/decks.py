"""Decks: one page for a whole run, and one for a single operation.

A deck is a piece of HTML that Flyte shows in its console; `page` makes a file of it that any browser opens.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from flytekitplugins_smfs.flyte.deck.confusion import confusion
from flytekitplugins_smfs.flyte.deck.curves import curves
from flytekitplugins_smfs.flyte.deck.html import Html, el, join, link, table, text
from flytekitplugins_smfs.flyte.deck.scale import duration, number, number_or_dash
from flytekitplugins_smfs.flyte.deck.timeline import Step, timeline
from flytekitplugins_smfs.flyte.deck.trials import trial_plots, trial_table
from flytekitplugins_smfs.values.base import Timing
from flytekitplugins_smfs.values.dataset import Evaluation
from flytekitplugins_smfs.values.operation import State
from flytekitplugins_smfs.values.sagemaker.training import TrainingResult
from flytekitplugins_smfs.values.sagemaker.tuning import TuningResult
from flytekitplugins_smfs.values.shipped import shipped

Tone = Literal["", "good", "bad"]


@dataclass(frozen=True)
class Tile:
    """A figure to see first."""

    name: str
    value: str
    tone: Tone = ""


@dataclass(frozen=True)
class Resource:
    """Something in AWS and what became of it."""

    kind: str
    id: str
    state: str
    tone: Tone = ""
    detail: str = ""


def run_deck(
    title: str,
    subtitle: str,
    tiles: Iterable[Tile],
    steps: Sequence[Step],
    resources: Iterable[Resource],
    training: TrainingResult | None = None,
    tuning: TuningResult | None = None,
    evaluation: Evaluation | None = None,
) -> str:
    """One page about a run: figures, timeline, metric curves, trials, confusion matrix, what was made and removed."""
    sections = [_section("Timeline", "Every step from its start to its end; thin bars are trials.", timeline(steps))]
    pair = [*_training(training), *_evaluation(evaluation)]
    if pair:
        sections.append(el("div", *pair, class_="pair") if len(pair) == 2 else pair[0])
    sections.extend(_tuning(tuning))
    sections.append(_section("Created and removed", "What this run made in AWS.", _resources(resources)))
    return _deck(title, subtitle, tiles, sections)


def operation_deck(name: str, state: State, result: BaseModel | None, sections: Sequence[str] = ()) -> str:
    """A page about one operation: how it ended, its links, its result; `sections` as its service declares them."""
    tiles = [Tile("State", state.phase.value.replace("_", " "), "good" if result is not None else "")]
    timing = getattr(result, "timing", None)
    if isinstance(timing, Timing):
        tiles.append(Tile("Took", duration(timing.seconds)))
    shown: list[Html] = []
    for section in sections if result is not None else ():
        more, content = SECTIONS[section](result)
        tiles.extend(more)
        shown.extend(content)
    if state.links:
        shown.append(_section("Links", "", el("p", *_spaced(link(one.url, one.name) for one in state.links))))
    if result is not None:
        rows = [el("tr", el("td", key), el("td", el("code", value), class_="wrap")) for key, value in _flat(result)]
        shown.append(_section("Result", "", table(["Field", "Value"], rows)))
    return _deck(name, state.message, tiles, shown)


def _of_training(result: TrainingResult) -> tuple[list[Tile], list[Html]]:
    tiles = [Tile(metric, number(value)) for metric, value in list(result.metrics.items())[:4]]
    return tiles, _training(result)


def _of_tuning(result: TuningResult) -> tuple[list[Tile], list[Html]]:
    return [Tile(f"Best {result.objective.metric_name}", number_or_dash(result.best.objective))], _tuning(result)


def _of_evaluation(result: Evaluation) -> tuple[list[Tile], list[Html]]:
    return [], _evaluation(result)


SECTIONS: dict[str, Callable[[Any], tuple[list[Tile], list[Html]]]] = {
    "training": _of_training,
    "tuning": _of_tuning,
    "evaluation": _of_evaluation,
}
"""What a service may declare for the decks of its operations: figures to see first, and sections."""


def page(title: str, deck: str) -> str:
    """A deck as a whole HTML document that needs nothing else."""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>body{{margin:0}}.smfs{{min-height:100vh}}</style>"
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>{deck}</body></html>\n'


@functools.cache
def _style() -> Html:
    return Html(shipped("flytekitplugins_smfs.flyte.deck", "style.css"))


def _deck(title: str, subtitle: str, tiles: Iterable[Tile], sections: Iterable[Html]) -> str:
    figures = [el("div", el("span", one.name), el("b", one.value), class_=f"tile {one.tone}".strip()) for one in tiles]
    heading = el("header", el("h1", title), el("p", subtitle, class_="muted"))
    body = el("div", heading, el("div", *figures, class_="tiles"), *sections, class_="wide")
    return str(el("div", el("style", _style()), body, class_="smfs"))


def _section(title: str, note: object, *content: Html) -> Html:
    return el("section", el("h2", title), el("p", note, class_="note") if note else "", *content)


def _training(training: TrainingResult | None) -> list[Html]:
    if training is None:
        return []
    note = join(["Training job ", el("code", training.job_name), f", {training.training_seconds} s of training."])
    return [_section("Metrics while training", note, curves(training.curve))]


def _evaluation(evaluation: Evaluation | None) -> list[Html]:
    if evaluation is None:
        return []
    right = round(evaluation.accuracy * evaluation.examples)
    note = f"The best model on held-out data: {right} of {evaluation.examples} right ({evaluation.accuracy:.1%})."
    return [_section("Confusion matrix", note, confusion(evaluation))]


def _tuning(tuning: TuningResult | None) -> list[Html]:
    if tuning is None:
        return []
    aim = "smallest" if tuning.objective.type == "Minimize" else "largest"
    job = el("code", tuning.tuning_job_name)
    note = join(
        [f"{len(tuning.trials)} trials for the {aim} {tuning.objective.metric_name}; the best is marked. ", job]
    )
    return [_section("Trials", note, trial_plots(tuning), trial_table(tuning))]


def _resources(resources: Iterable[Resource]) -> Html:
    rows = [
        el(
            "tr",
            el("td", one.kind),
            el("td", el("code", one.id), class_="wrap"),
            el("td", one.detail, class_="wrap muted"),
            el("td", el("span", one.state, class_=f"state {one.tone}".strip())),
        )
        for one in resources
    ]
    return table(["What", "Id", "", "Now"], rows)


def _spaced(parts: Iterable[Html]) -> Iterator[Html]:
    for at, part in enumerate(parts):
        if at:
            yield text(" · ")
        yield part


def _flat(value: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Fields with dotted names; long lists are counted, not shown."""
    for name in type(value).model_fields:
        field = getattr(value, name)
        key = f"{prefix}{name}"
        if isinstance(field, Timing):
            yield key, f"{field.started_at:%Y-%m-%d %H:%M:%S} UTC, {duration(field.seconds)}"
        elif isinstance(field, BaseModel):
            yield from _flat(field, f"{key}.")
        elif isinstance(field, dict):
            yield key, ", ".join(f"{item}={content}" for item, content in field.items()) or "none"
        elif isinstance(field, tuple | list):
            long = len(field) > 8 or any(isinstance(item, BaseModel) for item in field)
            yield key, f"{len(field)} items" if long else ", ".join(map(str, field)) or "none"
        else:
            yield key, "–" if field is None else str(field)
