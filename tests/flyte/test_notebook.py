"""A workflow in a Jupyter notebook: a real kernel, whose event loop already runs."""

from __future__ import annotations

import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

from tests.conftest import Emulator

CELLS = (
    """
from flytekit import workflow
from flytekitplugins_smfs import CreateLustreTask, DeleteLustreTask, LustreSpec, Removed

create, delete = CreateLustreTask(name="notebook.create"), DeleteLustreTask(name="notebook.delete")

@workflow
def come_and_go(spec: LustreSpec = LustreSpec()) -> Removed:
    return delete(file_system=create(spec=spec))
""",
    "removed = come_and_go(spec=LustreSpec(deployment_type='SCRATCH_2'))",
    """
import asyncio
loop = asyncio.get_running_loop()
again, once_more = await asyncio.gather(*(loop.run_in_executor(None, come_and_go) for _ in range(2)))
""",
    "print([len(one.removed) for one in (removed, again, once_more)], removed.remaining)",
)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel specification of this very interpreter, and nothing of the user's."""
    specification = tmp_path / "kernels" / "here"
    specification.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    text = f'{{"argv": {command}, "display_name": "here", "language": "python"}}'.replace("'", '"')
    (specification / "kernel.json").write_text(text)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_operations_run_in_a_notebook(
    emulator: Emulator, kernel: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # N12
    monkeypatch.setenv("FLYTE_SMFS_ENDPOINT", "emulator")
    monkeypatch.setenv("FLYTE_SMFS_EMULATOR_STATE", str(emulator.state))
    monkeypatch.setenv("FLYTE_SMFS_AVAILABILITY_ZONE", "us-east-1a")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    client = nbclient.NotebookClient(notebook, kernel_name="here", timeout=90)
    client.execute(cwd=str(tmp_path))
    assert notebook.cells[-1].outputs[0]["text"] == "[1, 1, 1] ()\n"
