"""One training run: data in, log lines out, ``xgboost-model`` at the end."""

import os
import signal
import types
import warnings
from pathlib import Path
from typing import Any

import xgboost

from ..environment import TrainingEnvironment
from ..errors import AlgorithmError, UserError
from . import data, metrics
from .cluster import communicator
from .hyperparameters import validate

_NOT_FOR_TRAIN = ("num_round", "csv_weights", "early_stopping_rounds", "eval_metric", "save_model_on_termination")
_REMOVED = ("predictor", "sketch_eps", "dsplit", "lambda_bias", "prob_buffer_row", "single_precision_histogram")
_RENAMED = {"reg:linear": "reg:squarederror"}
_CUSTOMER_ERRORS = (
    "label must be in [0,1] for logistic regression",
    "label must be in [0, num_class)",
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "base_score must be in (0,1)",
    "label must be nonnegative",
    "should be greater equal to 0",
)
_CHECKPOINT = "xgboost-checkpoint"
_CHECKPOINTS_KEPT = 5


def train(environment: TrainingEnvironment) -> None:
    """Run the job described by the environment. Raises UserError for what its owner can mend."""
    parameters = validate(environment.hyperparameters)
    for name in ("_kfold", "_num_cv_round"):
        if name in parameters:
            raise UserError(f"The embedded XGBoost does not implement the hyperparameter {name}.")
    warnings.filterwarnings("ignore", message=r"(?s).*(UBJSON|Unknown file format|deprecated binary)")
    with communicator(environment):
        train_data, validation_data = _load_channels(environment, bool(parameters.get("csv_weights")))
        booster = _boost(parameters, train_data, validation_data, environment.checkpoints)
        if environment.current_host == environment.hosts[0]:
            environment.model.mkdir(parents=True, exist_ok=True)
            _save(booster, environment.model / "xgboost-model")


def _save(booster: xgboost.Booster, path: Path) -> None:
    """Save as the containers of XGBoost 1.x do: in the binary format that XGBoost 3.0 is the last to know."""
    binary = path.with_suffix(".deprecated")
    booster.save_model(binary)
    binary.replace(path)


def _load_channels(
    environment: TrainingEnvironment, weighted: bool
) -> tuple["xgboost.DMatrix", "xgboost.DMatrix | None"]:
    if "train" not in environment.channels:
        raise UserError("Missing required channel: train")
    form = data.content_format(environment.channels["train"].get("ContentType"))
    train_data = data.load(environment.channel("train"), form, weighted)
    if train_data is None:
        raise UserError(f"No data in training channel path {environment.channel('train')}")
    print(f"INFO:root:Train matrix has {train_data.num_row()} rows and {train_data.num_col()} columns", flush=True)
    if "validation" not in environment.channels:
        return train_data, None
    validation_data = data.load(environment.channel("validation"), form, weighted, train_data.num_col())
    if validation_data is None:
        raise UserError(f"No data in validation channel path {environment.channel('validation')}")
    print(f"INFO:root:Validation matrix has {validation_data.num_row()} rows", flush=True)
    return train_data, validation_data


def _boost(
    parameters: dict[str, Any],
    train_data: "xgboost.DMatrix",
    validation_data: "xgboost.DMatrix | None",
    checkpoints: Path | None,
) -> "xgboost.Booster":
    objective = _RENAMED.get(parameters.get("objective", ""), parameters.get("objective", "reg:squarederror"))
    labels = train_data.get_label()
    if objective in ("binary:logistic", "binary:logitraw", "reg:logistic") and (labels.min() < 0 or labels.max() > 1):
        raise UserError("label must be in [0,1] for logistic regression")
    wanted = _wanted_metrics(parameters)
    custom = [name for name in wanted if name in metrics.CUSTOM]
    settings = {k: v for k, v in parameters.items() if k not in _NOT_FOR_TRAIN + _REMOVED and not k.startswith("_")}
    settings |= {"objective": objective, "nthread": _threads(parameters)}
    if wanted:
        settings["eval_metric"] = [name for name in wanted if name not in metrics.CUSTOM]
        settings["disable_default_eval_metric"] = int(len(custom) == len(wanted))
    if "updater" in settings:
        settings["updater"] = ",".join(settings["updater"])
    watched = [(train_data, "train")] + ([(validation_data, "validation")] if validation_data is not None else [])
    before, rounds_done = _latest_checkpoint(checkpoints)
    callbacks: list[xgboost.callback.TrainingCallback] = [_Log(rounds_done), _StopOnSignal()]
    if checkpoints is not None:
        callbacks.append(_Checkpoints(checkpoints))
    try:
        return xgboost.train(
            settings,
            train_data,
            num_boost_round=max(parameters["num_round"] - rounds_done, 0),
            evals=watched,
            custom_metric=metrics.evaluator(custom, objective) if custom else None,
            early_stopping_rounds=parameters.get("early_stopping_rounds"),
            callbacks=callbacks,
            xgb_model=before,
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        message = str(error).split("\nStack trace")[0]
        if any(text in message for text in _CUSTOMER_ERRORS):
            raise UserError(message) from None
        raise AlgorithmError(f"XGB train call failed with exception:\n {message}") from error


def _wanted_metrics(parameters: dict[str, Any]) -> list[str]:
    """The metrics to print: those asked for, and the one a tuning job looks at."""
    wanted = list(parameters.get("eval_metric", []))
    tuned = parameters.get("_tuning_objective_metric", "").removeprefix("validation:")
    return [*wanted, tuned] if tuned and tuned not in wanted else wanted


def _threads(parameters: dict[str, Any]) -> int:
    allowed = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return min(int(parameters.get("nthread", allowed)), allowed)


def _latest_checkpoint(checkpoints: Path | None) -> tuple[str | None, int]:
    """The newest checkpoint of an earlier attempt and the number of rounds it holds."""
    if checkpoints is None or not checkpoints.is_dir():
        return None, 0
    rounds = [int(path.suffix[1:]) for path in checkpoints.glob(f"{_CHECKPOINT}.*") if path.suffix[1:].isdigit()]
    if not rounds:
        return None, 0
    newest = checkpoints / f"{_CHECKPOINT}.{max(rounds)}"
    print(f"INFO:root:Checkpoint loaded from {newest}\nINFO:root:Resuming from iteration {max(rounds) + 1}", flush=True)
    return str(newest), max(rounds) + 1


class _Log(xgboost.callback.TrainingCallback):
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


class _StopOnSignal(xgboost.callback.TrainingCallback):
    """SIGTERM ends training after the current round; the model so far is kept."""

    def __init__(self) -> None:
        self._stop = False
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        self._stop = True

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        return self._stop


class _Checkpoints(xgboost.callback.TrainingCallback):
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
