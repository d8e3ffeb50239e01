"""The hyperparameters SageMaker's XGBoost accepts, their ranges, and its texts when one is wrong.

Source: "XGBoost hyperparameters" and "Tune an XGBoost Model" in the SageMaker developer guide.
"""

import ast
from dataclasses import dataclass
from typing import Any

from ..errors import UserError

MAXIMIZE = [
    "accuracy",
    "auc",
    "aucpr",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
    "precision",
    "r2",
    "recall",
    "precision_macro",
    "precision_micro",
    "recall_macro",
    "recall_micro",
]
MINIMIZE = [
    "aft-nloglik",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "mse",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
]
TUNABLE = frozenset(
    [
        "alpha",
        "colsample_bylevel",
        "colsample_bynode",
        "colsample_bytree",
        "eta",
        "gamma",
        "lambda",
        "max_delta_step",
        "max_depth",
        "min_child_weight",
        "num_round",
        "subsample",
    ]
)
"""The hyperparameters a tuning job may search over."""

_ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}


@dataclass(frozen=True)
class Interval:
    """A range of numbers in the notation of the documentation: ``[0, 1]``, ``(0, 1]``, ``[1, +inf)``."""

    text: str

    def __contains__(self, value: float) -> bool:
        low, high = (float(end) for end in self.text[1:-1].split(","))
        above = value >= low if self.text[0] == "[" else value > low
        below = value <= high if self.text[-1] == "]" else value < high
        return above and below

    def __str__(self) -> str:
        return self.text


_INTEGERS = {
    "num_round": "[1, +inf)",
    "csv_weights": "[0, 1]",
    "early_stopping_rounds": "[1, +inf)",
    "verbosity": "[0, 3]",
    "nthread": "[1, +inf)",
    "max_depth": "[0, +inf)",
    "refresh_leaf": "[0, 1]",
    "max_leaves": "[0, +inf)",
    "max_bin": "[0, +inf)",
    "one_drop": "[0, 1]",
    "num_class": "[2, +inf)",
    "seed": "(-2147483648, 2147483647)",
    "num_parallel_tree": "[1, +inf)",
    "prob_buffer_row": "(1, +inf)",
    "_kfold": "[2, +inf)",
    "_num_cv_round": "[1, +inf)",
}
_CONTINUOUS = {
    "eta": "[0, 1]",
    "gamma": "[0, +inf)",
    "min_child_weight": "[0, +inf)",
    "max_delta_step": "[0, +inf)",
    "subsample": "(0, 1]",
    "colsample_bytree": "(0, 1]",
    "colsample_bylevel": "(0, 1]",
    "colsample_bynode": "(0, 1]",
    "lambda": "[0, +inf)",
    "alpha": "[0, +inf)",
    "sketch_eps": "(0, 1)",
    "scale_pos_weight": "(0, +inf)",
    "rate_drop": "[0, 1]",
    "skip_drop": "[0, 1]",
    "lambda_bias": "[0, 1]",
    "tweedie_variance_power": "(1, 2)",
    "base_score": "[0, +inf)",
    "aft_loss_distribution_scale": "[0, +inf)",
}
_CHOICES = {
    "booster": ["gbtree", "gblinear", "dart"],
    "tree_method": ["auto", "exact", "approx", "hist", "gpu_hist"],
    "dsplit": ["row", "col"],
    "process_type": ["default", "update"],
    "grow_policy": ["depthwise", "lossguide"],
    "predictor": ["auto", "cpu_predictor", "gpu_predictor"],
    "sample_type": ["uniform", "weighted"],
    "normalize_type": ["tree", "forest"],
    "sampling_method": ["uniform", "gradient_based"],
    "aft_loss_distribution": ["normal", "logistic", "extreme"],
    "save_model_on_termination": ["true", "false"],
    "single_precision_histogram": ["true", "false"],
    "deterministic_histogram": ["true", "false"],
    "objective": [
        "aft_loss_distribution",
        "binary:logistic",
        "binary:logitraw",
        "binary:hinge",
        "count:poisson",
        "multi:softmax",
        "multi:softprob",
        "rank:pairwise",
        "rank:ndcg",
        "rank:map",
        "reg:linear",
        "reg:squarederror",
        "reg:logistic",
        "reg:gamma",
        "reg:pseudohubererror",
        "reg:squaredlogerror",
        "reg:tweedie",
        "reg:absoluteerror",
        "survival:aft",
        "survival:cox",
    ],
    "_tuning_objective_metric": [f"validation:{name}" for name in MAXIMIZE + MINIMIZE],
}
_LISTS = {
    "eval_metric": MAXIMIZE + MINIMIZE,
    "updater": [
        "grow_colmaker",
        "distcol",
        "grow_histmaker",
        "grow_local_histmaker",
        "grow_skmaker",
        "grow_quantile_histmaker",
        "sync",
        "refresh",
        "prune",
        "shotgun",
        "coord_descent",
    ],
}
_LITERALS = ("monotone_constraints", "interaction_constraints")


