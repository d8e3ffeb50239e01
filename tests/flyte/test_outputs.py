"""Outputs of a task: one or several by name, inline, beside a deck, or written by the job itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.execution_pb2 import TaskExecution
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.type_engine import TypeEngine

from flytekitplugins_smfs.flyte import metadata, outputs
from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.flyte.tasks import OperationTask
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.operation import Answer, Phase
from flytekitplugins_smfs.values.removal import Removed
from tests.flyte.connecting import template
from tests.flyte.fakes import FileOperation
from tests.flyte.samples import span

DONE = Answer(Phase.SUCCEEDED, result=Removed(removed=("it",), timing=span(0, 1)))


class Several(FileOperation):
    """Gives two outputs by name, one of them a list."""

    def output_types(self) -> Mapping[str, Any]:
        return {"ids": list[str], "count": int}

    def outputs(self, result: Removed) -> Mapping[str, Any]:
        return {"ids": list(result.removed), "count": len(result.removed)}


class Written(FileOperation):
    """Its job writes the outputs."""

    writes_outputs = True


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowhere: None) -> Several:
    one = Several(tmp_path)
    monkeypatch.setattr(catalog, "load", lambda name: one)
    return one


async def test_several_outputs_have_their_names_and_declared_types(several: Several) -> None:
    found = await outputs.answer(Meta("fake"), DONE)
    assert found.outputs is not None
    context = FlyteContextManager.current_context()
    literals = found.outputs.literals
    assert TypeEngine.to_python_value(context, literals["ids"], list[str]) == ["it"]
    assert TypeEngine.to_python_value(context, literals["count"], int) == 1


def test_a_task_of_several_outputs_gives_them_all_locally(several: Several) -> None:
    task = OperationTask("several", "fake", {"spec": (LustreSpec, LustreSpec())}, paths={"spec": ""})
    several.set("succeed")
    assert task() == (["it"], 1)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Meta:
    monkeypatch.setattr(catalog, "load", lambda name: Written(tmp_path))
    return Meta("fake", {"x": 1}, output_prefix=str(tmp_path))


async def test_what_the_job_wrote_is_left_to_flyte_to_read(written: Meta) -> None:
    found = await outputs.answer(written, DONE)
    assert (found.phase, found.outputs) == (TaskExecution.SUCCEEDED, None)


async def test_an_error_that_the_body_left_makes_it_a_failure(written: Meta) -> None:
    """Flyte would read it on success only, and would not call that a failure."""
    error = ContainerError(code="USER:ValueError", message="the column age is missing")
    (Path(written.output_prefix) / "error.pb").write_bytes(ErrorDocument(error=error).SerializeToString())
    found = await outputs.answer(written, DONE)
    assert found.phase == TaskExecution.FAILED
    assert found.message == "USER:ValueError: the column age is missing"


def test_an_order_carries_what_a_body_in_a_job_needs() -> None:
    one = template(OperationTask("t", "lustre-delete"))

    arguments = ("pyflyte-execute", "--inputs", "s3://b/in")
    one._container = SimpleNamespace(command=None, args=arguments, env={"A": "1"})
    order = metadata.order_of(one, "s3://b/out", None)
    assert order.command == arguments
    assert (order.output_prefix, dict(order.environment)) == ("s3://b/out", {"A": "1"})
