"""The SageMaker SDK, which nobody here wrote, runs unchanged: an estimator and a tuner over a mounted file system."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.conftest import Emulator
from tests.emulator.services.sagemaker.jobs import BUCKET, ROLE, unique
from tests.emulator.services.sagemaker.test_filesystems import Lustre, lustre

__all__ = ["lustre"]

PROGRAM = """
import os, sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import FileSystemInput
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, InstanceConfig

session = sagemaker.Session(default_bucket={bucket!r})
image = sagemaker.image_uris.retrieve("xgboost", "us-east-1", "1.7-1")
estimator = Estimator(
    image_uri=image, role={role!r}, instance_count=1, instance_type="ml.m5.xlarge", sagemaker_session=session,
    output_path="s3://{bucket}/{prefix}", subnets=[{subnet!r}], security_group_ids=[{group!r}],
    hyperparameters=dict(num_round=5, objective="binary:logistic", eval_metric="logloss"),
)
data = FileSystemInput({id!r}, "FSxLustre", "/{mount}/data", "ro", content_type="text/csv")
estimator.fit(dict(train=data, validation=data))
print("MODEL", estimator.model_data)
tuner = HyperparameterTuner(
    estimator, "validation:logloss", dict(eta=ContinuousParameter(0.1, 0.5)), objective_type="Minimize",
    max_jobs=2, max_parallel_jobs=2,
)
tuner.fit(dict(train=data, validation=data))
print("BEST", tuner.best_training_job())
print("TRIALS", len(tuner.analytics().dataframe()))
attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
print("ATTACHED", attached.estimator.instance_type, attached.estimator.volume_size, attached.best_training_job())
tuner.override_resource_config([InstanceConfig(1, "ml.m5.large", 40), InstanceConfig(1, "ml.m5.xlarge", 50)])
tuner.fit(dict(train=data, validation=data), job_name={prefix!r} + "-2")
again = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
print("AGAIN", again.estimator.instance_type, again.estimator.volume_size, again.best_training_job()[:4])
"""


@pytest.mark.skipif(importlib.util.find_spec("sagemaker") is None, reason="the SageMaker SDK is not installed")
def test_estimator_and_tuner(emulator: Emulator, lustre: Lustre) -> None:  # N14
    program = PROGRAM.format(
        bucket=BUCKET,
        role=ROLE,
        prefix=unique("sdk"),
        subnet=lustre.subnet,
        group=lustre.group,
        id=lustre.id,
        mount=lustre.mount,
    )
    environment = {**os.environ, **emulator.env}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "[4]#011train-logloss" in done.stdout
    assert "Training seconds:" in done.stdout
    assert f"MODEL s3://{BUCKET}/" in done.stdout
    assert "BEST sagemaker-xgboost-" in done.stdout
    assert "TRIALS 2" in done.stdout
    assert "ATTACHED ml.m5.xlarge 30 sagemaker-xgboost-" in done.stdout
    assert "AGAIN ml.m5.large 40 sdk-" in done.stdout
