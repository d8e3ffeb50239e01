"""Decks hold what they should, are well formed, need nothing else, and let no text become markup. C104"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flytekit.core.context_manager import ExecutionState, FlyteContextManager
from pydantic import BaseModel

from flytekitplugins_smfs.flyte.deck.confusion import confusion
from flytekitplugins_smfs.flyte.deck.curves import curves
from flytekitplugins_smfs.flyte.deck.scale import duration, number, size, ticks, time_ticks
from flytekitplugins_smfs.flyte.deck.timeline import Part, Step, timeline
from flytekitplugins_smfs.flyte.deck.trials import ranking, trial_plots, trial_table
from flytekitplugins_smfs.flyte.decks import operation_deck, page
from flytekitplugins_smfs.flyte.report import RunReport, publish
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.dataset import Evaluation
from flytekitplugins_smfs.values.operation import Answer, Link, Phase
from flytekitplugins_smfs.values.removal import Removed
from flytekitplugins_smfs.values.sagemaker.training import MetricPoint
from flytekitplugins_smfs.values.sagemaker.tuning import Maximize, Trial, TuningResult
from tests.flyte.samples import START, curve, evaluation, run_report, span, training, tuning

EVIL = "</style></code><script>alert('1')</script>\"'><img src=x onerror=alert(1)>&amp;"
VOID = {"meta"}


def tree(deck: str) -> ElementTree.Element:
    """A deck as a tree; fails where it is not well formed. A deck is XML and HTML at once."""
    return ElementTree.fromstring(deck)


def shown(deck: str) -> str:
    """What a reader sees, without the style."""
    root = tree(deck)
    for style in root.iter("style"):
        style.text = ""
    return " ".join(" ".join(root.itertext()).split())


class Strict(HTMLParser):
    """Fails where a tag is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def assert_sound(deck: str) -> None:
    """Well formed, from this page alone, without scripts, and every number in a drawing is one."""
    parser = Strict()
    parser.feed(page("A page", deck))
    parser.close()
    assert parser.open == []
    assert parser.tags.isdisjoint({"script", "img", "iframe", "link", "object", "foreignobject"})
    for element in tree(deck).iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("src", "srcset", "xlink:href")
            assert "url(" not in value
            if name in {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "fill-opacity"}:
                assert math.isfinite(float(value)), (element.tag, name, value)
            if name in ("width", "height", "r"):
                assert float(value) >= 0
            if name in ("points", "viewBox"):
                assert all(math.isfinite(float(part)) for part in re.split(r"[ ,]+", value) if part)
    style = next(tree(deck).iter("style")).text or ""
    assert "@import" not in style
    assert "url(" not in style
    assert "://" not in style


# The page of a run


def test_the_page_of_a_run_has_every_part() -> None:
    run = run_report()
    deck = run.deck()
    assert_sound(deck)
    said = shown(deck)
    for title in ("Timeline", "Metrics while training", "Confusion matrix", "Trials", "Created and removed"):
        assert title in said
    assert "Held-out accuracy 97.8%" in said
    assert "Left in AWS nothing" in said
    for step in run.steps:
        assert step.name in said
    for trial in run.tuning.trials:
        assert said.count(trial.job_name) >= 2  # in the table and on a mark
    for name in ("eta", "max_depth", "subsample", "colsample_bytree"):
        assert f'aria-label="{name} against the objective"' in deck
    for drawing in ("Timeline of the steps", "Confusion matrix", "Metrics by round: train:mlogloss"):
        assert f'aria-label="{drawing}' in deck
    for name in (run.link.file_system.id, run.link.association_id, run.training.job_name, run.tuning.tuning_job_name):
        assert name in said
    assert said.count("removed") >= 2
    assert "http" not in deck.replace(run.dataset.uri, "")


def test_the_page_is_one_document_that_needs_nothing() -> None:
    whole = page("Digits <b>&</b>", run_report().deck())
    assert whole.startswith("<!DOCTYPE html>")
    assert "<title>Digits &lt;b&gt;&amp;&lt;/b&gt;</title>" in whole
    assert "http://" not in whole
    assert "https://" not in whole
    assert "prefers-color-scheme: dark" in whole
    whole.encode("utf-8")


