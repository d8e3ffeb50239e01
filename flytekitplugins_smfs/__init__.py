"""SageMaker training over FSx for Lustre and EFS as typed Flyte tasks.

Every public name is here and is loaded when it is first used: importing this package alone costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flytekitplugins_smfs.flyte.config import settings
    from flytekitplugins_smfs.flyte.downloads import download, download_model
    from flytekitplugins_smfs.flyte.report import RunReport, publish
    from flytekitplugins_smfs.flyte.steps import file_system_input, upload
    from flytekitplugins_smfs.flyte.tasks import (
        CreateLustreTask,
        DeleteLustreTask,
        LinkRepositoryTask,
        OperationTask,
        ReleaseTask,
        UnlinkRepositoryTask,
        create_lustre,
        delete_lustre,
        link_repository,
        unlink_repository,
    )
    from flytekitplugins_smfs.flyte.training_tasks import TrainingTask, TuningTask
    from flytekitplugins_smfs.values.base import Timing
    from flytekitplugins_smfs.values.dataset import Dataset, Evaluation
    from flytekitplugins_smfs.values.errors import (
        AwsFault,
        Capacity,
        Conflict,
        Credentials,
        Denied,
        FingerprintMismatch,
        Invalid,
        InvalidSpec,
        Missing,
        OperationCancelled,
        OperationError,
        OperationFailed,
        OperationTimedOut,
        Problem,
        SettingsError,
        SmfsError,
        Throttled,
        Transient,
    )
    from flytekitplugins_smfs.values.lustre.file_system import LustreFileSystem, LustreSpec
    from flytekitplugins_smfs.values.lustre.link import RepositoryLink
    from flytekitplugins_smfs.values.removal import Removed
    from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
    from flytekitplugins_smfs.values.sagemaker.training import (
        BuiltinAlgorithm,
        Checkpoints,
        Hyperparameters,
        ImageAlgorithm,
        MetricDefinition,
        MetricPoint,
        Network,
        Resources,
        Stopping,
        TrainingResult,
    )
    from flytekitplugins_smfs.values.sagemaker.tuning import (
        Categorical,
        Continuous,
        Integer,
        Maximize,
        Minimize,
        Objective,
        Ranges,
        Trial,
        TuningResult,
    )
    from flytekitplugins_smfs.values.settings import Settings

_HOMES: dict[str, str] = {
    "flyte.config": "settings",
    "flyte.downloads": "download download_model",
    "flyte.report": "RunReport publish",
    "flyte.steps": "file_system_input upload",
    "flyte.tasks": (
        "CreateLustreTask DeleteLustreTask LinkRepositoryTask OperationTask ReleaseTask UnlinkRepositoryTask "
        "create_lustre delete_lustre link_repository unlink_repository"
    ),
    "flyte.training_tasks": "TrainingTask TuningTask",
    "values.base": "Timing",
    "values.dataset": "Dataset Evaluation",
    "values.errors": (
        "AwsFault Capacity Conflict Credentials Denied FingerprintMismatch Invalid InvalidSpec Missing "
        "OperationCancelled OperationError OperationFailed OperationTimedOut Problem SettingsError SmfsError "
        "Throttled Transient"
    ),
    "values.lustre.file_system": "LustreFileSystem LustreSpec",
    "values.lustre.link": "RepositoryLink",
    "values.removal": "Removed",
    "values.sagemaker.channels": "FileSystemInput TrainingInput",
    "values.sagemaker.training": (
        "BuiltinAlgorithm Checkpoints Hyperparameters ImageAlgorithm MetricDefinition MetricPoint Network "
        "Resources Stopping TrainingResult"
    ),
    "values.sagemaker.tuning": "Categorical Continuous Integer Maximize Minimize Objective Ranges Trial TuningResult",
    "values.settings": "Settings",
}
"""Module -> the public names that live there."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "AwsFault",
    "BuiltinAlgorithm",
    "Capacity",
    "Categorical",
    "Checkpoints",
    "Conflict",
    "Continuous",
    "CreateLustreTask",
    "Credentials",
    "Dataset",
    "DeleteLustreTask",
    "Denied",
    "Evaluation",
    "FileSystemInput",
    "FingerprintMismatch",
    "Hyperparameters",
    "ImageAlgorithm",
    "Integer",
    "Invalid",
    "InvalidSpec",
    "LinkRepositoryTask",
    "LustreFileSystem",
    "LustreSpec",
    "Maximize",
    "MetricDefinition",
    "MetricPoint",
    "Minimize",
    "Missing",
    "Network",
    "Objective",
    "OperationCancelled",
    "OperationError",
    "OperationFailed",
    "OperationTask",
    "OperationTimedOut",
    "Problem",
    "Ranges",
    "ReleaseTask",
    "Removed",
    "RepositoryLink",
    "Resources",
    "RunReport",
    "Settings",
    "SettingsError",
    "SmfsError",
    "Stopping",
    "Throttled",
    "Timing",
    "TrainingInput",
    "TrainingResult",
    "TrainingTask",
    "Transient",
    "Trial",
    "TuningResult",
    "TuningTask",
    "UnlinkRepositoryTask",
    "create_lustre",
    "delete_lustre",
    "download",
    "download_model",
    "file_system_input",
    "link_repository",
    "publish",
    "settings",
    "unlink_repository",
    "upload",
]


def _declared() -> dict[str, str]:
    """Values that a service declares with its operations: name -> module."""
    from flytekitplugins_smfs.operations.catalog import SERVICES

    declared = [verb.values.partition(":") for service in SERVICES for verb in service.verbs if verb.values]
    return {name: f"values.{module}" for module, _, names in declared for name in names.split(",")}


if not TYPE_CHECKING:
    _HOME_OF |= _declared()
    __all__ += [name for name in _declared() if name not in __all__]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOME_OF[name]
    value: object = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    if home.startswith("values.") and "flytekit" in sys.modules:
        _tell_flytekit()
    return value


def _tell_flytekit() -> None:
    """A value that is passed to Flyte without any task of ours is known too. flytekit being loaded, this costs little;
    where it comes later, its entry point does the same."""
    from flytekitplugins_smfs.flyte import literals

    literals.register()


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
