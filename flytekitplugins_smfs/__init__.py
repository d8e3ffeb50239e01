"""SageMaker training over FSx for Lustre and EFS as typed Flyte tasks.

Every public name is here and is loaded when it is first used: importing this package alone costs nothing.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flytekitplugins_smfs.flyte.config import settings
    from flytekitplugins_smfs.flyte.downloads import download, download_model
    from flytekitplugins_smfs.flyte.report import RunReport, publish
    from flytekitplugins_smfs.flyte.steps import file_system_input, upload
    from flytekitplugins_smfs.flyte.tasks import (
        CreateLustreTask,
        DeleteLustreTask,
        DeprovisionLustreTask,
        LinkRepositoryTask,
        OperationTask,
        ProvisionLustreTask,
        ReleaseTask,
        UnlinkRepositoryTask,
        create_lustre,
        delete_lustre,
        deprovision_lustre,
        link_repository,
        provision_lustre,
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
        "CreateLustreTask DeleteLustreTask DeprovisionLustreTask LinkRepositoryTask OperationTask ProvisionLustreTask "
        "ReleaseTask UnlinkRepositoryTask create_lustre delete_lustre deprovision_lustre link_repository "
        "provision_lustre unlink_repository"
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
    "DeprovisionLustreTask",
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
    "ProvisionLustreTask",
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
    "deprovision_lustre",
    "download",
    "download_model",
    "file_system_input",
    "link_repository",
    "provision_lustre",
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


def _is_whole(init: str | None) -> bool:
    """Whether data lies beside this `__init__`, and not modules alone. What is no file, as in a zip, is not asked."""
    path = Path(init or "")
    return path.with_name("py.typed").is_file() or not path.is_file()


def _others() -> Iterator[ModuleSpec | None]:
    """What else would be imported under this name: from each place of `sys.path`, and by editable installations."""
    for finder in sys.meta_path:
        if finder is PathFinder:
            yield from (PathFinder.find_spec(__name__, [place]) for place in sys.path)
        elif hasattr(finder, "find_spec"):
            yield finder.find_spec(__name__, None)


def _give_way() -> None:
    """Become the installed package, where this is a part of it.

    Flyte's automatic copying (`--copy auto`) bundles the modules that were loaded at registration, without their data
    and without those that are loaded later, and pods look there first: a part would hide the whole. Raises ImportError
    where there is no whole one.
    """
    whole = next((found for found in _others() if found and found.origin and _is_whole(found.origin)), None)
    if whole is None or whole.loader is None:
        raise ImportError(
            f"{Path(__file__).parent.parent} holds a part of {__name__}, as code bundles of Flyte do, and no whole "
            "one is installed: install flytekitplugins-smfs in the image, or bundle all of it with `--copy all`."
        )
    module = sys.modules[__name__]
    module.__spec__, module.__loader__, module.__file__ = whole, whole.loader, whole.origin
    module.__path__[:] = whole.submodule_search_locations or []
    whole.loader.exec_module(module)


if not TYPE_CHECKING:
    if _is_whole(__file__):
        _HOME_OF |= _declared()
        __all__ += [name for name in _declared() if name not in __all__]
    else:
        _give_way()
