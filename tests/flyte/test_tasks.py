"""Tasks: what they declare, what they refuse, and how they look to a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from flytekit import workflow
from flytekit.core.base_task import TaskMetadata

from flytekitplugins_smfs.flyte.binding import Binding, plain_values, validated
from flytekitplugins_smfs.flyte.tasks import (
    CreateLustreTask,
    OperationTask,
    ReleaseTask,
    create_lustre,
    delete_lustre,
    link_repository,
    unlink_repository,
)
from flytekitplugins_smfs.flyte.training_tasks import TrainingTask, TuningTask
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.operations.catalog import OPERATIONS
from flytekitplugins_smfs.values.errors import InvalidSpec
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import (
    BuiltinAlgorithm,
    Hyperparameters,
    ImageAlgorithm,
    MetricDefinition,
    Stopping,
)
from flytekitplugins_smfs.values.sagemaker.tuning import Continuous, Integer, Minimize, Ranges
from tests.flyte.connecting import template

XGBOOST = BuiltinAlgorithm("xgboost", "1.7-1")
IMAGE = ImageAlgorithm("123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1")
CHANNELS: dict[str, type[Any]] = {"train": FileSystemInput, "validation": TrainingInput}
TRAIN = FileSystemInput(file_system_id="fs-0123456789abcdef0", directory_path="/abc/ns1/train")
VALIDATION = TrainingInput(s3_uri="s3://bucket/validation")


def spec_of(task: OperationTask, **inputs: Any) -> Any:
    """The operation's spec for a call of the task, as the runner makes it."""
    operation = catalog.load(task.binding.operation)
    return validated(operation.spec_type, task.binding.data(plain_values(inputs)), task.name)


def training(**more: Any) -> TrainingTask:
    return TrainingTask("digits.train", XGBOOST, CHANNELS, hyperparameters={"eta": 0.3, "num_round": 20}, **more)


# C105
@pytest.mark.parametrize("task", [create_lustre, delete_lustre, link_repository, unlink_repository])
def test_ready_tasks_look_right_to_a_cluster(task: OperationTask) -> None:
    made = template(task)
    assert made.type == f"smfs-{task.binding.operation}"
    assert task.binding.operation in OPERATIONS
    assert made.task_type_version == 0
    assert Binding.of_custom(made.custom) == task.binding
    assert list(made.interface.outputs) == ["o0"]


# C21, C24
def test_channels_are_inputs_and_land_in_the_spec() -> None:
    task = training()
    assert dict(task.python_interface.inputs) == {**CHANNELS, "hyperparameters": Hyperparameters}
    spec = spec_of(task, train=TRAIN, validation=VALIDATION, hyperparameters=Hyperparameters(root={"eta": 0.1}))
    assert spec.channels == {"train": TRAIN, "validation": VALIDATION}
    assert spec.hyperparameters.root == {"eta": 0.1, "num_round": 20}


def test_a_second_call_with_other_inputs_is_not_touched_by_the_first() -> None:
    task = training()
    spec_of(task, train=TRAIN, hyperparameters=Hyperparameters(root={"eta": 0.9}))
    assert spec_of(task, train=TRAIN).hyperparameters.root == {"eta": 0.3, "num_round": 20}


def test_a_hyphen_in_a_channels_name_is_an_underscore_in_the_inputs() -> None:
    task = TrainingTask("t", XGBOOST, {"train-small": FileSystemInput})
    assert spec_of(task, train_small=TRAIN).channels == {"train-small": TRAIN}


# C41, C42, C47
@pytest.mark.parametrize("algorithm", [XGBOOST, IMAGE])
def test_tuning_takes_what_training_takes_and_ranges(algorithm: Any) -> None:
    metrics = [MetricDefinition(name="validation:loss", regex="loss=(.*)")] if algorithm is IMAGE else []
    inner = TrainingTask("digits.train", algorithm, CHANNELS, hyperparameters={"num_round": 20}, metrics=metrics)
    declared = {"eta": Continuous(0.05, 0.5), "max_depth": Integer(3, 8)}
    task = TuningTask("digits.tune", inner, Minimize("validation:loss"), declared, max_jobs=8, max_parallel=2)
    assert set(task.python_interface.inputs) == {"train", "validation", "hyperparameters", "ranges"}
    launched = Ranges(root={"max_depth": Integer(2, 4)})
    spec = spec_of(task, train=TRAIN, validation=VALIDATION, ranges=launched)
    assert spec.ranges.root == {"eta": Continuous(0.05, 0.5), "max_depth": Integer(2, 4)}
    assert spec.training.channels == {"train": TRAIN, "validation": VALIDATION}
    assert (spec.max_jobs, spec.max_parallel, spec.strategy) == (8, 2, "Bayesian")  # C43