def poisoned(value: Any) -> Any:
    """The same value with every free text replaced by text that would be markup."""
    if isinstance(value, BaseModel):
        changes = {name: poisoned(getattr(value, name)) for name in type(value).model_fields}
        return value.model_copy(update=changes)
    if isinstance(value, tuple):
        return tuple(poisoned(item) for item in value)
    if isinstance(value, dict):
        return {EVIL + key: poisoned(item) for key, item in value.items()}
    return EVIL + value if type(value) is str and value not in ("Minimize", "Maximize") else value


def test_no_text_becomes_markup() -> None:
    run = run_report()
    names = ("dataset", "link", "training", "tuning", "evaluation", "unlinked", "deleted")
    bad = RunReport(title=EVIL, **{name: poisoned(getattr(run, name)) for name in names})
    deck = bad.deck()
    assert_sound(deck)
    assert "<script" not in page(EVIL, deck)
    assert shown(deck).count("<script>alert('1')</script>") > 50


def results() -> Iterator[tuple[str, BaseModel]]:
    run = run_report()
    for one in (run.link.file_system, run.link, run.unlinked, run.training, run.tuning, run.dataset, run.evaluation):
        yield type(one).__name__, one


@pytest.mark.parametrize(("name", "result"), list(results()))
def test_every_result_has_a_page(name: str, result: BaseModel) -> None:
    links = (Link(name="Console", url="https://console.aws.amazon.com/?a=1&b=<2>"), Link(name="Data", url="s3://b/k"))
    progress = Answer(phase=Phase.SUCCEEDED, message="Done <at last>", links=links, result=result)
    deck = operation_deck(f"digits.{name}", progress, result, sections_of(result))
    assert_sound(deck)
    said = shown(deck)
    assert f"digits.{name}" in said
    assert "State succeeded" in said
    assert "Done <at last>" in said
    assert "Data: s3://b/k" in said
    hrefs = [element.attrib["href"] for element in tree(deck).iter("a")]
    assert hrefs == ["https://console.aws.amazon.com/?a=1&b=<2>"]
    for field in type(result).model_fields:
        assert field in said
    bad = operation_deck(EVIL, Answer(phase=Phase.SUCCEEDED, message=EVIL), poisoned(result), sections_of(result))
    assert_sound(bad)
    assert "<script" not in bad


def test_an_address_that_is_no_web_page_is_text() -> None:
    links = tuple(Link(name="x", url=url) for url in ("javascript:alert(1)", "data:text/html,x", "//host/x"))
    deck = operation_deck("x", Answer(phase=Phase.RUNNING, links=links), None)
    assert_sound(deck)
    assert list(tree(deck).iter("a")) == []
    assert "x: javascript:alert(1)" in shown(deck)


def test_a_failure_has_a_page_whatever_its_message_holds() -> None:
    message = "exit code 1\x1b[31m\x00\x0b\ud800\ufffe: Traceback\n  <module>"
    deck = operation_deck("x", Answer(phase=Phase.FAILED, message=message), None)
    assert_sound(deck)
    assert "State failed" in shown(deck)
    assert "<module>" in shown(deck)
    page("x", deck).encode("utf-8")


# Edges


def test_a_job_without_a_curve_says_so() -> None:
    silent = training().model_copy(update={"curve": (), "metrics": {}})
    deck = run_report(training=silent).deck()
    assert_sound(deck)
    assert "The job's log had no metric." in shown(deck)


@pytest.mark.parametrize(
    "values", [[0.5], [0.0, 0.0], [float("nan"), 0.2, float("inf"), 0.1], [float("nan")], [-3, 1e9]]
)
def test_curves_of_few_equal_or_odd_values(values: list[float]) -> None:
    points = tuple(MetricPoint(name="m", step=at, value=value, at=START) for at, value in enumerate(values))
    deck = run_report(training=training().model_copy(update={"curve": points})).deck()
    assert_sound(deck)


def test_a_curve_ends_with_its_last_value_and_knows_its_smallest() -> None:
    said = str(curves(curve(20)))
    last = [point for point in curve(20) if point.name == "train:mlogloss"][-1]
    assert f"train:mlogloss: last {number(last.value)}, smallest" in said


def sections_of(result: object) -> tuple[str, ...]:
    """As the services declare them for the operations that give such a result."""
    found = [
        verb.deck for _, verb in catalog.OPERATIONS.values() if catalog.load(verb.name).result_type is type(result)
    ]
    return found[0] if found else ("evaluation",) * isinstance(result, Evaluation)


