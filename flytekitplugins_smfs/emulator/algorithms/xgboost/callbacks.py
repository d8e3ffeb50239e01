"""What happens after each round: the line in the log, checkpoints, early stopping, and the end on SIGTERM.

Source: ``callback`` and ``checkpointing`` of AWS's public sagemaker-xgboost-container.
"""

import signal
import types
from pathlib import Path
from typing import Any

import xgboost

from .hyperparameters import MAXIMIZE

_CHECKPOINT = "xgboost-checkpoint"
_CHECKPOINTS_KEPT = 5


def tuned_metric(parameters: dict[str, Any]) -> str:
    """The metric that a tuning job looks at; empty if there is none."""
    return str(parameters.get("_tuning_objective_metric", "")).removeprefix("validation:")


def early_stopping(
    parameters: dict[str, Any], has_validation: bool, is_master: bool
) -> "xgboost.callback.EarlyStopping | None":
    """What stops the training when the validation metric gets no better, and then keeps the best model.

    As in the container there is none without a validation channel, nor without a metric: the tuning job's, else the
    last of ``eval_metric``. Which way is better is looked up by the metric's whole name, so that ``ndcg@5`` counts as
    one that falls.
    """
    rounds = parameters.get("early_stopping_rounds")
    metric = tuned_metric(parameters) or next(iter(parameters.get("eval_metric", [])[-1:]), "")
    if not (rounds and metric and has_validation):
        return None
    return xgboost.callback.EarlyStopping(
        rounds=rounds, metric_name=metric, data_name="validation", maximize=metric in MAXIMIZE, save_best=is_master
    )


def latest_checkpoint(checkpoints: Path | None) -> tuple[str | None, int]:
    """The newest checkpoint of an earlier attempt and the number of rounds it holds."""
    if checkpoints is None or not checkpoints.is_dir():
        return None, 0
    rounds = [int(path.suffix[1:]) for path in checkpoints.glob(f"{_CHECKPOINT}.*") if path.suffix[1:].isdigit()]
    if not rounds:
        return None, 0
    newest = checkpoints / f"{_CHECKPOINT}.{max(rounds)}"
    print(f"INFO:root:Checkpoint loaded from {newest}\nINFO:root:Resuming from iteration {max(rounds) + 1}", flush=True)
    return str(newest), max(rounds) + 1


class InTurn(xgboost.callback.TrainingCallback):
    """All of them after each round, in this order. XGBoost takes any order, and stops at the first that says stop."""

    def __init__(self, callbacks: list[xgboost.callback.TrainingCallback]) -> None:
        self._callbacks = callbacks

    def before_training(self, model: Any) -> Any:
        for callback in self._callbacks:
            model = callback.before_training(model)
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        stops = [callback.after_iteration(model, epoch, evals_log) for callback in self._callbacks]
        return any(stops)

    def after_training(self, model: Any) -> Any:
        for callback in self._callbacks:
            model = callback.after_training(model)
        return model


class Log(xgboost.callback.TrainingCallback):
    """The line per round that the documented metric regexes match."""

    def __init__(self, first_round: int) -> None:
        self._first = first_round

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        scores = "".join(
            f"\t{channel}-{name}:{values[-1]:.5f}"
            for channel, found in evals_log.items()
            for name, values in found.items()
        )
        if xgboost.collective.get_rank() == 0:
            print(f"[{epoch + self._first}]{scores}", flush=True)
        return False


class StopOnSignal(xgboost.callback.TrainingCallback):
    """SIGTERM ends training after the current round; the model so far is kept."""

    def __init__(self) -> None:
        self._stop = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        self._stop = True

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        return self._stop


class Checkpoints(xgboost.callback.TrainingCallback):
    """Saves the model of every round where a later attempt looks for it, the last five kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        done = model.num_boosted_rounds() - 1
        temporary = self._folder / f".{_CHECKPOINT}.tmp"
        model.save_model(temporary)
        temporary.replace(self._folder / f"{_CHECKPOINT}.{done}")
        (self._folder / f"{_CHECKPOINT}.{done - _CHECKPOINTS_KEPT}").unlink(missing_ok=True)
        return False
