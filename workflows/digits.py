"""Handwritten digits: train and tune XGBoost on SageMaker from a Lustre file system, judge the best model, clean up.

    pyflyte --config sandbox.config run workflows/digits.py lustre_training

runs everything on this machine against the embedded AWS. The same file registers to a cluster and runs on real AWS.
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from flytekit import CronSchedule, LaunchPlan, current_context, task, workflow
from flytekit.types.directory import FlyteDirectory
from pydantic import BaseModel, Field

from flytekitplugins_smfs import (
    BuiltinAlgorithm,
    Continuous,
    Dataset,
    Evaluation,
    FileSystemInput,
    Integer,
    LustreSpec,
    Minimize,
    ReleaseTask,
    Removed,
    RepositoryLink,
    Resources,
    RunReport,
    SmfsError,
    Stopping,
    Timing,
    TrainingResult,
    TrainingTask,
    TuningResult,
    TuningTask,
    deprovision_lustre,
    download,
    download_model,
    file_system_input,
    provision_lustre,
    publish,
    upload,
)

DIGITS = tuple(map(str, range(10)))


class Outcome(BaseModel):
    """What the workflow gives: the best model and how good it is."""

    model_uri: str
    accuracy: float = Field(ge=0, le=1)
    """Share of held-out digits that the best model reads correctly."""
    best_hyperparameters: dict[str, str]
    remaining: list[str]
    """What of this run still exists in AWS apart from files in S3. Empty when all went well."""


train = TrainingTask(
    name="digits.train",
    algorithm=BuiltinAlgorithm("xgboost", "1.7-1"),
    channels={"train": FileSystemInput, "validation": FileSystemInput},
    hyperparameters={
        "objective": "multi:softprob",
        "num_class": 10,
        "eval_metric": "mlogloss",
        "num_round": 60,
        "eta": 0.2,
        "max_depth": 4,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "seed": 7,
    },
    resources=Resources(instance_type="ml.m5.xlarge"),
    stopping=Stopping(max_runtime_in_seconds=1800),
    retries=1,
)

tune = TuningTask(
    name="digits.tune",
    training=train,
    objective=Minimize("validation:mlogloss"),
    ranges={
        "eta": Continuous(0.05, 0.5),
        "max_depth": Integer(3, 8),
        "subsample": Continuous(0.5, 1.0),
        "colsample_bytree": Continuous(0.3, 1.0),
    },
    strategy="Bayesian",
    max_jobs=8,
    max_parallel=2,
    retries=1,
)

release = ReleaseTask(name="digits.release", inputs={"repository": str, "spec": LustreSpec})


@task
def digits_dataset(seed: int = 7) -> FlyteDirectory:
    """The 1,797 digits of 8 x 8 pixels that scikit-learn ships, in three parts as CSV: label first, no header.

    68 % train, 12 % validation, 20 % test, each with the same share of every digit. The same seed gives the same files.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    table = np.column_stack([labels, images]).astype(int)
    rest, test = train_test_split(table, test_size=0.2, stratify=table[:, 0], random_state=seed)
    fit, validation = train_test_split(rest, test_size=0.15, stratify=rest[:, 0], random_state=seed)
    root = Path(tempfile.mkdtemp(prefix="digits-", dir=current_context().working_directory))
    for name, rows in (("train", fit), ("validation", validation), ("test", test)):
        (root / name).mkdir()
        np.savetxt(root / name / "digits.csv", rows, fmt="%d", delimiter=",")
    return FlyteDirectory(str(root))


@task
def evaluate(dataset: Dataset, model_uri: str) -> Evaluation:
    """Let the model read the test digits, which neither training nor tuning has seen."""
    import xgboost

    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as directory:
        model = download_model(model_uri, directory) / "xgboost-model"
        table = np.loadtxt(download(f"{dataset.uri}/test/digits.csv", Path(directory) / "test.csv"), delimiter=",")
        if not model.is_file():
            raise SmfsError(f"{model_uri} holds no file named {model.name}; SageMaker's XGBoost writes one.")
        booster = xgboost.Booster()
        try:
            booster.load_model(model)
        except xgboost.core.XGBoostError as error:
            raise SmfsError(
                f"XGBoost {xgboost.__version__} cannot read {model_uri}: {str(error).splitlines()[0]}. "
                "Containers before 3.0 may write a format that XGBoost 3.1 dropped; install 'xgboost<3.1'."
            ) from error
        guesses = booster.predict(xgboost.DMatrix(table[:, 1:])).argmax(axis=1)
    confusion = np.zeros((len(DIGITS), len(DIGITS)), dtype=int)
    np.add.at(confusion, (table[:, 0].astype(int), guesses), 1)
    return Evaluation(
        model_uri=model_uri,
        labels=DIGITS,
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        timing=Timing(started_at=started, ended_at=datetime.now(UTC)),
    )


@task(enable_deck=True)
def report(
    dataset: Dataset,
    link: RepositoryLink,
    training: TrainingResult,
    tuning: TuningResult,
    evaluation: Evaluation,
    deleted: Removed,
) -> Outcome:
    """Show what happened, as a table here and as a page to look at, and give the outcome."""
    run = RunReport(
        title="Handwritten digits",
        dataset=dataset,
        link=link,
        training=training,
        tuning=tuning,
        evaluation=evaluation,
        deleted=deleted,
    )
    publish(run)
    return Outcome(
        model_uri=tuning.best_model_uri,
        accuracy=evaluation.accuracy,
        best_hyperparameters=tuning.best_hyperparameters,
        remaining=list(run.remaining),
    )


@workflow(on_failure=release)
def lustre_training(repository: str = "digits", spec: LustreSpec = LustreSpec()) -> Outcome:
    """From nothing to a judged model and back to nothing: data, file system, link, training, tuning, clean-up.

    `repository` is where the data goes: `s3://bucket/prefix`, or a prefix in the default bucket. The file system is
    removed at the end, also when a step fails.
    """
    dataset = upload(source=digits_dataset(), destination=repository, delete=True)
    lustre = provision_lustre(spec=spec, repositories={"/ns1": dataset.uri})
    fit = file_system_input(link=lustre.links[0], uri=dataset.uri, path="train", content_type="text/csv")
    validation = file_system_input(link=lustre.links[0], uri=dataset.uri, path="validation", content_type="text/csv")
    trained = train(train=fit, validation=validation)
    tuned = tune(train=fit, validation=validation)
    judged = evaluate(dataset=dataset, model_uri=tuned.best_model_uri)
    deleted = deprovision_lustre(lustre=lustre)
    trained >> deleted
    tuned >> deleted
    return report(
        dataset=dataset,
        link=lustre.links[0],
        training=trained,
        tuning=tuned,
        evaluation=judged,
        deleted=deleted,
    )


nightly = LaunchPlan.get_or_create(
    workflow=lustre_training,
    name="digits.nightly",
    default_inputs={"repository": "digits/nightly"},
    schedule=CronSchedule(schedule="0 2 * * *"),
)
"""Every night at 02:00 UTC. Only what changed since the night before is uploaded."""
