"""One training run: data in, log lines out, ``xgboost-model`` at the end."""

import os
import warnings
from pathlib import Path
from typing import Any

import xgboost

from ..environment import TrainingEnvironment
from ..errors import AlgorithmError, UserError
from . import data, files, metrics
from .callbacks import Checkpoints, InTurn, Log, StopOnSignal, early_stopping, latest_checkpoint, tuned_metric
from .cluster import communicator, hosts_with_data
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
_CHANNELS = ("train", "validation", "code")
_DIVIDE = (
    "https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html#Instance-XGBoost-distributed-training-divide-data"
)


def train(environment: TrainingEnvironment) -> None:
    """Run the job described by the environment. Raises UserError for what its owner can mend."""
    parameters = validate(environment.hyperparameters)
    for name in ("_kfold", "_num_cv_round"):
        if name in parameters:
            raise UserError(f"The embedded XGBoost does not implement the hyperparameter {name}.")
    warnings.filterwarnings("ignore", message=r"(?s).*(UBJSON|Unknown file format|deprecated binary)")
    train_data, validation_data = _load_channels(environment, bool(parameters.get("csv_weights")))
    complete = train_data is not None and (validation_data is not None or "validation" not in environment.channels)
    hosts = hosts_with_data(environment, complete)
    if train_data is None or not complete:
        print(f"WARNING:root:Host {environment.current_host} not being used for distributed training.", flush=True)
        if not hosts:
            raise AlgorithmError("No hosts received training data.")
        return
    with communicator(environment, hosts):
        booster = _boost(parameters, train_data, validation_data, environment, hosts[0])
        if environment.current_host == hosts[0]:
            environment.model.mkdir(parents=True, exist_ok=True)
            _save(booster, environment.model / "xgboost-model")


def _save(booster: xgboost.Booster, path: Path) -> None:
    """Save as the containers of XGBoost 1.x do: in the binary format that XGBoost 3.0 is the last to know."""
    binary = path.with_suffix(".deprecated")
    booster.save_model(binary)
    binary.replace(path)


def _load_channels(
    environment: TrainingEnvironment, weighted: bool
) -> tuple["xgboost.DMatrix | None", "xgboost.DMatrix | None"]:
    """The data of this host. A single host must have some; of several, one without is told of and left out."""
    if "train" not in environment.channels:
        raise UserError("Missing required channel: train")
    for name in environment.channels:
        if name not in _CHANNELS:
            raise UserError(f"Extraneous channel found: {name}")
    form = data.content_format(environment.channels["train"].get("ContentType"))
    given = [name for name in ("train", "validation") if name in environment.channels]
    if len(given) > 1:
        files.warn_of_duplicates(environment.channel("train"), environment.channel("validation"))
    loaded = {name: data.load(environment.channel(name), form, weighted) for name in given}
    for name, kind in (("train", "training"), ("validation", "validation")):
        if name in loaded and loaded[name] is None:
            if len(environment.hosts) == 1:
                raise UserError(f"No data in {kind} channel path {environment.channel(name)}")
            files.warn(
                f"Host {environment.current_host} does not have {kind} data. Will broadcast to cluster and this host "
                f"{environment.current_host} will not be used in distributed training. Please divide the {kind} data "
                f"across instances properly. See {_DIVIDE}. "
            )
    return loaded["train"], loaded.get("validation")


def _boost(
    parameters: dict[str, Any],
    train_data: "xgboost.DMatrix",
    validation_data: "xgboost.DMatrix | None",
    environment: TrainingEnvironment,
    master: str,
) -> "xgboost.Booster":
    print(f"INFO:root:Train matrix has {train_data.num_row()} rows and {train_data.num_col()} columns", flush=True)
    if validation_data is not None:
        print(f"INFO:root:Validation matrix has {validation_data.num_row()} rows", flush=True)
    objective = _RENAMED.get(parameters.get("objective", ""), parameters.get("objective", "reg:squarederror"))
    labels = train_data.get_label()
    if objective in ("binary:logistic", "binary:logitraw", "reg:logistic") and (labels.min() < 0 or labels.max() > 1):
        raise UserError("label must be in [0,1] for logistic regression")
    wanted = _wanted_metrics(parameters)
    custom = [name for name in wanted if name in metrics.CUSTOM]
    watched = [(train_data, "train")] + ([(validation_data, "validation")] if validation_data is not None else [])
    is_master = environment.current_host == master
    before, rounds_done = latest_checkpoint(environment.checkpoints)
    callbacks: list[xgboost.callback.TrainingCallback] = [Log(rounds_done), StopOnSignal()]
    if environment.checkpoints is not None and is_master:
        callbacks.append(Checkpoints(environment.checkpoints))
    if (stopping := early_stopping(parameters, validation_data is not None, is_master)) is not None:
        callbacks.append(stopping)
    try:
        return xgboost.train(
            _settings(parameters, objective, wanted, custom),
            train_data,
            num_boost_round=max(parameters["num_round"] - rounds_done, 0),
            evals=watched,
            custom_metric=metrics.evaluator(custom, objective) if custom else None,
            callbacks=[InTurn(callbacks)],
            xgb_model=before,
            verbose_eval=False,
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        message = str(error).split("\nStack trace")[0]
        if any(text in message for text in _CUSTOMER_ERRORS):
            raise UserError(message) from None
        raise AlgorithmError(f"XGB train call failed with exception:\n {message}") from error


def _settings(parameters: dict[str, Any], objective: str, wanted: list[str], custom: list[str]) -> dict[str, Any]:
    settings = {k: v for k, v in parameters.items() if k not in _NOT_FOR_TRAIN + _REMOVED and not k.startswith("_")}
    settings |= {"objective": objective, "nthread": _threads(parameters)}
    if wanted:
        settings["eval_metric"] = [name for name in wanted if name not in metrics.CUSTOM]
        settings["disable_default_eval_metric"] = int(len(custom) == len(wanted))
    if "updater" in settings:
        settings["updater"] = ",".join(settings["updater"])
    return settings


def _wanted_metrics(parameters: dict[str, Any]) -> list[str]:
    """The metrics to print: those asked for, and the one a tuning job looks at (both sorted, as in the container)."""
    wanted = list(parameters.get("eval_metric", []))
    tuned = tuned_metric(parameters)
    return sorted({*wanted, tuned}) if tuned and wanted else [tuned] if tuned else wanted


def _threads(parameters: dict[str, Any]) -> int:
    allowed = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return min(int(parameters.get("nthread", allowed)), allowed)
