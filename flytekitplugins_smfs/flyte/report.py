"""The report of a run from data to clean-up: a deck, and a table for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flytekit import Deck
from flytekit.core.context_manager import FlyteContextManager
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from flytekitplugins_smfs.flyte.deck.scale import duration, number_or_dash, parameter, size
from flytekitplugins_smfs.flyte.deck.timeline import Part, Step
from flytekitplugins_smfs.flyte.decks import Resource, Tile, page, run_deck
from flytekitplugins_smfs.places import state_home
from flytekitplugins_smfs.values.dataset import Dataset, Evaluation
from flytekitplugins_smfs.values.lustre.link import RepositoryLink
from flytekitplugins_smfs.values.removal import Removed
from flytekitplugins_smfs.values.sagemaker.training import TrainingResult
from flytekitplugins_smfs.values.sagemaker.tuning import TuningResult


@dataclass(frozen=True)
class RunReport:
    """What the steps of a run gave."""

    title: str
    dataset: Dataset
    link: RepositoryLink
    training: TrainingResult
    tuning: TuningResult
    evaluation: Evaluation
    deleted: Removed
    unlinked: Removed | None = None
    """Where the link was removed by a step of its own; a file system takes its links along."""

    @property
    def remaining(self) -> tuple[str, ...]:
        """What the last clean-up saw to be left of this execution."""
        return self.deleted.remaining

    @property
    def steps(self) -> list[Step]:
        """The steps in the order in which they began."""
        best = self.tuning.best.job_name
        trials = [Part(t.job_name, t.timing, t.job_name == best) for t in self.tuning.trials if t.timing]
        steps = [
            Step("Upload", "data", self.dataset.timing),
            Step("Create file system", "storage", self.link.file_system.timing),
            Step("Link to S3", "storage", self.link.timing),
            Step("Train", "compute", self.training.timing),
            Step("Tune", "compute", self.tuning.timing, trials),
            Step("Evaluate", "data", self.evaluation.timing),
            Step("Delete file system", "clean", self.deleted.timing),
        ]
        if self.unlinked:
            steps.append(Step("Unlink", "clean", self.unlinked.timing))
        return sorted(steps, key=lambda step: step.timing.started_at)

    @property
    def seconds(self) -> float:
        """From the first step's start to the last one's end."""
        first = min(step.timing.started_at for step in self.steps)
        return (max(step.timing.ended_at for step in self.steps) - first).total_seconds()

    def deck(self) -> str:
        """The page as a piece of HTML."""
        files = self.link.file_system
        began = min(step.timing.started_at for step in self.steps)
        return run_deck(
            title=self.title,
            subtitle=f"{began:%-d %B %Y, %H:%M} UTC · {files.region} · {self.dataset.uri}",
            tiles=list(self._tiles()),
            steps=self.steps,
            resources=list(self._resources()),
            training=self.training,
            tuning=self.tuning,
            evaluation=self.evaluation,
        )

    def _tiles(self) -> Iterator[Tile]:
        left = ", ".join(self.remaining) or "nothing"
        yield Tile("Held-out accuracy", f"{self.evaluation.accuracy:.1%}")
        yield Tile(f"Best {self.tuning.objective.metric_name}", number_or_dash(self.tuning.best.objective))
        yield Tile("Trials", str(len(self.tuning.trials)))
        yield Tile("Data", f"{self.dataset.files} files, {size(self.dataset.size_bytes)}")
        yield Tile("Took", duration(self.seconds))
        yield Tile("Left in AWS", left, "bad" if self.remaining else "good")

    def _resources(self) -> Iterator[Resource]:
        files, link = self.link.file_system, self.link
        yield self._state("Lustre file system", files.id, f"{files.deployment_type}, {files.capacity_gib:,} GiB")
        yield self._state("Data repository association", link.association_id, f"{link.path} → {link.repository}")
        yield Resource("Training job", self.training.job_name, "completed", "good")
        trials = f"{len(self.tuning.trials)} trials"
        yield Resource("Tuning job", self.tuning.tuning_job_name, "completed", "good", trials)
        yield Resource("Data set in S3", self.dataset.uri, "kept", detail=f"{self.dataset.files} files")
        yield Resource("Best model in S3", self.tuning.best_model_uri, "kept")

    def _state(self, kind: str, name: str, detail: str) -> Resource:
        unlinked = self.unlinked.removed if self.unlinked else ()
        gone = any(name in one for one in (*unlinked, *self.deleted.removed))
        if name == self.link.association_id and not self.link.adopted:  # it goes with its file system
            gone = gone or any(self.link.file_system.id in one for one in self.deleted.removed)
        left = any(name in one for one in self.remaining)
        adopted = self.link.adopted if name == self.link.association_id else self.link.file_system.adopted
        if left or not (gone or adopted):
            return Resource(kind, name, "still there", "bad", detail)
        return Resource(kind, name, *(("removed", "good") if gone else ("kept, not ours", "")), detail=detail)

    def table(self, deck: str) -> Table:
        """The summary for a terminal; `deck` says where the page is."""
        shown = Table(
            "", Column(overflow="fold"), title=self.title, show_header=False, title_justify="left", title_style="bold"
        )
        files, link = self.link.file_system, self.link
        shown.add_row("File system", f"{files.id}  {files.deployment_type}, {files.capacity_gib:,} GiB")
        shown.add_row("Link", f"{link.association_id}  {link.path} → {link.repository}")
        shown.add_row("Training job", self.training.job_name)
        shown.add_row("Tuning job", f"{self.tuning.tuning_job_name}  {len(self.tuning.trials)} trials")
        best = self.tuning.best
        reached = f"{self.tuning.objective.metric_name} {number_or_dash(best.objective)}"
        shown.add_row("Best trial", f"{best.job_name}  {reached}")
        shown.add_row("", ", ".join(f"{key}={parameter(text)}" for key, text in sorted(best.parameters.items())))
        right = round(self.evaluation.accuracy * self.evaluation.examples)
        shown.add_row("Held-out accuracy", f"{self.evaluation.accuracy:.4f}  {right} of {self.evaluation.examples}")
        for at, step in enumerate(self.steps):
            shown.add_row("Seconds" if at == 0 else "", f"{step.timing.seconds:7.1f}  {step.name}")
        shown.add_row("", f"{self.seconds:7.1f}  from first to last")
        shown.add_row("Deck", Text(deck, style=f"link {deck}" if "://" in deck else ""))
        shown.add_row("Left in AWS", ", ".join(self.remaining) or "Nothing is left.")
        return shown


def publish(run: RunReport) -> None:
    """Put the deck where Flyte shows it, and print the summary. In a local run the page is also written to a file."""
    deck = run.deck()
    Deck("Run", deck)
    where = "in the Flyte console, beside this task"
    state = FlyteContextManager.current_context().execution_state
    if state is not None and state.is_local_execution():
        file = _deck_file(run)
        file.write_text(page(run.title, deck), encoding="utf-8")
        where = file.as_uri()
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(run.table(where))


def deck_directory() -> Path:
    """Where local runs keep their pages: `smfs/decks` in the user's state directory."""
    return state_home() / "smfs" / "decks"


def _deck_file(run: RunReport) -> Path:
    directory = deck_directory()
    directory.mkdir(parents=True, exist_ok=True)
    name = f"{run.title}-{run.tuning.timing.started_at:%Y%m%d-%H%M%S}-{run.tuning.best.job_name[-10:]}"
    return directory / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.html"
