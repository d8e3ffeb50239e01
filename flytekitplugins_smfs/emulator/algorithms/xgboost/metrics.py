"""The evaluation metrics SageMaker adds to XGBoost's own, over numpy alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xgboost

Array = np.ndarray[Any, np.dtype[Any]]
_Average = Callable[[Array, Array, Array], float]


def _ratio(part: Array, whole: Array) -> Array:
    """Elementwise division where nothing of nothing is nothing."""
    quotient: Array = np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole != 0)
    return quotient


def _precision(hits: Array, predicted: Array, actual: Array) -> Array:
    return _ratio(hits, predicted)


def _recall(hits: Array, predicted: Array, actual: Array) -> Array:
    return _ratio(hits, actual)


def _f1(hits: Array, predicted: Array, actual: Array) -> Array:
    return _ratio(2 * hits, predicted + actual)


def _binary(score: Callable[[Array, Array, Array], Array]) -> _Average:
    def average(hits: Array, predicted: Array, actual: Array) -> float:
        if len(hits) > 2:
            raise ValueError("Target is multiclass but average='binary'")
        return float(score(hits, predicted, actual)[-1])

    return average


def _macro(score: Callable[[Array, Array, Array], Array]) -> _Average:
    return lambda hits, predicted, actual: float(score(hits, predicted, actual).mean())


def _accuracy(hits: Array, predicted: Array, actual: Array) -> float:
    return float(hits.sum() / actual.sum())


_CLASSIFICATION: dict[str, _Average] = {
    "accuracy": _accuracy,
    "precision_micro": _accuracy,
    "recall_micro": _accuracy,
    "balanced_accuracy": _macro(_recall),
    "f1": _macro(_f1),
    "f1_macro": _macro(_f1),
    "f1_binary": _binary(_f1),
    "precision": _binary(_precision),
    "precision_macro": _macro(_precision),
    "recall": _binary(_recall),
    "recall_macro": _macro(_recall),
}


def _mse(predictions: Array, labels: Array) -> float:
    return float(np.mean((predictions - labels) ** 2))


def _r2(predictions: Array, labels: Array) -> float:
    spread = float(np.mean((labels - labels.mean()) ** 2))
    return 1 - _mse(predictions, labels) / spread if spread else 0.0


_REGRESSION: dict[str, Callable[[Array, Array], float]] = {"mse": _mse, "r2": _r2}
CUSTOM = frozenset(_CLASSIFICATION) | frozenset(_REGRESSION)
"""The metrics that XGBoost itself does not know."""


def evaluator(names: list[str], objective: str) -> Callable[[Array, "xgboost.DMatrix"], list[tuple[str, float]]]:
    """A function for ``xgboost.train(custom_metric=...)`` that computes the named metrics."""

    def evaluate(predictions: Array, data: "xgboost.DMatrix") -> list[tuple[str, float]]:
        labels = data.get_label()
        return [(name, _score(name, predictions, labels, objective)) for name in names]

    return evaluate


def _score(name: str, predictions: Array, labels: Array, objective: str) -> float:
    if name in _REGRESSION:
        return _REGRESSION[name](predictions, labels)
    classes = _classes(predictions, objective)
    known = np.union1d(labels, classes)
    hits = np.array([np.sum((classes == c) & (labels == c)) for c in known])
    predicted = np.array([np.sum(classes == c) for c in known])
    actual = np.array([np.sum(labels == c) for c in known])
    return _CLASSIFICATION[name](hits, predicted, actual)


def _classes(predictions: Array, objective: str) -> Array:
    if predictions.ndim > 1:
        best: Array = predictions.argmax(axis=1)
        return best
    if objective.startswith("multi:"):
        return predictions
    threshold = 0 if objective == "binary:logitraw" else 0.5
    positive: Array = (predictions > threshold).astype(int)
    return positive