def validate(given: dict[str, str]) -> dict[str, Any]:
    """The hyperparameters with their types. Raises UserError with the container's text for the first that is wrong."""
    named = {_ALIASES.get(name, name): value for name, value in given.items()}
    if "num_round" not in named:
        raise UserError("Missing required hyperparameter: num_round")
    values = {name: _parse(name, value) for name, value in named.items()}
    for name, value in values.items():
        _check_range(name, value)
    _check_together(values)
    return values


def _parse(name: str, value: str) -> Any:
    try:
        if name in _INTEGERS:
            return int(value)
        if name in _CONTINUOUS:
            return float(value)
        if name in _LITERALS:
            return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        raise UserError(f"Hyperparameter {name}: could not parse value (caused by ValueError)") from None
    if name in _LISTS:
        return value.split(",")
    if name in _CHOICES:
        return value
    raise UserError(f"Extraneous hyperparameter found: {name}")


def _check_range(name: str, value: Any) -> None:
    interval = _INTEGERS.get(name) or _CONTINUOUS.get(name)
    if interval is not None and value not in Interval(interval):
        raise UserError(f"Hyperparameter {name}: {value} is not in {interval}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise UserError(f"Hyperparameter {name}: {value} is not in {_CHOICES[name]}")
    if name in _LISTS and not all(_known(name, item) for item in value):
        raise UserError(f"Hyperparameter {name}: value {value} not in range {_LISTS[name]}")


def _known(name: str, item: str) -> bool:
    if name == "eval_metric" and "@" in item:
        metric, _, threshold = item.partition("@")
        if metric not in ("error", "ndcg", "map"):
            raise UserError(
                f"Metric '{item}' is not supported. Parameter 'eval_metric' with customized threshold should be one of "
                "these options: 'error', 'ndcg', 'map'."
            )
        try:
            float(threshold)
        except ValueError:
            raise UserError(f"Threshold value 't' in '{metric}@t' expects float input.") from None
        return True
    return item in _LISTS[name]


def _check_together(values: dict[str, Any]) -> None:
    objective = values.get("objective", "reg:squarederror")
    metrics = values.get("eval_metric", [])
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        raise UserError("Require input for parameter 'num_class' for multi-classification")
    if "num_class" in values and "objective" not in values:
        raise UserError("Do not need to setup parameter 'num_class' for learning task other than multi-classification.")
    if "auc" in metrics and not objective.startswith(("binary:", "rank:", "multi:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in metrics and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")
    if "monotone_constraints" in values and values.get("tree_method") not in ("exact", "hist"):
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to either 'exact' or 'hist'."
        )
    if "interaction_constraints" in values and values.get("tree_method") not in ("exact", "hist", "approx"):
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to either 'exact', 'hist' "
            "or 'approx'."
        )
