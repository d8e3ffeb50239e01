"""Requests drawn from the service models, right ones and ones that break one constraint: the models decide.

What a model allows is answered, or refused with an error that the operation or its service documents; what it does not
allow is refused with the service's own code. Nothing is a 500, and every request has an answer.
"""

from __future__ import annotations

import collections
import random

import pytest

from flytekitplugins_smfs.emulator.registry import Service
from tests.emulator.attack.breaking import breaks
from tests.emulator.attack.conftest import House
from tests.emulator.attack.drawing import Drawing
from tests.emulator.attack.seeds import OPERATIONS, SERVICES
from tests.emulator.attack.speaking import Answer, Speaker
from tests.matrix import points
from tests.matrix.points import SOAK

REQUESTS = 20_000 if SOAK else 1_500
SHARES = 10
"""Each share is a test, with a seed of its own."""
EVERYWHERE = {
    "NotImplementedByEmulator",
    "SerializationException",
    # "Common Errors" of each service's API reference
    "AccessDeniedException",
    "InternalFailure",
    "ThrottlingException",
    "ValidationError",
    "ValidationException",
}
ALSO = {
    # The model has no errors for it; what is not there is ResourceNotFound in all of the service's other operations.
    ("sagemaker", "DeleteHyperParameterTuningJob"): {"ResourceNotFound"},
}
# What a log class cannot do is refused with one code of the service's, whose shape not all operations name.
ALSO |= {("logs", operation): {"InvalidOperationException"} for operation in ("FilterLogEvents", "GetLogEvents")}
STRICTER = {("logs", "PutRetentionPolicy")}
"""Its reference lists the days that there are, and the model does not."""


def documented(own: Service, operation: str) -> set[str]:
    """The codes that an operation may answer with."""
    shapes = own.model.operation_model(operation).error_shapes
    named = {shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes}
    named |= ALSO.get((own.name, operation), set())
    return (
        named
        | {shape.name for shape in shapes}
        | EVERYWHERE
        | {own.errors.validation, own.errors.missing or own.errors.validation}
    )


def verdict(own: Service, operation: str, answer: Answer, broken: str) -> str:
    """What is wrong with an answer to a request that breaks something, or nothing; empty if nothing is."""
    refusal = {
        own.errors.validation,
        own.errors.missing,
        own.errors.unreadable,
        "MalformedInput",
        "SerializationException",
    }
    if answer.status >= 500 and answer.code != "NotImplementedByEmulator":
        return "a failure"
    if broken and answer.code not in refusal and answer.code != "NotImplementedByEmulator":
        return f"taken though {broken}"
    if not broken and answer.status != 200 and answer.code not in documented(own, operation):
        return "an error that is not documented"
    if not broken and " validation error" in answer.message and (own.name, operation) not in STRICTER:
        return "refused though the model allows it"
    return ""


@pytest.mark.parametrize("share", range(SHARES))
def test_the_models_decide(house: House, share: int, request: pytest.FixtureRequest) -> None:
    speaker, found = Speaker(house.emulator), collections.Counter[str]()
    chance = random.Random(share)
    for number in range(REQUESTS // SHARES):
        service, operation = OPERATIONS[(number * SHARES + share) % len(OPERATIONS)]
        own = SERVICES[service]
        shape = own.model.operation_model(operation).input_shape
        drawing = Drawing(chance)
        asked = drawing.request(shape, chance.choice([0.0, 0.3, 0.9]))
        broken = ""
        if shape is not None and chance.random() < 0.5:
            asked, broken = breaks(drawing, shape, asked, own.model.metadata["protocol"])
        protocol = chance.choice(("json", "cbor", "")) if service == "cloudwatch" else ""
        answer = speaker.say(own, operation, asked, protocol)
        if wrong := verdict(own, operation, answer, broken):
            found[
                f"{service} {operation}: {wrong}: {answer.status} {answer.code} {answer.message[:300]}\n{asked!r:.1500}"
            ] += 1
    speaker.hang_up()
    points.several(request, "fuzz, model-driven", REQUESTS // SHARES)
    assert not found, "\n".join(list(found)[:12])
