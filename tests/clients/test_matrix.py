"""Each client runs unchanged: a success and a failure of it, from outside and from inside a job.  # N14"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Emulator
from tests.emulator.services.sagemaker.jobs import BUCKET, ROLE, XGBOOST_IMAGE, Jobs, unique

from .clients import CLIENTS, HERE, IN_CI, WHAT, WHERE, Client
from .table import BEGIN, END, rows

SECONDS = 240


@pytest.fixture
def given(emulator: Emulator) -> dict[str, str]:
    """What the programs are told, and the data they train from."""
    s3, prefix, numbers = emulator.client("s3"), unique("clients"), random.Random(1)
    lines = (f"{3 * x:.3f},{x:.3f}" for x in (numbers.random() for _ in range(100)))
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}-data/train.csv", Body="\n".join(lines).encode())
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}-spoiled/train.csv", Body=b"price;size\n")
    return {
        "CLIENT_BUCKET": BUCKET,
        "CLIENT_PREFIX": prefix,
        "CLIENT_DATA": f"s3://{BUCKET}/{prefix}-data/train.csv",
        "CLIENT_SPOILED": f"s3://{BUCKET}/{prefix}-spoiled/train.csv",
        "CLIENT_ROLE": ROLE,
        "CLIENT_IMAGE": XGBOOST_IMAGE,
    }


def outside(emulator: Emulator, client: Client, what: str, given: dict[str, str], home: Path) -> str:
    """Run a client's program as a user does after `eval "$(smfs emulator env)"`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), **emulator.env, **given}
    command = [str(client.python), str(client.source), what]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def inside(emulator: Emulator, client: Client, what: str, given: dict[str, str], home: Path) -> str:
    """Run a client's program in a training job whose image is the client's environment."""
    jobs, image = Jobs(emulator), f"123456789012.dkr.ecr.us-east-1.amazonaws.com/client-{client.name}:1"
    table = emulator.state / "images.json"
    known = json.loads(table.read_text()) if table.exists() else {}
    command = [str(client.python), str(client.source), what]
    readable = [str(client.python.parents[1]), str(HERE / "programs")]
    known[image] = {"command": command, "readable": readable}
    table.write_text(json.dumps(known))
    specification = {"TrainingImage": image, "TrainingInputMode": "File", "ContainerEntrypoint": command}
    name = jobs.start(jobs.request(AlgorithmSpecification=specification, Environment=given))
    ended = jobs.ended(name, SECONDS)
    said = "\n".join(jobs.lines(name))
    assert ended["TrainingJobStatus"] == "Completed", f"{ended.get('FailureReason')}\n{said[-6000:]}"
    return said


RUN: dict[str, Callable[[Emulator, Client, str, dict[str, str], Path], str]] = {"outside": outside, "inside": inside}


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    "client", [pytest.param(client, id=client.name, marks=pytest.mark.client(client.name)) for client in CLIENTS]
)
def test_it_runs_unchanged(
    emulator: Emulator,
    client: Client,
    where: str,
    what: str,
    given: dict[str, str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    assert client.python.exists(), f"no environment {client.python.parents[1]}; `make test` makes it"
    record_property("client", f"{client.name}/{where}/{what}")
    said = re.findall(r"^CLIENT (\w+) ?(.*)$", RUN[where](emulator, client, what, given, tmp_path), re.MULTILINE)
    ((told, words),) = said
    assert told == what
    if what == "failure":
        assert re.search(client.failure, words), words


def test_every_client_has_requirements_and_the_other_way_round() -> None:
    files = {path.stem for path in (HERE / "requirements").glob("*.txt")}
    assert {client.name for client in CLIENTS} == files
    for path in (HERE / "requirements").glob("*.txt"):
        assert all(re.fullmatch(r"[\w.\[\]-]+==[\w.]+( ;.*)?", line) for line in path.read_text().splitlines()), path
    assert set(IN_CI) <= files


def test_the_oldest_boto3_is_the_oldest_that_is_supported() -> None:
    setup = (HERE.parents[1] / "setup.py").read_text()
    oldest = next(client for client in CLIENTS if client.name == "boto3-oldest").version
    newest = next(client for client in CLIENTS if client.name == "boto3-newest").version
    assert f'"boto3>={oldest},<' in setup
    bound = re.search(r'"boto3>=[\d.]+,<([\d.]+)"', setup)
    assert bound is not None
    major, minor = (int(part) for part in bound[1].split("."))
    assert newest.split(".")[:2] == [str(major), str(minor - 1)]


def test_the_documents_table_has_every_client_in_its_version() -> None:
    text = (HERE.parents[1] / "docs" / "clients.md").read_text()
    written = text.partition(BEGIN)[2].partition(END)[0]
    assert [line.split("|")[1:3] for line in written.splitlines()] == [
        line.split("|")[1:3] for line in rows({}).splitlines()
    ]
