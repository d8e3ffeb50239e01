"""The pytest fixtures, and the example project of the documents, as a stranger's project uses them."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "boto3-training"


def pytest_in(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a project's tests in a process that knows nothing of this one."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "FLYTE"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(project)]
    return subprocess.run(
        [*command, "-W", "error", "-W", "ignore::pytest.PytestDeprecationWarning", *arguments, str(project)],
        cwd=project,
        env={**clean, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_tests_of_the_example_pass() -> None:
    count = len(re.findall(r"^def test_", (EXAMPLE / "test_training.py").read_text(), re.MULTILINE))
    done = pytest_in(EXAMPLE, "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} passed" in done.stdout


def test_the_example_without_pytest_runs() -> None:
    command = [sys.executable, str(EXAMPLE / "by_hand.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


CONFTEST = 'pytest_plugins = ["flytekitplugins_smfs.emulator.fixtures"]\n'

WORKERS = """
import os
import boto3
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it_is_as_new(emulator, number, request):
    s3 = emulator.session().client("s3")
    assert len(s3.list_buckets()["Buckets"]) == 1
    s3.create_bucket(Bucket="mine")
    worker = os.environ["PYTEST_XDIST_WORKER"]
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{worker} {emulator.endpoint_url} {emulator.state}\\n")

def test_the_environment_leads_there(emulator, emulator_environment):
    assert boto3.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert "AWS_PROFILE" not in os.environ
    assert os.environ["AWS_ENDPOINT_URL"] == emulator.endpoint_url == emulator_environment["AWS_ENDPOINT_URL"]

def test_the_environment_is_as_it_was(emulator_session):
    assert os.environ["AWS_PROFILE"] == "nobody"
    assert "AWS_ENDPOINT_URL" not in os.environ
    assert emulator_session.client("s3").list_buckets()["Buckets"]
"""


def test_each_worker_has_one_server_and_each_test_finds_it_as_new(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "conftest.py").write_text(CONFTEST)
    (project / "test_workers.py").write_text(WORKERS)
    done = pytest_in(project, "-q", "-n", "2", SEEN=str(tmp_path / "seen"), AWS_PROFILE="nobody")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in (tmp_path / "seen").read_text().splitlines()]
    assert len(lines) == 6
    assert {worker for worker, _, _ in lines} == {"gw0", "gw1"}
    assert len({tuple(line) for line in lines}) == 2  # one address and one state for each worker
    assert not any(Path(state).exists() for _, _, state in lines)


def test_settings_are_a_fixture_to_define(tmp_path: Path) -> None:
    settings = (
        '\nimport pytest\n@pytest.fixture(scope="session")\ndef emulator_settings(): return {"account": "1" * 12}'
    )
    (tmp_path / "conftest.py").write_text(CONFTEST + settings)
    (tmp_path / "test_account.py").write_text(
        "def test_account(emulator_session):\n"
        '    assert emulator_session.client("sts").get_caller_identity()["Account"] == "1" * 12\n'
    )
    done = pytest_in(tmp_path, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


def test_who_does_not_ask_for_the_fixtures_gets_none(tmp_path: Path) -> None:
    (tmp_path / "test_alone.py").write_text("def test_alone(emulator): pass\n")
    done = pytest_in(tmp_path, "-q")
    assert "fixture 'emulator' not found" in done.stdout
    points = importlib.metadata.distribution("flytekitplugins-smfs").entry_points
    assert [point for point in points if point.group == "pytest11"] == []
