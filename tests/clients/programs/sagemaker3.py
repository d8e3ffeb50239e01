"""The SageMaker SDK 3: ModelTrainer."""

from common import BUCKET, DATA, IMAGE, PREFIX, ROLE, SPOILED, main
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import OutputDataConfig, StoppingCondition
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData


def train(uri: str) -> ModelTrainer:
    trainer = ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        base_job_name=PREFIX.replace("/", "-"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
        hyperparameters={"num_round": "3", "objective": "reg:squarederror"},
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{BUCKET}/{PREFIX}"),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
    )
    trainer.train([InputData(channel_name="train", data_source=uri, content_type="text/csv")], wait=True, logs=True)
    return trainer


def success() -> None:
    assert Session().default_bucket() == BUCKET
    job = train(DATA)._latest_training_job
    assert job.training_job_status == "Completed"
    assert job.model_artifacts.s3_model_artifacts.startswith(f"s3://{BUCKET}/{PREFIX}/")


def failure() -> str:
    try:
        train(SPOILED)
    except Exception as failed:  # its class has moved between releases
        return f"{type(failed).__name__} {failed}"
    return ""


main(success, failure)
