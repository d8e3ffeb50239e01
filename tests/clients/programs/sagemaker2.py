"""The SageMaker SDK 2: Estimator.fit, HyperparameterTuner.fit, and both attached to."""

import uuid

import sagemaker
from common import DATA, IMAGE, PREFIX, ROLE, SPOILED, main
from sagemaker.estimator import Estimator
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.inputs import TrainingInput
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner


def estimator(session: sagemaker.Session) -> Estimator:
    return Estimator(
        image_uri=IMAGE,
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.large",
        sagemaker_session=session,
        output_path=f"s3://{session.default_bucket()}/{PREFIX}",
        hyperparameters={"num_round": 3, "objective": "reg:squarederror", "eval_metric": "rmse"},
    )


def channels(uri: str) -> dict[str, TrainingInput]:
    return {name: TrainingInput(uri, content_type="text/csv") for name in ("train", "validation")}


def success() -> None:
    session = sagemaker.Session()
    trained = estimator(session)
    trained.fit(channels(DATA))
    again = Estimator.attach(trained.latest_training_job.name, sagemaker_session=session)
    assert again.model_data == trained.model_data
    tuner = HyperparameterTuner(
        estimator(session),
        "validation:rmse",
        {"eta": ContinuousParameter(0.1, 0.5)},
        objective_type="Minimize",
        max_jobs=2,
        max_parallel_jobs=2,
    )
    tuner.fit(channels(DATA), job_name=f"tuned-{uuid.uuid4().hex[:12]}")  # its own names are by the minute
    attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
    assert attached.best_training_job() == tuner.best_training_job()
    assert len(attached.analytics().dataframe()) == 2


def failure() -> str:
    try:
        estimator(sagemaker.Session()).fit(channels(SPOILED))
    except UnexpectedStatusException as failed:
        return str(failed)
    return ""


main(success, failure)
