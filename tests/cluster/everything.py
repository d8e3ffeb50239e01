"""A package that registers one task of every operation, some of them in places that are looked for."""

from typing import Any

from flytekit import LaunchPlan, conditional, dynamic, task, workflow

import flytekitplugins_smfs as smfs
from flytekitplugins_smfs import (
    BuiltinAlgorithm,
    FileSystemInput,
    ImportSpec,
    Integer,
    LustreFileSystem,
    LustreSpec,
    Minimize,
    OperationTask,
    ReleaseTask,
    Removed,
    TrainingInput,
    TrainingTask,
    TuningTask,
    create_lustre,
)

XGBOOST = BuiltinAlgorithm("xgboost", "1.7-1")
CHANNELS: dict[str, type[Any]] = {"train": TrainingInput, "validation": TrainingInput}
LOGISTIC = {"objective": "binary:logistic", "eval_metric": "logloss", "num_round": 5}
train = TrainingTask("every.Train", XGBOOST, CHANNELS, hyperparameters=LOGISTIC)
mounted = TrainingTask("every.mounted", XGBOOST, {"train": FileSystemInput}, hyperparameters=LOGISTIC)
tune = TuningTask("every.tune", train, Minimize("validation:logloss"), {"max_depth": Integer(3, 8)}, max_jobs=2)
bring = OperationTask("every.import", "repository-import", {"spec": ImportSpec}, paths={"spec": ""})
release = ReleaseTask("every.release", {"file_system": LustreFileSystem})


@workflow
def removal(file_system: LustreFileSystem) -> Removed:
    """Named by nobody but a launch plan."""
    return smfs.delete_lustre(file_system=file_system)


later = LaunchPlan.get_or_create(removal, "every.later")


@task
def answer() -> bool:
    return True


@dynamic
def made(spec: LustreSpec) -> LustreFileSystem:
    """What it runs is known when it runs: its module names `create_lustre`."""
    return create_lustre(spec=spec)


@workflow(on_failure=release)
def whole(file_system: LustreFileSystem) -> None:
    """Links in one branch, unlinks in no other place than the inner one."""
    link = smfs.link_repository(file_system=file_system, repository="s3://bucket/prefix")
    conditional("again").if_(answer().is_true()).then(smfs.unlink_repository(link=link)).else_().fail("no")
