"""The SageMaker SDK, which nobody here wrote, runs unchanged: an estimator and a tuner over a mounted file system."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Emulator
from tests.emulator.services.sagemaker.jobs import BUCKET, ROLE, unique
from tests.emulator.services.sagemaker.test_filesystems import Lustre, lustre

from .clients import CLIENTS

__all__ = ["lustre"]

SDK = next(client for client in CLIENTS if client.name == "sagemaker2")

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
tuner.override_resource_config([InstanceConfig(1, "ml.m5.large", 40), InstanceConfig(1, "ml.m5.xlarge", 50)])
tuner.fit(dict(train=data, validation=data), job_name={prefix!r} + "-2")
print("TRIALS", len(tuner.analytics().dataframe()))
attached = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
best = attached.best_training_job()
print("ATTACHED", attached.estimator.instance_type, attached.estimator.volume_size, best == tuner.best_training_job())
"""


@pytest.mark.client(SDK.name, long=True)
def test_estimator_and_tuner(emulator: Emulator, lustre: Lustre, tmp_path: Path) -> None:  # N14
    program = PROGRAM.format(
        bucket=BUCKET,
        role=ROLE,
        prefix=unique("sdk"),
        subnet=lustre.subnet,
        group=lustre.group,
        id=lustre.id,
        mount=lustre.mount,
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path), **emulator.env}
    done = subprocess.run(
        [str(SDK.python), "-c", program], env=environment, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "[4]#011train-logloss" in done.stdout
    assert "Training seconds:" in done.stdout
    assert f"MODEL s3://{BUCKET}/" in done.stdout
    assert "TRIALS 2" in done.stdout
    assert "ATTACHED ml.m5.large 40 True" in done.stdout
