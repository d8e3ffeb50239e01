"""Every AWS call in the source is one that the installed service models know, and pages the way they say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

import flytekitplugins_smfs

ROOT = Path(flytekitplugins_smfs.__file__).parent
SESSION = botocore.session.get_session()
ROOMS = ("aws", "operations", "datasets", "flyte", "cli")
# Called through a helper that is given the name.
ALSO = [
    ("pages", "sagemaker", "ListTrainingJobs", "TrainingJobSummaries"),
    ("pages", "sagemaker", "ListHyperParameterTuningJobs", "HyperParameterTuningJobSummaries"),
    ("pages", "sagemaker", "ListTrainingJobsForHyperParameterTuningJob", "TrainingJobSummaries"),
]


def calls() -> Iterator[tuple[str, ...]]:
    """`call` or `pages`, then the names that are written out: service, operation, and for pages the key."""
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if node.func.attr in ("call", "pages") and len(texts) >= 2:
                yield (node.func.attr, *texts[:3])
    yield from ALSO


@pytest.mark.parametrize("call", sorted(set(calls())), ids=lambda call: f"{call[1]}.{call[2]}")
def test_it_is_in_the_model(call: tuple[str, ...]) -> None:
    kind, service, name = call[:3]
    operation = SESSION.get_service_model(service).operation_model(name)
    if kind == "pages":
        assert "NextToken" in operation.input_shape.members
        assert {"NextToken", call[3]} <= set(operation.output_shape.members)


def test_the_calls_are_found() -> None:
    found = {call[2] for call in calls()}
    assert {"CreateFileSystem", "StopTrainingJob", "DescribeNetworkInterfaces", "GetLogEvents"} <= found


@pytest.mark.parametrize(
    ("service", "operation", "sent", "answered"),
    [
        ("logs", "DescribeLogStreams", "nextToken", "nextToken"),
        ("logs", "GetLogEvents", "nextToken", "nextForwardToken"),
        ("efs", "DescribeMountTargets", "Marker", "NextMarker"),
    ],
)
def test_these_page_in_their_own_way(service: str, operation: str, sent: str, answered: str) -> None:
    model = SESSION.get_service_model(service).operation_model(operation)
    assert sent in model.input_shape.members
    assert answered in model.output_shape.members
