"""Whatever is imported first, flytekit has every connector; and without flytekit what needs none works. C108"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flytekitplugins_smfs.operations import catalog

ROOT = Path(__file__).parents[2]
ROOM = sorted(
    path.stem for path in (ROOT / "flytekitplugins_smfs/flyte").glob("*.py") if path.stem not in ("warm", "__init__")
)

REGISTERED = """
import importlib, sys
importlib.import_module(sys.argv[1])
import flytekit
from flytekit.extend.backend.base_connector import ConnectorRegistry
print(sum(category.name.startswith("smfs-") for category in ConnectorRegistry._REGISTRY))
"""

WITHOUT = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("flytekit", "flyteidl"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.split(".")[0])
sys.meta_path.insert(0, Nothing())
"""


def python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("first", ["flytekitplugins_smfs", *(f"flytekitplugins_smfs.flyte.{name}" for name in ROOM)])
def test_every_connector_is_registered_whatever_comes_first(first: str) -> None:
    assert python(REGISTERED, first).splitlines()[-1] == str(len(catalog.names()))


def test_without_flytekit_values_and_operations_work() -> None:
    code = """
import flytekitplugins_smfs as smfs
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.runs import driver
import flytekitplugins_smfs.emulator.commands
print(smfs.LustreSpec(capacity_gib=2400).capacity_gib, catalog.load("training").name, len(catalog.holdings()))
"""
    assert python(WITHOUT + code) == "2400 training 4"


@pytest.mark.parametrize("name", ["create_lustre", "TrainingTask", "upload", "settings"])
def test_without_flytekit_its_names_say_what_to_install(name: str) -> None:
    code = f"""
import flytekitplugins_smfs as smfs
try:
    smfs.{name}
except ModuleNotFoundError as error:
    print(error)
"""
    assert "pip install 'flytekit" in python(WITHOUT + code)
