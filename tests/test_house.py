"""What the project says about itself is true: metadata, constraints, documents, examples, imports."""

from __future__ import annotations

import configparser
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import flytekitplugins_smfs.values.errors as errors
from flytekitplugins_smfs.operations.catalog import OPERATIONS
from flytekitplugins_smfs.operations.sagemaker.images import algorithms
from flytekitplugins_smfs.values.settings import Settings

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DISTRIBUTION = importlib.metadata.distribution("flytekitplugins-smfs")


def python(code: str, **environment: str) -> str:
    """Run code in a process of its own, without AWS credentials, and return the last line it prints."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "FLYTE"))}
    env = {**clean, "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **environment}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return (done.stdout.strip().splitlines() or [""])[-1]


# What importing costs


def test_importing_the_package_loads_no_sdk_and_needs_no_credentials() -> None:
    # C108
    loaded = python(
        "import flytekitplugins_smfs, sys; print({'boto3', 'botocore', 'sagemaker', 'flytekit'} & set(sys.modules))"
    )
    assert loaded == "set()"


def test_flytekit_finds_the_plugin_and_stays_light() -> None:
    # C108: through the entry point, with nothing imported by hand.
    code = """
import importlib.metadata as metadata, sys
found = metadata.entry_points
def entry_points(**wanted):  # other plugins that happen to be installed bring their own weight
    points = found(**wanted)
    if wanted.get("group") != "flytekit.plugins":
        return points
    return metadata.EntryPoints(point for point in points if point.name == "smfs")
metadata.entry_points = entry_points
import flytekit
print(*sorted({"boto3", "botocore", "sagemaker", "flytekitplugins_smfs.flyte.plugin"} & set(sys.modules)))
"""
    assert python(code) == "flytekitplugins_smfs.flyte.plugin"


def test_no_room_but_its_own_loads_the_emulator() -> None:
    loaded = python(
        "import flytekitplugins_smfs.cli.main, flytekitplugins_smfs.flyte.tasks, sys;"
        "print([name for name in sys.modules if name.startswith('flytekitplugins_smfs.emulator')])"
    )
    assert loaded == "[]"


# Metadata and constraints


def requirements() -> list[Requirement]:
    found = [Requirement(text) for text in DISTRIBUTION.requires or []]
    return [requirement for requirement in found if requirement.name != "flytekitplugins-smfs"]


def constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_requirement_is_constrained_to_a_version_that_meets_it(requirement: Requirement) -> None:
    pinned = [one for one in constraints() if canonicalize_name(one.name) == canonicalize_name(requirement.name)]
    assert pinned, f"{requirement.name} is missing in constraints.txt"
    for one in pinned:
        assert requirement.specifier.contains(str(one.specifier).removeprefix("=="))


def test_constraints_are_exact_and_name_no_place() -> None:
    assert all(str(one.specifier).startswith("==") for one in constraints())
    assert not re.search(r"://|--find-links|--index|file:", (ROOT / "constraints.txt").read_text())


def test_the_extras_and_entry_points_are_there() -> None:
    extras = set(DISTRIBUTION.metadata.get_all("Provides-Extra") or [])
    assert {"emulator", "sdk", "serving", "dev", "all"} <= extras
    points = {(point.group, point.name): point.value for point in DISTRIBUTION.entry_points}
    assert points["flytekit.plugins", "smfs"] == "flytekitplugins_smfs.flyte.plugin"
    assert points["console_scripts", "smfs"] == "flytekitplugins_smfs.cli.main:main"


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == DISTRIBUTION.version


def test_the_image_copies_only_what_exists() -> None:
    copied = re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert all(f"!{source}" in ignored for source in sources)


def test_ci_runs_the_tests_and_the_checks() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert {"make test", "make check"} <= set(script.splitlines())


# Configuration


def test_the_sandbox_configuration_stands() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "sandbox.config")
    settings = Settings.of(dict(parser["smfs"]))
    assert (settings.endpoint, settings.region, settings.availability_zone) == ("emulator", "us-east-1", "us-east-1a")


# Documents


def section(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]


def first_column(table: str) -> list[str]:
    return re.findall(r"^\s*\| `([^`]+)`", table, re.MULTILINE)


def test_the_readme_lists_every_setting_and_no_other() -> None:
    table = section((ROOT / "README.md").read_text(), "## Which AWS", "\n## ")
    assert first_column(table) == list(Settings.model_fields)


def test_the_documents_list_every_operation_and_algorithm_and_no_other() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    assert first_column(section(text, "# Operations", "\n## ")) == list(OPERATIONS)
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|$", section(text, "<!-- images:", "\n\nThe result"), re.MULTILINE)
    assert {name: tuple(versions.split(", ")) for name, versions in rows} == algorithms()


def test_the_documented_connector_configuration_names_every_task_type() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "cluster.md").read_text(), re.DOTALL)
    propeller = next(found for found in map(yaml.safe_load, blocks) if "plugins" in found)
    service = propeller["plugins"]["connector-service"]
    types = [f"smfs-{name}" for name in OPERATIONS]
    assert service["supportedTaskTypes"] == types
    assert list(service["connectorForTaskTypes"]) == types
    assert set(types) <= set(propeller["tasks"]["task-plugins"]["default-for-task-types"])


def test_the_documented_tree_of_errors_is_the_tree() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    assert errors.__doc__ is not None
    assert errors.__doc__.partition("\n\n")[2].strip() in text


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def examples() -> list[tuple[str, str]]:
    pattern = r"<!-- example: (\S+) -->\n```python\n(.*?)```"
    return [found for document in DOCUMENTS for found in re.findall(pattern, document.read_text(), re.DOTALL)]


@pytest.mark.parametrize(("path", "text"), examples(), ids=lambda value: value if value.endswith(".py") else "")
def test_an_example_in_a_document_is_the_file_that_it_names(path: str, text: str) -> None:
    assert text == (ROOT / path).read_text()


def test_every_python_block_in_the_documents_is_an_example_that_is_tested() -> None:
    blocks = sum(document.read_text().count("```python") for document in DOCUMENTS)
    assert blocks == len(examples())