# N7
def test_a_wrong_declaration_names_every_problem_before_any_call() -> None:
    with pytest.raises(InvalidSpec) as caught:
        TrainingTask(
            "x",
            XGBOOST,
            CHANNELS,
            role=7,  # type: ignore[arg-type]
            output_uri="bucket/x",
            stopping=Stopping.model_construct(max_runtime_in_seconds=0, use_spot=False),
        )
    assert "TrainingTask 'x'" in str(caught.value)
    assert {problem.field for problem in caught.value.problems} == {
        "role",
        "output_uri",
        "stopping.max_runtime_in_seconds",
    }
    with pytest.raises(InvalidSpec, match=r"max_parallel: 4 is more than max_jobs \(2\)"):
        TuningTask("y", training(), Minimize("m"), {"eta": Continuous(0.1, 0.2)}, max_jobs=2, max_parallel=4)
    with pytest.raises(InvalidSpec, match="at least one range"):
        TuningTask("z", training(), Minimize("m"), {})


@pytest.mark.parametrize(
    ("channels", "told"),
    [
        ({"a.b": FileSystemInput}, r"channels\.a\.b"),
        ({"hyperparameters": FileSystemInput}, "has an input 'hyperparameters' already"),
        ({"train": int}, "allowed are FileSystemInput, TrainingInput"),
        ({"a-b": FileSystemInput, "a_b": FileSystemInput}, "has an input 'a_b' already"),
    ],
)
def test_wrong_channels_are_told(channels: dict[str, type[Any]], told: str) -> None:
    with pytest.raises(InvalidSpec, match=told):
        TrainingTask("x", XGBOOST, channels)


def test_retries_and_timeout_reach_the_template() -> None:
    made = template(CreateLustreTask("x", retries=2, timeout=90))
    assert made.metadata.retries.retries == 2
    assert made.metadata.timeout.total_seconds() == 90
    with pytest.raises(InvalidSpec, match="put retries into metadata"):
        CreateLustreTask("y", retries=1, metadata=TaskMetadata(retries=2))


def test_a_deck_is_announced_to_the_cluster_and_to_the_connector() -> None:
    made = template(CreateLustreTask("x", enable_deck=True))
    assert made.metadata.generates_deck
    assert Binding.of_custom(made.custom).deck
    assert not Binding.of_custom(template(CreateLustreTask("y")).custom).deck


def test_release_takes_a_workflows_inputs_and_leaves_them() -> None:
    task = ReleaseTask("x", inputs={"repository": str, "spec": LustreSpec})
    spec_of(task, repository="digits", spec=LustreSpec())

    @workflow(on_failure=task)
    def provisioned(repository: str, spec: LustreSpec) -> str:
        fs = create_lustre(spec=spec)
        link_repository(file_system=fs, repository=repository)
        return fs.id

    provisioned.compile()
    assert provisioned.failure_node.flyte_entity is task
    subnet = provisioned.output_bindings[0].binding.promise.attr_path
    assert subnet == ["id"]


PACKAGED = """
from flytekit import workflow
from flytekitplugins_smfs import (
    BuiltinAlgorithm, Continuous, FileSystemInput, LustreSpec, Minimize, TrainingTask, TuningTask, TuningResult,
    create_lustre, delete_lustre,
)

train = TrainingTask("pack.train", BuiltinAlgorithm("xgboost", "1.7-1"), {"train": FileSystemInput})
tune = TuningTask("pack.tune", train, Minimize("train:mlogloss"), {"eta": Continuous(0.1, 0.5)})

@workflow
def packed(channel: FileSystemInput, spec: LustreSpec = LustreSpec()) -> TuningResult:
    fs = create_lustre()
    model = train(train=channel)
    best = tune(train=channel)
    model >> best >> delete_lustre(file_system=fs)
    return best
"""


# C105
def test_packaging_needs_no_cluster_and_fills_in_defaults(tmp_path: Path) -> None:
    package = tmp_path / "packs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "packed.py").write_text(PACKAGED)
    pyflyte = str(Path(sys.executable).with_name("pyflyte"))
    command = [pyflyte, "--pkgs", "packs", "package", "--image", "example:1", "-o", "flyte.tgz", "-f"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot be converted" not in done.stdout + done.stderr  # flytekit's warning of tuples
    with tarfile.open(tmp_path / "flyte.tgz") as archive:
        names = " ".join(archive.getnames())
    assert all(name in names for name in ("pack.train", "pack.tune", "smfs.create_lustre", "packs.packed.packed"))


def test_the_payload_is_text_so_that_whole_numbers_stay_whole() -> None:
    payload = template(training()).custom["smfs"]
    assert json.loads(payload)["spec"]["hyperparameters"] == {"eta": 0.3, "num_round": 20}
    assert '"num_round":20}' in payload
