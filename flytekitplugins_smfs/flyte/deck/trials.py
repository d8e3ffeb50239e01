"""What a tuning job tried: each parameter against the objective, and a table of the trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

from flytekitplugins_smfs.flyte.deck.html import Html, el, svg, table, tip
from flytekitplugins_smfs.flyte.deck.scale import Scale, duration, extent, number, parameter, ticks
from flytekitplugins_smfs.values.sagemaker.tuning import Objective, Trial, TuningResult

WIDTH, HEIGHT = 240.0, 190.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 12.0, 10.0, 38.0


def trial_plots(tuning: TuningResult) -> Html:
    """A small plot per parameter. The best trial is the large dot; all plots share the objective's axis."""
    judged = [trial for trial in tuning.trials if math.isfinite(_value(trial))]
    if not judged:
        return el("p", "No trial reported the objective.", class_="muted")
    up = Scale(*extent(_value(trial) for trial in judged), HEIGHT - BOTTOM, TOP)
    names = sorted({name for trial in judged for name in trial.parameters})
    plots = [_plot(name, judged, up, tuning.best.job_name) for name in names]
    return el("div", *plots, class_="plots")


def trial_table(tuning: TuningResult) -> Html:
    """The trials from the best to the worst; those that failed or were stopped stand last."""
    ranked = ranking(tuning.trials, tuning.objective)
    names = sorted({name for trial in tuning.trials for name in trial.parameters})
    worst = max((abs(_value(trial)) for trial in ranked if math.isfinite(_value(trial))), default=0.0)
    head = ["", el("th", tuning.objective.metric_name, class_="num")]
    head += [el("th", name, class_="num") for name in names]
    head += [el("th", "Time", class_="num"), "Status", "Training job"]
    rows = [_row(place, trial, names, worst, tuning.best.job_name) for place, trial in enumerate(ranked, 1)]
    return table(head, rows, class_="trials")


def ranking(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """Best first, by the objective's direction."""
    sign = 1.0 if objective.type == "Minimize" else -1.0
    judged = [trial for trial in trials if math.isfinite(_value(trial))]
    others = [trial for trial in trials if not math.isfinite(_value(trial))]
    return sorted(judged, key=lambda trial: sign * _value(trial)) + others


def _plot(name: str, trials: Sequence[Trial], up: Scale, best: str) -> Html:
    texts = [trial.parameters.get(name, "") for trial in trials]
    try:
        places = [_finite(text) for text in texts]
        across = Scale(*extent(places, 0.08), LEFT, WIDTH - RIGHT)
        marks = [(value, number(value)) for value in ticks(across.low, across.high, 4)]
    except ValueError:
        order = sorted(set(texts))
        places = [float(order.index(text)) for text in texts]
        across = Scale(-0.5, len(order) - 0.5, LEFT, WIDTH - RIGHT)
        marks = [(float(at), _cut(text)) for at, text in enumerate(order)]
    axes = [el("text", said, x=across(at), y=HEIGHT - BOTTOM + 16, class_="tick mid") for at, said in marks]
    for value in ticks(up.low, up.high, 4):
        axes.append(el("line", x1=LEFT, x2=WIDTH - RIGHT, y1=up(value), y2=up(value), class_="grid"))
        axes.append(el("text", number(value), x=LEFT - 7, y=up(value) + 4, class_="tick end"))
    axes.append(el("text", name, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 3, class_="axis mid strong"))
    pairs = sorted(zip(trials, places, strict=True), key=lambda pair: pair[0].job_name == best)
    dots = [_dot(trial, across(place), up(_value(trial)), name, trial.job_name == best) for trial, place in pairs]
    return svg(WIDTH, HEIGHT, *axes, *dots, label=f"{name} against the objective")


def _dot(trial: Trial, x: float, y: float, name: str, best: bool) -> Html:
    said = f"{trial.job_name}: {name} {trial.parameters.get(name, '')}, objective {number(_value(trial))}"
    return el("circle", tip(said), cx=x, cy=y, r=6 if best else 4.5, class_="trial best" if best else "trial")


def _row(place: int, trial: Trial, names: Sequence[str], worst: float, best: str) -> Html:
    found = _value(trial)
    width = 100 * abs(found) / worst if math.isfinite(found) and worst else 0.0
    meter = el("i", class_="meter", style=f"width:{width:.1f}%")
    objective = el("td", meter, el("b", number(found)), class_="num metered")
    cells = [el("td", parameter(trial.parameters.get(name, "–")), class_="num") for name in names]
    return el(
        "tr",
        el("td", "★" if trial.job_name == best else place, class_="place"),
        objective,
        *cells,
        el("td", duration(trial.timing.seconds) if trial.timing else "–", class_="num"),
        el("td", trial.status),
        el("td", el("code", trial.job_name)),
        class_="best" if trial.job_name == best else None,
    )


def _value(trial: Trial) -> float:
    return float("nan") if trial.objective is None else trial.objective


def _finite(given: str) -> float:
    """A number that has a place on an axis; raises ValueError for all else."""
    value = float(given)
    if not math.isfinite(value):
        raise ValueError(given)
    return value


def _cut(text: str) -> str:
    return text if len(text) <= 10 else text[:9] + "…"
