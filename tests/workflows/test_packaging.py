"""The workflows are packaged for a cluster where there is no cluster and no AWS. C105"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from typing import Any

import pytest
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowSpec

from flytekitplugins_smfs.flyte.binding import Binding
from tests.workflows.conftest import PYFLYTE, ROOT

KINDS = {"1": TaskSpec, "2": WorkflowSpec, "3": LaunchPlan}
OURS = {
    "digits.train": "smfs-training",
    "digits.tune": "smfs-tuning",
    "digits.release": "smfs-release",
    "smfs.deprovision_lustre": "smfs-lustre-delete",
    "smfs.provision_lustre": "smfs-lustre-provision",
}
ORDINARY = ("digits_dataset", "upload", "file_system_input", "evaluate", "report")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a registration would send, by kind and name."""
    directory = tmp_path_factory.mktemp("package")
    shutil.copytree(ROOT / "workflows", directory / "workflows", ignore=shutil.ignore_patterns("__pycache__"))
    command = [str(PYFLYTE), "--pkgs", "workflows", "package", "--image", "example:1", "-o", "flyte.tgz", "-f"]
    bare = {"PATH": os.environ["PATH"], "HOME": str(directory / "home"), "TMPDIR": os.environ["TMPDIR"]}
    done = subprocess.run(command, cwd=directory, env=bare, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (directory / "home").exists()
    found = {}
    with tarfile.open(directory / "flyte.tgz") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            kind = KINDS[member.name.removesuffix(".pb")[-1]]
            name = member.name.partition("_")[2].rpartition("_")[0]
            found[f"{kind.__name__} {name}"] = kind.FromString(stream.read())
    return found


# C105
def test_operations_carry_their_task_type_and_need_no_image(packed: dict[str, Any]) -> None:
    for name, kind in OURS.items():
        template = packed[f"TaskSpec {name}"].template
        assert template.type == kind
        assert not template.HasField("container")
        payload = template.custom["smfs"]
        assert Binding.of_custom({"smfs": payload}).operation == kind.removeprefix("smfs-")


# C105
def test_ordinary_steps_run_in_the_image(packed: dict[str, Any]) -> None:
    for name in ORDINARY:
        (template,) = (spec.template for key, spec in packed.items() if key.endswith(f".{name}"))
        assert template.type == "python-task"
        assert template.container.image == "example:1"


# C105
def test_the_clean_up_is_part_of_the_workflow(packed: dict[str, Any]) -> None:
    template = packed["WorkflowSpec workflows.digits.lustre_training"].template
    assert template.failure_node.task_node.reference_id.name == "digits.release"
    assert {binding.var for binding in template.failure_node.inputs} == set(template.interface.inputs.variables)
    order = {node.id: {*node.upstream_node_ids} for node in template.nodes}
    by_task = {node.task_node.reference_id.name.rpartition(".")[2]: node.id for node in template.nodes}
    # The file system goes, with its link, when both jobs have ended.
    assert {by_task["train"], by_task["tune"]} <= order[by_task["deprovision_lustre"]]


# C105
def test_three_steps_of_a_connector_follow_each_other(packed: dict[str, Any]) -> None:
    template = packed["WorkflowSpec workflows.digits.lustre_training"].template
    ours = {node.id for node in template.nodes if node.task_node.reference_id.name in OURS}
    before = {node.id: set(node.upstream_node_ids) for node in template.nodes}

    def depth(node: str) -> int:
        """How many of a connector's steps the longest way to here has; on a cluster each waits for a tick."""
        return (node in ours) + max((depth(one) for one in before[node] if one in before), default=0)

    assert max(depth(node) for node in before) == 3
