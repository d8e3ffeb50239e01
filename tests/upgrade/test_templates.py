"""Tasks that were registered with an earlier release run as they did. N18"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.literals_pb2 import LiteralMap as LiteralMapMessage
from flyteidl.core.tasks_pb2 import TaskTemplate as TaskTemplateMessage
from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskTemplate
from flytekit.tools.module_loader import load_object_from_module

import flytekitplugins_smfs
from flytekitplugins_smfs.flyte import resource as connector
from flytekitplugins_smfs.flyte.binding import PAYLOAD, Binding, plain_inputs, validated
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.identity import same
from tests.upgrade.recordings import RECORDED, RELEASES, Offline, decoded, holds, load

Record = dict[str, Any]
TEMPLATES = {
    f"{release}-{path.stem}": json.loads(path.read_text(encoding="utf-8"))
    for release in RELEASES
    for path in sorted((RECORDED / release / "templates").glob("*.json"))
}
OPERATIONS = [pytest.param(record, id=name) for name, record in TEMPLATES.items() if record["spec"] is not None]
CONTAINERS = [pytest.param(record, id=name) for name, record in TEMPLATES.items() if record["spec"] is None]
MAKING = ("smfs-lustre-create", "smfs-repository-link", "smfs-repository-import", "smfs-training", "smfs-tuning")
BUILTIN = ("create_lustre", "delete_lustre", "link_repository", "unlink_repository")


def template_of(record: Record) -> TaskTemplate:
    return TaskTemplate.from_flyte_idl(
        TaskTemplateMessage.FromString(zlib.decompress(decoded(record["template_zlib"])))
    )


def inputs_of(record: Record) -> LiteralMap:
    return LiteralMap.from_flyte_idl(LiteralMapMessage.FromString(decoded(record["inputs"])))


@pytest.mark.parametrize("record", OPERATIONS)
def test_a_call_makes_the_spec_that_it_made(record: Record) -> None:
    template = template_of(record)
    binding = Binding.of_custom(template.custom)
    operation = catalog.load(binding.operation)
    spec = validated(operation.spec_type, binding.data(plain_inputs(inputs_of(record))), "The call")
    assert f"smfs-{operation.name}" == template.type
    assert spec == operation.spec_type.model_validate(record["spec"])
    assert holds(json.loads(spec.model_dump_json()), record["spec"])


@pytest.mark.parametrize("record", OPERATIONS)
def test_what_a_later_release_writes_into_a_template_is_passed_over(record: Record) -> None:
    custom = template_of(record).custom
    later = json.dumps({**json.loads(custom[PAYLOAD]), "of_a_later_release": {"some": 1}})
    assert Binding.of_custom({PAYLOAD: later, "more": 1}) == Binding.of_custom(custom)


@pytest.mark.parametrize("record", [one for one in OPERATIONS if one.values[0]["readable"]["type"] in MAKING])
def test_a_connector_starts_it(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Offline(load(RELEASES[0], "fingerprints"), {})
    monkeypatch.setattr(connector, "Aws", lambda *_: aws)
    monkeypatch.setattr(connector, "settings", lambda: None)
    monkeypatch.setattr(connector.SWEEPER, "watch", lambda region: None)
    template = template_of(record)
    meta = connector.begin("name", template, "", inputs_of(record), None)
    assert meta.problem == ""
    assert meta.operation == template.type.removeprefix("smfs-")
    ((_, request),) = aws.changes
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert same(catalog.load(meta.operation).spec_type.model_validate(record["spec"]), tags["smfs:fingerprint"])


# Tasks that run in a container of their own


def task_of(record: Record) -> Any:
    """The task that the container's command names, loaded as flytekit does in the container."""
    arguments = list(template_of(record).container.args)
    resolver = load_object_from_module(arguments[arguments.index("--resolver") + 1])
    return resolver.load_task(arguments[arguments.index("--") + 1 :])


@pytest.mark.parametrize("record", CONTAINERS)
def test_a_container_finds_its_task(record: Record) -> None:
    task = task_of(record)
    assert task.name == template_of(record).id.name
    assert set(record["interface"]["inputs"]) <= set(task.python_interface.inputs)
    given = TypeEngine.literal_map_to_kwargs(
        FlyteContextManager.current_context(), inputs_of(record), task.python_interface.inputs
    )
    assert set(given) == set(record["interface"]["inputs"])
    assert all(isinstance(given[name], task.python_interface.inputs[name]) for name in given)


@pytest.mark.parametrize("record", [one for one in CONTAINERS if "file_system_input" in str(one.id)])
def test_a_container_does_what_it_did(record: Record) -> None:
    context = FlyteContextManager.current_context()
    outputs = task_of(record).dispatch_execute(context, inputs_of(record))
    channel = TypeEngine.to_python_value(context, outputs.literals["o0"], flytekitplugins_smfs.FileSystemInput)
    link = plain_inputs(inputs_of(record))["link"]
    assert channel.file_system_id == link["file_system"]["id"]
    assert channel.directory_path == f"/{link['file_system']['mount_name']}{link['path']}/train"
    assert (channel.file_system_access_mode, channel.content_type) == ("rw", "text/csv")


# Interfaces and names


@pytest.mark.parametrize(
    ("name", "record"), [(name, record) for name, record in TEMPLATES.items() if name.partition("-")[2] in BUILTIN]
)
def test_the_tasks_that_come_with_the_package_take_and_give_the_same(name: str, record: Record) -> None:
    task = getattr(flytekitplugins_smfs, name.partition("-")[2])
    assert task.name == record["readable"]["id"]["name"]
    assert task.task_type == record["readable"]["type"]
    for side in ("inputs", "outputs"):
        today = {
            key: {"value": kind.__name__} if hasattr(kind, "model_fields") else {"simple": {str: "STRING"}[kind]}
            for key, kind in getattr(task.python_interface, side).items()
        }
        assert today == record["interface"][side]


@pytest.mark.parametrize("module", ["flyte.warm", "flyte.steps", "flyte.plugin"])
def test_what_images_and_configurations_name_stays_importable(module: str) -> None:
    environment = {**os.environ, "FLYTE_SMFS_ENDPOINT": "http://127.0.0.1:9", "FLYTE_SMFS_REGION": "us-east-1"}
    command = [sys.executable, "-c", f"import flytekitplugins_smfs.{module}"]
    subprocess.run(command, check=True, cwd=RECORDED.parents[1], env=environment, timeout=60)


def test_every_release_recorded_the_same_tasks() -> None:
    first = {path.name for path in Path(RECORDED / RELEASES[0] / "templates").iterdir()}
    for release in RELEASES:
        assert first <= {path.name for path in Path(RECORDED / release / "templates").iterdir()}
