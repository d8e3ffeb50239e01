"""Code gets to a pod in every way that Flyte knows, from a clone and from a project of one's own, and runs there. C105

Bundles are made by unmodified commands, unpacked by `pyflyte-fast-execute` as a user that the image does not name, in
what the Dockerfile makes; each container task's command is run. In 0.1.0 these failed: no workflows in the bundle or in
the image, a bundle that hid the installed package's style.css, /root closed to the image's user.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from flyteidl.core.literals_pb2 import Literal
from flyteidl.core.literals_pb2 import LiteralMap as Stored
from flytekit import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.models.literals import Literal as Flytekit

from flytekitplugins_smfs.values.dataset import Dataset
from tests.cluster import pods
from tests.cluster.bundles import Registered, here, package, register
from tests.cluster.pods import ROOT, STORE, Image, filled
from tests.conftest import Emulator
from tests.flyte.samples import BUCKET, START, run_report
from workflows import digits, schedules

WAYS = ["register all", "register auto", "package none", "package all", "package auto"]
OF_THE_PLUGIN = {"upload", "file_system_input"}
"""Container tasks that the package brings."""
ANYBODY = "1234:0"
"""A user that the image does not name, as clusters choose one; such a user is of group 0."""

needs_pods = pytest.mark.skipif(bool(pods.refused()), reason=pods.refused() or "pods can be run")


@dataclass
class Project:
    """Where one registers from, and the image that its pods run in."""

    name: str
    image: Image
    store: Path
    ran: dict[object, dict[str, Stored]] = field(default_factory=dict)
    """What the commands of equal code gave: equal bundles are run once."""

    def make(self, way: str, into: Path) -> Registered:
        command, _, copy = way.partition(" ")
        if self.name == "workflows":
            run = here(ROOT, into / "home")
            if command == "register":
                return register(run, into, "--copy", copy, "workflows")
            return package(run, into, "workflows", "--copy", copy)

        def inside(arguments: list[str], reach: Any) -> None:
            done = self.image.run(["pyflyte", *arguments], self.store, ANYBODY, reach, f"{STORE}/project")
            assert done.returncode == 0, done.stdout + done.stderr

        if command == "register":
            return register(inside, into, "--copy", copy, "flows")
        made = package(inside, self.store, "flows", "--copy", copy, output=STORE)
        (self.store / "flyte.tgz").unlink()
        return made


def opened(path: Path) -> Path:
    """A directory that every user may write to."""
    path.mkdir()
    path.chmod(0o777)
    return path


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    base = tmp_path_factory.mktemp("clone")
    made = Project("workflows", Image.build(base / "image"), opened(base / "store"))
    (made.store / "none.pb").write_bytes(b"")  # no inputs
    return made


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project of one's own, whose environment has the plugin installed; its image has its code, as flytekit asks."""
    base = tmp_path_factory.mktemp("own")
    store = opened(base / "store")
    shutil.copytree(
        ROOT / "workflows", store / "project/flows", ignore=shutil.ignore_patterns("__pyc*", "schedules.py")
    )
    return Project("flows", Image.build(base / "image", code=store / "project/flows"), store)


