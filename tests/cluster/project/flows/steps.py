"""Workflows of connector steps alone."""

import datetime

from flytekit import workflow

from flytekitplugins_smfs import (
    LustreFileSystem,
    LustreSpec,
    ReleaseTask,
    Removed,
    TrainingResult,
    TrainingTask,
    create_lustre,
    delete_lustre,
)
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/steps:1"


def job(name: str, command: str, **more: object) -> TrainingTask:
    return TrainingTask(name, ImageAlgorithm(IMAGE, entrypoint=("sh", "-c", command)), {}, **more)


brief = job("steps.brief", "sleep 0.3")
endless = job("steps.endless", "sleep 600")
limited = job("steps.limited", "sleep 600", timeout=datetime.timedelta(seconds=5), retries=2)
broken = job("steps.broken", "echo the data is not there; exit 3", retries=2)
release = ReleaseTask(name="steps.release", inputs={})


@workflow
def there_and_back(spec: LustreSpec = LustreSpec()) -> Removed:
    return delete_lustre(file_system=create_lustre(spec=spec))


@workflow
def resumed() -> TrainingResult:
    """What is made stays if the job fails."""
    file_system = create_lustre(spec=LustreSpec())
    trained = brief()
    file_system >> trained >> delete_lustre(file_system=file_system)
    return trained


@workflow
def one_job() -> TrainingResult:
    return brief()


@workflow(on_failure=release)
def too_long() -> TrainingResult:
    file_system = create_lustre(spec=LustreSpec())
    trained = limited()
    file_system >> trained
    return trained


@workflow(on_failure=release)
def failing() -> TrainingResult:
    file_system = create_lustre(spec=LustreSpec())
    trained = broken()
    file_system >> trained
    return trained


@workflow(on_failure=release)
def waiting() -> LustreFileSystem:
    """Ends when it is aborted."""
    file_system = create_lustre(spec=LustreSpec())
    file_system >> endless()
    return file_system