def only(trials: list[Trial], **changes: Any) -> TuningResult:
    return tuning().model_copy(update={"trials": tuple(trials), "best": trials[0], **changes})


def test_one_trial() -> None:
    one = next(trial for trial in tuning().trials if trial.objective is not None)
    deck = run_report(tuning=only([one])).deck()
    assert_sound(deck)
    assert "★" in shown(deck)


def test_failed_trials_stand_last_and_are_not_plotted() -> None:
    result = tuning()
    failed = [trial for trial in result.trials if trial.objective is None]
    assert failed
    assert ranking(result.trials, result.objective)[-len(failed) :] == failed
    assert all(trial.job_name not in trial_plots(result) for trial in failed)
    rows = re.findall(r"<tr.*?</tr>", trial_table(result))
    assert failed[0].job_name in rows[-1]
    assert "Failed" in rows[-1]
    assert "–" in rows[-1]


def test_trials_without_any_objective() -> None:
    gone = [trial.model_copy(update={"objective": None, "timing": None}) for trial in tuning().trials]
    deck = run_report(tuning=only(gone)).deck()
    assert_sound(deck)
    assert "No trial reported the objective." in shown(deck)
    alone = operation_deck("tune", Answer(phase=Phase.SUCCEEDED), only(gone), ("tuning",))
    assert "Best validation:mlogloss –" in shown(alone)


def test_objectives_and_parameters_that_are_no_numbers() -> None:
    objectives = [0.4, float("nan"), float("inf"), 0.2]
    texts = ["nan", "0.1", "inf", "relu <fast> and very long"]
    trials = [
        Trial(job_name=f"t-{at}", status="Completed", parameters={"odd": texts[at], "kind": texts[3]}, objective=value)
        for at, value in enumerate(objectives)
    ]
    result = only(trials)
    assert_sound(run_report(tuning=result).deck())
    assert [trial.job_name for trial in ranking(result.trials, result.objective)][:2] == ["t-3", "t-0"]


def test_parameters_that_only_some_trials_have() -> None:
    trials = list(tuning().trials)
    trials[0] = trials[0].model_copy(update={"parameters": {}})
    assert_sound(run_report(tuning=only(trials)).deck())


def test_the_largest_is_best_where_the_objective_says_so() -> None:
    result = tuning().model_copy(update={"objective": Maximize("validation:accuracy")})
    ranked = [trial.objective for trial in ranking(result.trials, result.objective) if trial.objective is not None]
    assert ranked == sorted(ranked, reverse=True)


def test_steps_that_took_no_time() -> None:
    now = span(0, 0)
    removed = Removed(removed=(), timing=now)
    nothing = {
        name: getattr(run_report(), name).model_copy(update={"timing": now})
        for name in ("dataset", "training", "evaluation")
    }
    search = tuning().model_copy(update={"timing": now, "trials": (), "best": tuning().best})
    link = run_report().link
    still = link.model_copy(update={"timing": now, "file_system": link.file_system.model_copy(update={"timing": now})})
    run = run_report(**nothing, link=still, tuning=search, unlinked=removed, deleted=removed)
    assert_sound(run.deck())
    assert run.seconds == 0


