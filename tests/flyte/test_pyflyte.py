"""What `pyflyte run` says of wrong input, before anything is asked of AWS."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Emulator

ROOT = Path(__file__).parents[2]


def pyflyte(emulator: Emulator | None, home: Path, *arguments: str, config: str = "") -> tuple[int, str]:
    """Run pyflyte and give its exit code and what it printed, on one line."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLYTE_SMFS_")}
    environment |= {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "400"}
    if emulator:
        environment["FLYTE_SMFS_EMULATOR_STATE"] = str(emulator.state)
    chosen = ["--config", config] if config else []
    command = [str(Path(sys.executable).with_name("pyflyte")), *chosen, "run", *arguments]
    done = subprocess.run(
        command, env=environment, cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    return done.returncode, " ".join(done.stdout.split())


# C2, N7
@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            '{"capacity_gib": 1300}',
            ["capacity_gib 1300 GiB is not a capacity", "allowed are 1200, 2400 and multiples of 2400", "use 1200 or"],
        ),
        ('{"capacity_gib": "many", "colour": "red"}', ["capacity_gib", "colour", "2 validation errors"]),
    ],
)
def test_a_wrong_file_system_is_told_before_any_call(
    emulator: Emulator, tmp_path: Path, spec: str, told: list[str]
) -> None:
    since = emulator.last_call()
    workflow = str(ROOT / "workflows/digits.py")
    config = str(ROOT / "sandbox.config")
    code, output = pyflyte(emulator, tmp_path, workflow, "lustre_training", "--spec", spec, config=config)
    assert code != 0
    for text in told:
        assert text in output
    assert emulator.calls(since) == []


# C2, N7
@pytest.mark.parametrize(
    ("option", "name", "text"),
    [
        ("--spec", "spec.json", '{"capacity_gib": 1300}'),
        ("--spec", "spec.yaml", "capacity_gib: 1300\n"),
        ("--inputs-file", "inputs.yaml", "spec:\n  capacity_gib: 1300\n"),
    ],
)
def test_a_spec_may_be_a_file(tmp_path: Path, option: str, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    workflow, config = str(ROOT / "workflows/digits.py"), str(ROOT / "sandbox.config")
    code, output = pyflyte(None, tmp_path, workflow, "lustre_training", option, str(tmp_path / name), config=config)
    assert code != 0
    assert "allowed are 1200, 2400 and multiples of 2400" in output


def test_without_a_choice_of_aws_it_says_how_to_choose(tmp_path: Path) -> None:
    task = str(ROOT / "flytekitplugins_smfs/flyte/tasks.py")
    code, output = pyflyte(None, tmp_path, task, "create_lustre")
    assert code != 0
    assert "No AWS is chosen." in output
    assert "FLYTE_SMFS_ENDPOINT" in output


def test_a_config_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    task = str(ROOT / "flytekitplugins_smfs/flyte/tasks.py")
    code, output = pyflyte(None, tmp_path, task, "create_lustre", config="missing.config")
    assert code != 0
    assert "missing.config" in output
