"""A part of the package, as a code bundle holds it, never hides the installed whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOK = """
import importlib, sys
import flytekitplugins_smfs
from flytekitplugins_smfs import LustreSpec
from flytekitplugins_smfs.flyte import decks
print(flytekitplugins_smfs.__file__, flytekitplugins_smfs.__spec__.origin, decks.__file__, len(decks._style()) > 1000)
print("extra" in dir(flytekitplugins_smfs), flytekitplugins_smfs.__name__, "LustreSpec" in flytekitplugins_smfs.__all__)
"""


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Modules alone, and the root says more than the installed one does."""
    shutil.copytree(
        ROOT / "flytekitplugins_smfs",
        tmp_path / "flytekitplugins_smfs",
        ignore=lambda _, names: [one for one in names if ("." in one and not one.endswith(".py")) or one == "emulator"],
    )
    with (tmp_path / "flytekitplugins_smfs/__init__.py").open("a") as root:
        root.write("\nextra = 1\n")
    return tmp_path


def look(*options: str, first: Path, program: str = LOOK) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(first), "TMPDIR": os.environ["TMPDIR"]}
    command = [sys.executable, *options, "-c", program]
    return subprocess.run(command, cwd=first, env=environment, capture_output=True, text=True, timeout=120)


def test_a_part_gives_way_to_the_installed_whole(part: Path) -> None:
    done = look(first=part)
    assert done.returncode == 0, done.stderr
    root = ROOT / "flytekitplugins_smfs"
    first, second = done.stdout.splitlines()
    assert first == f"{root / '__init__.py'} {root / '__init__.py'} {root / 'flyte/decks.py'} True"
    # What follows in the part's root is still run, in the same module; nothing else of it is.
    assert second == "True flytekitplugins_smfs True"


def test_a_whole_copy_is_used_whole(part: Path) -> None:
    shutil.copytree(ROOT / "flytekitplugins_smfs", part / "flytekitplugins_smfs", dirs_exist_ok=True)
    done = look(first=part)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{part / 'flytekitplugins_smfs/__init__.py'} ")


def test_a_whole_one_later_on_the_path_is_found(part: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    shutil.copytree(ROOT / "flytekitplugins_smfs", installed / "flytekitplugins_smfs")
    program = f"import sys; sys.path.append({str(installed)!r}); import flytekitplugins_smfs as it; print(it.__path__)"
    done = look("-S", first=part, program=program)
    assert done.stdout.strip() == str([str(installed / "flytekitplugins_smfs")]), done.stderr


def test_where_there_is_no_whole_one_it_is_said(part: Path) -> None:
    done = look("-S", first=part, program="import flytekitplugins_smfs")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ImportError: {part} holds a part of flytekitplugins_smfs")
    assert "install flytekitplugins-smfs in the image" in last