def test_the_timeline_keeps_trials_of_one_time_apart() -> None:
    parts = [Part(f"trial-{at}", span(at // 2, 1)) for at in range(4)]
    drawing = str(timeline([Step("Tune", "compute", span(0, 2), parts)]))
    heights = set(re.findall(r'<rect x="[\d.]+" y="([\d.]+)"[^>]*class="part"', drawing))
    assert len(heights) == 2
    assert str(timeline([])) == '<p class="muted">No step has run.</p>'


def test_what_is_left_is_told_in_red() -> None:
    files = run_report().link.file_system.id
    left = Removed(removed=(), remaining=(f"file system {files}",), timing=span(43, 2.8))
    deck = run_report(deleted=left).deck()
    assert_sound(deck)
    assert f"Left in AWS file system {files}" in shown(deck)
    assert '<span class="state bad">still there</span>' in deck
    assert 'class="tile bad"' in deck


def test_what_was_adopted_is_kept_and_not_blamed() -> None:
    link = run_report().link
    theirs = link.model_copy(update={"file_system": link.file_system.model_copy(update={"adopted": True})})
    deck = run_report(link=theirs, deleted=Removed(removed=(), timing=span(43, 0))).deck()
    assert "kept, not ours" in shown(deck)
    assert "still there" not in shown(deck)


def test_a_confusion_matrix_of_any_size() -> None:
    for count in (0, 1, 2, 60):
        rows = tuple(tuple(int(a == b) for a in range(count)) for b in range(count))
        labels = tuple(f"<{at}>" for at in range(count))
        judged = Evaluation(model_uri="s3://bucket/m", labels=labels, confusion=rows, timing=span(0, 1))
        assert_sound(run_report(evaluation=judged).deck())
    assert confusion(judged.model_copy(update={"labels": (), "confusion": ()})) == (
        '<p class="muted">Nothing was judged.</p>'
    )
    empty = evaluation().model_copy(update={"confusion": ((0,) * 10,) * 10})
    assert_sound(run_report(evaluation=empty).deck())


# Numbers


def test_numbers_are_written_as_people_do() -> None:
    assert [number(value) for value in (0, 1, 0.25, 1234567.0, -2.5, 0.000012345, float("nan"), 99999.6)] == [
        "0", "1", "0.25", "1,234,567", "−2.5", "1.23e−05", "–", "100,000",
    ]  # fmt: skip
    assert [size(count) for count in (0, 999, 1000, 284_417, 5 * 10**12)] == [
        "0 bytes",
        "999 bytes",
        "1 KB",
        "284 KB",
        "5 TB",
    ]
    seconds = (0, 0.04, 0.84, 9.96, 42, 59.7, 310, 3599.9, 7500, 90_000)
    assert [duration(value) for value in seconds] == [
        "0 s", "0.0 s", "0.8 s", "10 s", "42 s", "1 min", "5 min 10 s", "1 h", "2 h 5 min", "25 h",
    ]  # fmt: skip


def test_ticks_are_round_and_within() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(3, 3) == [3]
    for low, high in ((0.03, 0.31), (-5, 1e6), (1e-9, 2e-9)):
        found = ticks(low, high)
        assert 2 <= len(found) <= 12
        assert all(low - 1e-12 <= tick <= high + 1e-12 for tick in found)
    assert time_ticks(45)[:3] == [0, 10, 20]
    assert len(time_ticks(30 * 86400)) <= 12


# Where it goes


def test_a_local_run_writes_a_page_and_prints_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    run = run_report(title="../Digits <today> [red]")
    context = FlyteContextManager.current_context()
    local = context.new_execution_state().with_params(mode=ExecutionState.Mode.LOCAL_WORKFLOW_EXECUTION)
    with FlyteContextManager.with_context(context.with_execution_state(local)):
        publish(run)
    (file,) = tmp_path.rglob("*.html")
    assert file.parent == tmp_path / "smfs" / "decks"
    assert_sound(run.deck())
    assert file.read_text(encoding="utf-8") == page(run.title, run.deck())
    said = capsys.readouterr().out
    assert file.name.startswith("digits-today-red-2026")
    for part in (
        run.title,
        file.as_uri(),
        "Nothing is left.",
        "Held-out accuracy",
        run.tuning.best.job_name,
        "eta=",
        "352 of 360",
    ):
        assert part in said


def test_a_page_is_written_whatever_the_job_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    search = tuning()
    best = search.best.model_copy(update={"job_name": "<script>/../x"})
    context = FlyteContextManager.current_context()
    local = context.new_execution_state().with_params(mode=ExecutionState.Mode.LOCAL_WORKFLOW_EXECUTION)
    with FlyteContextManager.with_context(context.with_execution_state(local)):
        publish(run_report(tuning=search.model_copy(update={"best": best})))
    (file,) = tmp_path.rglob("*.html")
    assert re.fullmatch(r"handwritten-digits-[a-z0-9-]+\.html", file.name)
    assert "<script>/../x" in capsys.readouterr().out


def test_the_table_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    left = Removed(removed=(), remaining=("file system fs-1",), timing=span(43, 2.8))
    from rich.console import Console

    Console(width=200).print(run_report(deleted=left).table("file:///x.html"))
    said = capsys.readouterr().out
    assert "fs-1" in said
    assert "Nothing is left" not in said


def test_samples_are_values_that_travel() -> None:
    for _, value in results():
        assert type(value).model_validate(json.loads(value.model_dump_json())) == value
