"""What the project says about itself is true: metadata, constraints, documents, examples, imports."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import flytekitplugins_smfs
from flytekitplugins_smfs import emulator
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.settings import Settings
from tests.aws.test_calls import calls
from tests.conftest import Emulator
from tests.test_examples import pyflyte

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


def make_tables() -> ModuleType:
    """The tool that writes the documents' tables."""
    found = importlib.util.spec_from_file_location("make_tables", ROOT / "tools" / "make_tables.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


TABLES = make_tables()
FOUND = [(path, name, text) for path in DOCUMENTS for name, text in TABLES.tables_of(path.read_text()).items()]


@pytest.mark.parametrize(("path", "name", "text"), FOUND, ids=[f"{path.name}: {name}" for path, name, _ in FOUND])
def test_a_table_in_a_document_is_what_the_declarations_say(path: Path, name: str, text: str) -> None:
    differs = f"the table `{name}` of {path.name} is not what is declared; run: python tools/make_tables.py"
    assert text == TABLES.TABLES[name](), differs


def test_every_table_that_is_declared_is_in_one_document() -> None:
    assert sorted(name for _, name, _ in FOUND) == sorted(TABLES.TABLES)


def test_the_documented_configuration_of_flytepropeller_can_be_read() -> None:
    config = yaml.safe_load(TABLES.task_types().removeprefix("```yaml\n").removesuffix("```\n"))
    service = config["plugins"]["connector-service"]
    types = [f"smfs-{name}" for name in catalog.names()]
    assert service["supportedTaskTypes"] == list(service["connectorForTaskTypes"]) == types
    assert set(types) <= set(config["tasks"]["task-plugins"]["default-for-task-types"])
    (method,) = json.loads(service["connectors"]["smfs"]["defaultServiceConfig"])["methodConfig"]
    assert method["waitForReady"] is True


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


def test_the_example_of_an_import_runs(emulator: Emulator, tmp_path: Path) -> None:  # C12
    spec, repository = '{"name": "refreshed"}', "s3://sagemaker-us-east-1-123456789012/refreshed"
    emulator.client("s3").put_object(Bucket="sagemaker-us-east-1-123456789012", Key="refreshed/one", Body=b"x")
    example = str(ROOT / "docs" / "examples" / "refresh.py")
    done = pyflyte(emulator, tmp_path, "run", example, "refresh", "--spec", spec, "--repository", repository)
    said = done.stdout + done.stderr
    execution = re.search(r"Execution (local/\S+?)\.\s", said)
    assert execution is not None, said
    command = [Path(sys.executable).with_name("smfs"), "--config", ROOT / "sandbox.config", "release", "-y"]
    env = {**os.environ, "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state), "HOME": str(tmp_path)}
    released = subprocess.run([*command, execution[1]], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, said
    assert re.search(r"files=[1-9]\d* failed=0", said)
    assert "Nothing is left." in released.stdout, released.stdout + released.stderr


# What users import


def imports_of(source: str) -> Iterator[tuple[str, str]]:
    """What a source imports of this package: module, and name; a whole module has no name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == flytekitplugins_smfs.__name__:
            yield from ((str(node.module), alias.name) for alias in node.names)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from ((name, "") for name in names if name.split(".")[0] == flytekitplugins_smfs.__name__)


def sources() -> list[tuple[str, str]]:
    """What users copy: workflows, examples, and the code of the documents."""
    files = [*sorted((ROOT / "workflows").glob("*.py")), *sorted((ROOT / "docs" / "examples").rglob("*.py"))]
    blocks = [
        (f"{document.name}: {number}", block)
        for document in DOCUMENTS
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL))
    ]
    return [(str(path.relative_to(ROOT)), path.read_text()) for path in files] + blocks


@pytest.mark.parametrize("source", [text for _, text in sources()], ids=[name for name, _ in sources()])
def test_what_users_copy_imports_from_the_root_alone(source: str) -> None:
    """So that rooms can move. The emulator stands apart and is a room of its own."""
    for module, name in imports_of(source):
        if module == emulator.__name__:
            assert name in emulator.__all__
        else:
            assert module == "flytekitplugins_smfs", f"import {name or module} from the package's root"
            assert name in flytekitplugins_smfs.__all__


# What operations may do in AWS

THROUGH_A_HELPER = {"fsx:DeleteFileSystem", "fsx:DeleteDataRepositoryAssociation"}
"""Actions of calls through a helper that is given the operation's name."""
NOT_CALLED = {
    "iam:PassRole": "a job is given its execution role",
    "sagemaker:AddTags": "jobs are created with tags",
}
"""Actions that AWS asks for beside those of the calls themselves, and why."""


def test_every_aws_call_of_an_operation_is_declared_as_an_iam_action_and_no_other() -> None:
    service_of = {"efs": "elasticfilesystem"}
    called = {f"{service_of.get(call[1], call[1])}:{call[2]}" for call in calls() if call[1] != "s3"}
    declared = set(catalog.actions())
    missing = sorted((called | THROUGH_A_HELPER) - declared)
    assert not missing, f"not among the `calls` of any operation in operations/*/__init__.py: {missing}"
    unused = sorted(declared - called - THROUGH_A_HELPER - set(NOT_CALLED))
    assert not unused, f"declared by an operation, but nothing calls it: {unused}"


def test_what_is_called_through_a_helper_is_called() -> None:
    written = "".join(path.read_text() for path in (ROOT / "flytekitplugins_smfs" / "operations").rglob("*.py"))
    assert all(f'"{action.partition(":")[2]}"' in written for action in THROUGH_A_HELPER)


def test_no_file_is_long() -> None:
    files = (ROOT / "flytekitplugins_smfs").rglob("*.py")
    lengths = {path: len(path.read_text().splitlines()) for path in files}
    assert lengths
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > 300} == {}
