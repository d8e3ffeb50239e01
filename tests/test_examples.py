"""The examples of the documents really run: as processes, against the emulator."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.inventory import holdings
from flytekitplugins_smfs.values.settings import Settings

ROOT = Path(__file__).parents[1]


def pyflyte(emulator: Any, tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`pyflyte --config sandbox.config ...` in a home of its own."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FLYTE"))}
    env = {**inherited, "HOME": str(tmp_path), "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state), "COLUMNS": "200"}
    command = [Path(sys.executable).with_name("pyflyte"), "--config", ROOT / "sandbox.config", *arguments]
    return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=180)


@pytest.fixture
def houses(tmp_path: Path) -> Path:
    """Prices that depend on the size: the price first, no header."""
    numbers = random.Random(1)
    for part, count in (("train", 300), ("validation", 60)):
        folder = tmp_path / "houses" / part
        folder.mkdir(parents=True)
        sizes = [numbers.uniform(30, 200) for _ in range(count)]
        rows = [f"{3 * size + numbers.gauss(0, 5):.2f},{size:.2f},{numbers.random():.3f}" for size in sizes]
        (folder / "houses.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "houses"


def test_the_readmes_workflow_runs_and_leaves_nothing(emulator: Any, tmp_path: Path, houses: Path) -> None:
    # C42, C104, N6
    ranges = '{"eta": {"kind": "continuous", "minimum": 0.1, "maximum": 0.3}}'
    example = str(ROOT / "docs" / "examples" / "prices.py")
    done = pyflyte(emulator, tmp_path, "run", example, "prices", "--source", str(houses), "--ranges", ranges)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the embedded AWS emulator on this machine" in done.stdout + done.stderr
    assert "best_model_uri=" in done.stdout
    etas = [float(eta) for eta in re.findall(r"parameters=\{[^}]*'eta': '([^']+)'", done.stdout)]
    assert len(etas) >= 4
    assert all(0.1 <= eta <= 0.3 for eta in etas)  # the declared range begins at 0.05 and ends at 0.5
    execution = re.search(r"Execution (local/\S+?)\.\s", done.stdout + done.stderr)
    assert execution is not None
    assert holdings(Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state))), execution[1]) == ()


def test_the_readmes_wrong_capacity_fails_before_any_call(emulator: Any, tmp_path: Path) -> None:
    # N7
    before = emulator.last_call()
    workflow = str(ROOT / "workflows" / "digits.py")
    spec = '{"capacity_gib": 1300}'
    done = pyflyte(emulator, tmp_path, "run", workflow, "lustre_training", "--spec", spec)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0
    assert "capacity_gib" in said
    assert "allowed are 1200, 2400 and multiples of 2400" in said
    assert emulator.last_call() == before