@pytest.fixture(scope="module")
def inputs(emulator: Emulator) -> dict[str, Any]:
    """Values for the inputs of all container tasks, by the inputs' names; a model and digits to judge it by in S3."""
    rows = np.hstack([np.arange(10).repeat(2)[:, None], np.eye(64)[np.arange(10).repeat(2)] * 16]).astype(int)
    chosen = {"objective": "multi:softprob", "num_class": 10, "max_depth": 2}
    model = xgboost.train(chosen, xgboost.DMatrix(rows[:, 1:], rows[:, 0]), num_boost_round=3)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        body = bytes(model.save_raw("ubj"))
        info = tarfile.TarInfo("xgboost-model")
        info.size = len(body)
        tar.addfile(info, io.BytesIO(body))
    text = io.StringIO()
    np.savetxt(text, rows, fmt="%d", delimiter=",")
    s3 = emulator.client("s3")
    s3.put_object(Bucket=BUCKET, Key="bundles/model.tar.gz", Body=packed.getvalue())
    s3.put_object(Bucket=BUCKET, Key="bundles/test/digits.csv", Body=text.getvalue())
    run = run_report()
    dataset = run.dataset.model_copy(update={"uri": f"s3://{BUCKET}/bundles"})
    named = {name: getattr(run, name) for name in vars(run)}
    return named | {
        "dataset": dataset,
        "uri": run.link.repository,
        "model_uri": f"s3://{BUCKET}/bundles/model.tar.gz",
        "path": "train",
        "content_type": "text/csv",
        "access_mode": "ro",
        "seed": 7,
        "destination": f"s3://{BUCKET}/bundles-sent",
        "delete": True,
        "prefix": "digits",
        "at": START,
    }


def of_task(name: str) -> Any:
    """The task of this name here, for its interface."""
    return getattr(digits, name, None) or getattr(schedules, name)


