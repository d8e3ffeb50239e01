"""The entry point and the lazy public names."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import flytekitplugins_smfs
from flytekitplugins_smfs.flyte import connector, plugin

HEAVY = (
    "boto3",
    "botocore",
    "sagemaker",
    "flytekitplugins_smfs.emulator",
    "flytekitplugins_smfs.operations.sagemaker.training",
)


def python(script: str, **environment: str) -> str:
    """Run a script in a fresh interpreter, without credentials, and give what it printed."""
    bare = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": tempfile.gettempdir()}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        env={**bare, "AWS_EC2_METADATA_DISABLED": "true", **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# C108
def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = python(
        "import sys, flytekitplugins_smfs; print([m for m in sys.modules if m.split('.')[0] in"
        " ('boto3', 'botocore', 'sagemaker', 'flytekit', 'pydantic')])"
    )
    assert loaded.strip() == "[]"


# C108
def test_the_entry_point_is_lean_and_registers_every_operation() -> None:
    script = """
import importlib.metadata as metadata, sys
every = metadata.entry_points
def ours(**chosen):
    found = every(**chosen)
    return [p for p in found if p.name == "smfs"] if chosen.get("group") == "flytekit.plugins" else found
metadata.entry_points = ours
import flytekit
from flytekit.extend.backend.base_connector import ConnectorRegistry
print(sorted(c.name for c in ConnectorRegistry._REGISTRY if c.name.startswith("smfs-")))
print([m for m in sys.modules if m in %r or m.startswith("flytekitplugins_smfs.values.") and "errors" not in m])
"""
    types, heavy = python(script % (HEAVY,)).strip().splitlines()[-2:]
    assert ast.literal_eval(types) == sorted(f"smfs-{name}" for name in connector.OPERATIONS)
    assert heavy == "[]"


@pytest.mark.skipif(
    importlib.util.find_spec("flytekitplugins.awssagemaker_inference") is None, reason="the neighbour is not installed"
)
def test_it_lives_beside_the_other_sagemaker_plugin() -> None:
    script = """
import flytekit
from flytekit.extend.backend.base_connector import ConnectorRegistry
print(*[f"{category.name}:{category.version}" for category in ConnectorRegistry._REGISTRY])
"""
    served = python(script).strip().splitlines()[-1].split()
    ours = [f"smfs-{name}:0" for name in connector.OPERATIONS]  # propeller keeps one version of a task type
    assert sorted(one for one in served if one.startswith("smfs-")) == sorted(ours)
    assert "sagemaker-training-job:0" in served


def test_loading_it_again_registers_nothing_twice() -> None:
    before = dict(connector.ConnectorRegistry._REGISTRY)
    importlib.reload(plugin)
    connector.register()
    assert before == connector.ConnectorRegistry._REGISTRY


def test_it_never_raises(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("of any kind")

    monkeypatch.setattr(connector, "register", broken)
    importlib.reload(plugin)
    assert "of any kind" in caplog.text


def test_public_names_are_what_is_listed_and_what_is_there() -> None:
    tree = ast.parse(Path(flytekitplugins_smfs.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    declared = set(flytekitplugins_smfs._declared())  # by services, with their operations
    assert imported | declared == set(flytekitplugins_smfs.__all__) == set(flytekitplugins_smfs._HOME_OF)
    for name in flytekitplugins_smfs.__all__:
        assert getattr(flytekitplugins_smfs, name) is not None
    assert set(flytekitplugins_smfs.__all__) <= set(dir(flytekitplugins_smfs))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        flytekitplugins_smfs.nothing_of_the_kind  # noqa: B018


def test_a_connector_that_is_warmed_up_without_settings_says_so_at_once() -> None:
    with pytest.raises(AssertionError, match="No AWS is chosen"):
        python("import flytekitplugins_smfs.flyte.warm")
    python("import flytekitplugins_smfs.flyte.warm", FLYTE_SMFS_ENDPOINT="aws", FLYTE_SMFS_REGION="us-east-1")
