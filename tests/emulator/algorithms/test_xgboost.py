"""SageMaker's XGBoost over the open-source one, as a program in a hand-made ``/opt/ml``."""

import json
import re
import signal

import pytest

from flytekitplugins_smfs.emulator.algorithms.errors import UserError
from flytekitplugins_smfs.emulator.algorithms.xgboost.hyperparameters import validate

from .container import BINARY, FEATURES, LABELS, Container, as_csv, as_libsvm, metrics


def test_csv(container: Container) -> None:  # C25
    container.write(BINARY, train=as_csv(), validation=as_csv())
    code, output = container.run()
    assert code == 0
    assert len(metrics(output, "train:logloss")) == len(metrics(output, "validation:logloss")) == 5
    assert metrics(output, "validation:logloss")[-1] < metrics(output, "validation:logloss")[0]
    assert container.accuracy(FEATURES, LABELS) > 0.9


def test_libsvm_is_the_default_format(container: Container) -> None:
    container.write(BINARY, None, train=as_libsvm())
    assert container.run()[0] == 0
    assert container.accuracy(FEATURES, LABELS) > 0.9


def test_csv_weights_are_the_second_column(container: Container) -> None:
    container.write({**BINARY, "csv_weights": "1"}, train=as_csv(weights=True))
    assert container.run()[0] == 0
    assert container.accuracy(FEATURES, LABELS) > 0.9


def test_empty_fields_are_missing_values(container: Container) -> None:
    container.write(BINARY, train=as_csv() + "\n1,,0.5,,0.1")
    code, output = container.run()
    assert code == 0
    assert "201 rows and 4 columns" in output


def test_sagemakers_own_metrics(container: Container) -> None:
    container.write({**BINARY, "eval_metric": "accuracy,f1,logloss", "num_round": "3"}, train=as_csv())
    code, output = container.run()
    assert code == 0
    assert all(len(metrics(output, f"train:{name}")) == 3 for name in ("accuracy", "f1", "logloss"))
    assert metrics(output, "train:accuracy")[-1] > 0.9


def test_a_tuning_job_gets_its_metric_without_asking(container: Container) -> None:
    container.write({**BINARY, "_tuning_objective_metric": "validation:auc"}, train=as_csv(), validation=as_csv())
    code, output = container.run()
    assert code == 0
    assert len(metrics(output, "validation:auc")) == 5


def test_early_stopping(container: Container) -> None:
    early = {**BINARY, "num_round": "500", "early_stopping_rounds": "3"}
    container.write(early, train=as_csv(), validation="\n".join(as_csv().splitlines()[:20]))
    code, output = container.run()
    assert code == 0
    assert len(metrics(output, "train:logloss")) < 500


def test_the_model_is_in_the_format_of_sagemakers_containers(container: Container) -> None:
    container.write(BINARY, train=as_csv())
    assert container.run()[0] == 0
    assert (container.root / "model/xgboost-model").read_bytes().startswith(b"binf")
    assert [path.name for path in (container.root / "model").iterdir()] == ["xgboost-model"]


def test_sigterm_keeps_the_model_so_far(container: Container) -> None:
    container.write({**BINARY, "num_round": "1000000"}, train=as_csv())
    process = container.start()
    assert process.stdout is not None
    while "train-logloss" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert container.accuracy(FEATURES, LABELS) > 0.9


def test_training_resumes_from_a_checkpoint(container: Container) -> None:
    container.write({**BINARY, "num_round": "4"}, train=as_csv())
    checkpoints = container.root / "checkpoints"
    config = container.root / "input/config"
    (config / "checkpointconfig.json").write_text(json.dumps({"LocalPath": str(checkpoints)}))
    assert container.run()[0] == 0
    assert (checkpoints / "xgboost-checkpoint.3").exists()
    (config / "hyperparameters.json").write_text(json.dumps({**BINARY, "num_round": "6"}))
    code, output = container.run()
    assert code == 0
    assert re.findall(r"^\[(\d+)\]", output, re.MULTILINE) == ["4", "5"]


@pytest.mark.parametrize(
    ("hyperparameters", "content_type", "channels", "failure"),
    [
        ({}, "text/csv", {"train": as_csv()}, "ClientError: Missing required hyperparameter: num_round"),
        (BINARY, "text/csv", {"other": as_csv()}, "ClientError: Missing required channel: train"),
        (BINARY, "text/csv", {"train": ""}, "ClientError: No data in training channel path"),
        (BINARY, "text/csv", {"train": as_csv(), "validation": ""}, "ClientError: No data in validation channel path"),
        (BINARY, "image/png", {"train": as_csv()}, "ClientError: image/png is not an accepted ContentType"),
        (BINARY, "text/csv;label_size=2", {"train": as_csv()}, "label_size must be equal to 1"),
        (BINARY, "text/csv", {"train": "label,a,b\n1,2,3"}, "ClientError: Failed to load csv data"),
        (BINARY, None, {"train": as_csv()}, "is not 'LIBSVM' format"),
        (BINARY, "text/csv", {"train": "7,1,2\n0,2,1"}, "label must be in [0,1] for logistic regression"),
    ],
)
def test_failures_say_what_is_wrong(
    container: Container, hyperparameters: dict[str, str], content_type: str, channels: dict[str, str], failure: str
) -> None:
    container.write(hyperparameters, content_type, **channels)
    assert container.run()[0] == 1
    assert failure in container.failure


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"eta": "2"}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
        ({"subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"max_depth": "deep"}, "Hyperparameter max_depth: could not parse value"),
        ({"objective": "multi:softmax"}, "Require input for parameter 'num_class'"),
        ({"objective": "best"}, "Hyperparameter objective: best is not in"),
        ({"eval_metric": "logloss,mood"}, "Hyperparameter eval_metric: value ['logloss', 'mood'] not in range"),
        ({"eval_metric": "auc", "objective": "reg:squarederror"}, "Metric 'auc' can only be applied"),
        ({"eval_metric": "error@x"}, "Threshold value 't' in 'error@t' expects float input."),
        ({"monotone_constraints": "(1,)"}, "monotone_constraints can be used only when"),
        ({"colour": "red"}, "Extraneous hyperparameter found: colour"),
    ],
)
def test_hyperparameters_that_are_refused(changes: dict[str, str], problem: str) -> None:
    with pytest.raises(UserError, match=re.escape(problem)):
        validate({**BINARY, **changes})


def test_hyperparameters_get_their_types() -> None:
    values = validate({**BINARY, "learning_rate": "0.3", "eval_metric": "error@0.6,auc", "seed": "3"})
    assert values["eta"] == 0.3
    assert values["eval_metric"] == ["error@0.6", "auc"]
    assert (values["num_round"], values["seed"]) == (5, 3)
