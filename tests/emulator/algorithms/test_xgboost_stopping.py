"""Early stopping, by the rules of SageMaker's container."""

from collections.abc import Callable

import numpy as np
import pytest
import xgboost

from flytekitplugins_smfs.emulator.algorithms.xgboost.callbacks import early_stopping

from .container import BINARY, Container, metrics

EARLY = {**BINARY, "num_round": "60", "early_stopping_rounds": "5"}


def puzzle(rows: int, seed: int) -> str:
    """Rows of a label that is hard to learn, and four features."""
    features = np.random.default_rng(seed).normal(size=(rows, 4))
    labels = ((features[:, 0] * features[:, 1] > 0) ^ (features[:, 2] > 0.3)).astype(int)
    return "\n".join(",".join(map(str, row)) for row in np.column_stack([labels, features]))


@pytest.mark.parametrize(("metric", "best"), [("accuracy", max), ("auc", max), ("logloss", min)])
def test_training_stops_some_rounds_after_its_best(
    container: Container, metric: str, best: Callable[[list[float]], float]
) -> None:
    container.write({**EARLY, "eval_metric": metric}, train=puzzle(800, 1), validation=puzzle(400, 2))
    code, output = container.run()
    assert code == 0, container.failure
    values = metrics(output, f"validation:{metric}")
    booster = xgboost.Booster(model_file=container.root / "model/xgboost-model")
    kept = booster.num_boosted_rounds()
    assert values[kept - 1] == best(values), "the best model is kept, not the last"
    assert len(values) == kept + 5 < 60


def test_the_last_metric_is_watched(container: Container) -> None:
    container.write({**EARLY, "eval_metric": "logloss,accuracy"}, train=puzzle(800, 1), validation=puzzle(400, 2))
    code, output = container.run()
    assert code == 0
    values = metrics(output, "validation:accuracy")
    assert len(values) == int(np.argmax(values)) + 1 + 5


@pytest.mark.parametrize("validation", [True, False])
def test_without_a_validation_channel_or_a_metric_nothing_stops(container: Container, validation: bool) -> None:
    noise = np.random.default_rng(3).normal(size=(40, 5))
    rows = [[int(row[0] > 0), *row[1:]] for row in noise]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    parameters = {**EARLY, "early_stopping_rounds": "2"}
    if validation:
        del parameters["eval_metric"]
        container.write(parameters, train=text, validation=puzzle(40, 2))
    else:
        container.write(parameters, train=text)
    code, output = container.run()
    assert code == 0
    assert len(metrics(output, "train:logloss")) == 60


@pytest.mark.parametrize(
    ("parameters", "metric", "rises"),
    [
        ({"eval_metric": ["logloss", "auc"]}, "auc", True),
        ({"eval_metric": ["map"]}, "map", True),
        ({"eval_metric": ["ndcg"]}, "ndcg", True),
        ({"eval_metric": ["auc", "rmse"]}, "rmse", False),
        ({"eval_metric": ["auc"], "_tuning_objective_metric": "validation:logloss"}, "logloss", False),
        ({"_tuning_objective_metric": "validation:f1"}, "f1", True),
    ],
)
def test_what_is_watched_and_which_way_is_better(parameters: dict[str, object], metric: str, rises: bool) -> None:
    stopping = early_stopping({"early_stopping_rounds": 3, **parameters}, has_validation=True, is_master=True)
    assert stopping is not None
    assert (stopping.metric_name, stopping.maximize, stopping.data) == (metric, rises, "validation")


def test_a_metric_that_is_no_number_does_not_end_the_job(container: Container) -> None:
    ones = "\n".join(f"1,{n},{n % 3}" for n in range(20))
    mixed = "\n".join(f"{n % 2},{n},{n % 3}" for n in range(40))
    container.write({**EARLY, "eval_metric": "auc", "num_round": "4"}, train=mixed, validation=ones)
    code, output = container.run()
    assert code == 0, container.failure
    assert "validation-auc:nan" in output
    assert metrics(output, "validation:auc") == []
    assert len(metrics(output, "train:auc")) == 4
