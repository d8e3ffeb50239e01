"""The main workflow as a user runs it: a `pyflyte` process in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Emulator

ROOT = Path(__file__).parents[2]
PYFLYTE = Path(sys.executable).with_name("pyflyte")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def lustre_training(own_emulator: Emulator, tmp_path: Path) -> Run:
    """Run `lustre_training` with further arguments, against the test's own emulator."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FLYTE", "XDG_"))}
        own: dict[str, Any] = {
            "HOME": str(tmp_path / "home"),
            "COLUMNS": "300",
            "FLYTE_SMFS_EMULATOR_STATE": str(own_emulator.state),
        }
        command = [str(PYFLYTE), "--config", "sandbox.config", "run", "workflows/digits.py", "lustre_training"]
        return subprocess.run(
            [*command, *arguments], cwd=ROOT, env=inherited | own, capture_output=True, text=True, timeout=240
        )

    return run
