"""`..` and its relatives in every string of every operation: nothing outside the state directory is touched."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.emulator.attack.conftest import House
from tests.emulator.attack.drawing import Drawing, Path, leaves, shape_at
from tests.emulator.attack.seeds import OPERATIONS, SERVICES, Seeds
from tests.emulator.attack.speaking import Speaker
from tests.matrix import points
from tests.matrix.points import SOAK

LINK = "a-link"
JOBS = ("CreateTrainingJob", "CreateHyperParameterTuningJob")


def relatives(house: House) -> list[str]:
    """Texts that lead out of a directory, if somebody follows them."""
    up, secret = "../" * 6, house.outside / "secret"
    return [
        f"{up}outside/secret",
        "../../outside/secret",
        str(secret),
        f"/{secret}",
        f"file://{secret}",
        "..",
        "../",
        ".",
        "....//....//....//outside/secret",
        "..;/..;/outside",
        "..%2f..%2f..%2foutside%2fsecret",
        "%2e%2e/%2e%2e/outside",
        "%252e%252e%252foutside",
        "..%c0%af..%c0%afoutside",
        "\uff0e\uff0e/\uff0e\uff0e/outside",
        "..\\..\\outside\\secret",
        f"a\0/{up}outside/secret",
        "..\0",
        f"{LINK}/secret",
        f"{LINK}/../outside/secret",
        "../" * 1500 + "outside/secret",
        "a" * 5000,
        f"a/{'b' * 300}/../../..",
        f"s3://../{up}outside/secret",
        f"s3://sagemaker-us-east-1-123456789012/{up}outside/secret",
        "~/../outside",
        "$(touch outside)/`touch outside`",
        "\n../../outside\r\n",
    ]


def texts(house: House, seeds: Seeds, service: str, operation: str, path: Path, sample: random.Random) -> list[str]:
    """Each of these alone, and behind what is right there; two of them for a sample."""
    right: Any = seeds.nearest(SERVICES[service], operation, path)
    for step in path:
        right = right.get(step) if isinstance(right, dict) else right[0] if right and step == 0 else None
    shape = shape_at(SERVICES[service].model.operation_model(operation).input_shape, path)
    base = right if isinstance(right, str) else Drawing(sample).text(shape.metadata)
    every = relatives(house)
    every += [f"{base.rstrip('/')}/{one}" for one in every]
    return every if SOAK else sample.sample(every[: len(every) // 2], 1) + sample.sample(every[len(every) // 2 :], 1)


@pytest.fixture(scope="module", autouse=True)
def planted(house: House, seeds: Seeds) -> None:
    """A link that leads out, where jobs and clients put files."""
    for place in (house.emulator.state / "filesystems" / seeds.file_system, house.emulator.state / "jobs"):
        (place / LINK).symlink_to(house.outside)


def parts(operation: str) -> int:
    """In how many tests an operation's strings are tried: what starts jobs by the hundred takes minutes."""
    return 8 if SOAK and operation in JOBS else 1


@pytest.mark.parametrize(
    ("service", "operation", "part"),
    [(service, operation, part) for service, operation in OPERATIONS for part in range(parts(operation))],
)
def test_every_string(
    house: House,
    speaker: Speaker,
    seeds: Seeds,
    service: str,
    operation: str,
    part: int,
    request: pytest.FixtureRequest,
) -> None:
    own = SERVICES[service]
    shape = own.model.operation_model(operation).input_shape
    sample = random.Random(f"{service} {operation}")
    tried, wrong = 0, []
    attacks = [
        (path, text)
        for path in leaves(shape, ("string",))
        for text in texts(house, seeds, service, operation, path, sample)
    ]
    for path, text in attacks[part :: parts(operation)]:
        asked = Drawing(sample).placed(shape, seeds.nearest(own, operation, path), path, text)
        answer = speaker.say(own, operation, asked)
        tried += 1
        if answer.status >= 500 and answer.code != "NotImplementedByEmulator":
            wrong.append((path, text[:80], answer.status, answer.code, answer.message[:200]))
        elif answer.status == 200:
            seeds.undo(operation, answer)
    if operation in JOBS:
        seeds.at_rest()
    points.several(request, "attack matrix, strings", tried)
    assert not wrong
    house.unchanged()


def test_the_seeds_are_right(speaker: Speaker, seeds: Seeds) -> None:
    """Otherwise the attacks would be refused for something else."""
    refused = []
    for service, operation in OPERATIONS:
        for asked in seeds.requests(SERVICES[service], operation) if operation in seeds.written else []:
            answer = speaker.say(SERVICES[service], operation, asked)
            if answer.status == 200:
                seeds.undo(operation, answer)
            elif operation != "DeleteFileSystem":
                refused.append((operation, answer.code, answer.message))
    assert not refused