def run_tasks(
    project: Project, made: Registered, emulator: Emulator, given: dict[str, Any], chosen: Collection[str]
) -> dict[str, Stored]:
    """Run container tasks' commands as pods would, those that are `chosen`; what each gave."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = {name: emulator.env[name] for name in names} | {
        "FLYTE_SMFS_ENDPOINT": emulator.env["AWS_ENDPOINT_URL"],
        "FLYTE_SMFS_S3_ENDPOINT": emulator.env["AWS_ENDPOINT_URL_S3"],
        "FLYTE_SMFS_REGION": emulator.env["AWS_REGION"],
    }
    if made.code:
        shutil.copy(made.code, project.store / made.code.name)
    commands = made.commands(f"{STORE}/{made.code.name}" if made.code else "")
    gave: dict[str, Stored] = {}
    for name in sorted(commands, key=lambda name: not name.endswith(".digits_dataset")):  # which `upload` sends
        last = name.rpartition(".")[2]
        if last not in chosen:
            continue
        outputs = opened(project.store / f"out-{len(list(project.store.iterdir()))}")
        wanted = literals(of_task(last), given, gave["digits_dataset"].literals["o0"] if gave else None)
        (outputs / "inputs.pb").write_bytes(wanted.SerializeToString())
        command = filled(commands[name], f"{STORE}/{outputs.name}/inputs.pb", f"{STORE}/{outputs.name}")
        done = project.image.run(command, project.store, ANYBODY, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (outputs / "error.pb").exists(), (outputs / "error.pb").read_bytes()
        gave[last] = Stored.FromString((outputs / "outputs.pb").read_bytes())
        if last == "report":
            assert ".smfs{" in (outputs / "deck.html").read_text().replace(" ", "")
    return gave


def literals(task: Any, given: dict[str, Any], source: Literal | None) -> Stored:
    """The inputs of a task as they lie in its inputs file; `source` is a directory that another pod made."""
    context = FlyteContextManager.current_context()
    found = {}
    for name, kind in task.python_interface.inputs.items():
        if name == "source":
            found[name] = source
        else:
            value = TypeEngine.to_literal(context, given[name], kind, TypeEngine.to_literal_type(kind))
            found[name] = value.to_flyte_idl()
    return Stored(literals=found)


@needs_pods
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("project", ["clone", "own"])
def test_every_task_runs_from_what_was_sent(
    request: pytest.FixtureRequest, emulator: Emulator, inputs: dict[str, Any], tmp_path: Path, project: str, way: str
) -> None:
    chosen: Project = request.getfixturevalue(project)
    made = chosen.make(way, opened(tmp_path / "made"))
    if way == "package none":
        assert made.code is None
    elif project == "clone" and way.endswith("auto"):
        assert not [name for name in made.files() if name.endswith((".css", ".json", "py.typed"))]
        assert "flytekitplugins_smfs/flyte/decks.py" in made.files()
    else:
        names = {name for name in made.files() if name != ".dockerignore"}  # which nothing can leave out
        assert {name.partition("/")[0] for name in names} == {chosen.name}
    code = frozenset(made.files()) if made.code else None
    names = {name.rpartition(".")[2] for name in made.commands("")}
    assert {"digits_dataset", *OF_THE_PLUGIN, "evaluate", "report"} <= names
    whole = ((project, way) == ("clone", "register auto")) or "SMFS_SOAK" in os.environ
    sample = names if whole else {"digits_dataset", "report"}
    if (code, whole) not in chosen.ran:
        chosen.ran[code, whole] = run_tasks(chosen, made, emulator, inputs, sample)
    gave = chosen.ran[code, whole]
    assert gave.keys() == sample
    if whole:
        context = FlyteContextManager.current_context()
        sent = TypeEngine.to_python_value(context, Flytekit.from_flyte_idl(gave["upload"].literals["o0"]), Dataset)
        assert (sent.files, sent.uri) == (3, inputs["destination"])


@needs_pods
@pytest.mark.parametrize("user", ["", "1000:1000", "65534:65534"])
def test_the_images_user_may_unpack_and_others_choose_a_place(clone: Project, tmp_path: Path, user: str) -> None:
    made = clone.make("register all", opened(tmp_path / "made"))
    assert made.code is not None
    shutil.copy(made.code, clone.store / made.code.name)
    outputs = opened(clone.store / f"user-{user.replace(':', '-')}")

    def attempt(destination: str) -> str:
        (args,) = (one for name, one in made.commands(f"{STORE}/{made.code.name}").items() if name.endswith("dataset"))
        command = filled(args, f"{STORE}/none.pb", f"{STORE}/{outputs.name}")
        command[command.index("--dest-dir") + 1] = destination
        done = clone.image.run(command, clone.store, user)
        return done.stderr if done.returncode else ""

    if user == "65534:65534":
        assert "Permission denied: '/root/" in " ".join(attempt("/root").split())
        assert not attempt("/tmp")
    else:
        assert not attempt("/root")
    assert (outputs / "outputs.pb").is_file()


@needs_pods
def test_what_was_registered_is_run_and_not_what_the_image_had(clone: Project) -> None:
    """Wherever a bundle is unpacked to, it comes before the image's workflows."""
    code = clone.store / "changed.tar.gz"
    with tarfile.open(code, "w:gz") as archive:
        body = b"raise SystemExit('the bundle is read')\n"
        info = tarfile.TarInfo("workflows/__init__.py")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    for destination in ("/root", "/tmp"):
        command = [
            "pyflyte-fast-execute",
            "--additional-distribution",
            f"{STORE}/{code.name}",
            "--dest-dir",
            destination,
        ]
        done = clone.image.run([*command, "--", "python", "-P", "-c", "import workflows"], clone.store, ANYBODY)
        assert "the bundle is read" in done.stderr


@needs_pods
def test_a_part_without_a_whole_one_says_so(clone: Project, tmp_path: Path) -> None:
    made = clone.make("register auto", opened(tmp_path / "made"))
    assert made.code is not None
    shutil.copy(made.code, clone.store / made.code.name)
    bare = Image.build(tmp_path / "image", plugin=False)
    (args,) = (one for name, one in made.commands(f"{STORE}/{made.code.name}").items() if name.endswith(".report"))
    outputs = opened(clone.store / "bare")
    done = bare.run(filled(args, f"{STORE}/none.pb", f"{STORE}/{outputs.name}"), clone.store, ANYBODY)
    told = done.stderr + (outputs / "error.pb").read_text(errors="replace")
    assert "/root holds a part of flytekitplugins_smfs" in told
    assert "install flytekitplugins-smfs in the image" in told
