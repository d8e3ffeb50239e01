"""What is recorded under which names and settings, and all that depends on the layout of the release."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOM = "flytekitplugins_smfs"
EXECUTION = "flytesnacks/development/recorded"
OWNER = {"execution": EXECUTION, "step": "n0", "attempt": 0}
OTHER_EXECUTION = "flytesnacks/development/other"
ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
BUCKET = "sagemaker-us-east-1-123456789012"
OFFLINE = {
    "endpoint": "http://aws.invalid",
    "region": "us-east-1",
    "role": ROLE,
    "output_uri": "s3://bucket/settings",
    "security_group_ids": ["sg-00000000000000005"],
    "tags": {"installation": "recorded"},
}
"""The settings under which requests are recorded that never leave the process."""
OFFLINE_ANSWERS: dict[str, Any] = {
    "DescribeSubnets": {"Subnets": [{"SubnetId": "subnet-00000000000000001", "AvailabilityZone": "us-east-1a"}]},
    "DescribeFileSystems": {
        "FileSystems": [{"SubnetIds": ["subnet-00000000000000001"], "NetworkInterfaceIds": ["eni-00000000000000001"]}]
    },
    "DescribeNetworkInterfaces": {
        "NetworkInterfaces": [{"Groups": [{"GroupId": "sg-00000000000000002"}, {"GroupId": "sg-00000000000000001"}]}]
    },
    "DescribeMountTargets": {
        "MountTargets": [{"SubnetId": "subnet-00000000000000003", "NetworkInterfaceId": "eni-00000000000000003"}]
    },
}
"""What AWS answers then, by operation; nothing else is there, except what a case calls `existing`."""

BASE64 = re.compile(r'"[A-Za-z0-9+/]{40,}=*"')
WIDTH = 160
"""Characters of a line of what is written."""
DEPTH = 6
"""Levels of what is written that have lines of their own."""


def named(module: str, name: str) -> Any:
    """Something of the package by where it lies."""
    return getattr(importlib.import_module(f"{ROOM}.{module}"), name)


def public(name: str) -> Any:
    """A public name of the package."""
    return getattr(importlib.import_module(ROOM), name)


def public_values() -> dict[str, Any]:
    """Every public value class."""
    from pydantic import BaseModel

    found = {name: public(name) for name in importlib.import_module(ROOM).__all__}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def load(operation: str) -> Any:
    """An operation by its name."""
    return named("operations.catalog", "load")(operation)


def owner_of(fields: Mapping[str, Any]) -> Any:
    """An owner."""
    return named("values.operation", "Owner").model_validate(dict(fields))


def door(settings: Mapping[str, Any]) -> Any:
    """The one door to AWS."""
    return named("aws.door", "Aws")(public("Settings").model_validate(dict(settings)))


def release() -> str:
    """The release that is recorded."""
    return str(named("values.identity", "RELEASE"))


def replace_call(aws: Any, call: Callable[..., Any]) -> Any:
    """Let every AWS call of a door, and of those that are made of it, go through `call`.

    It is an AWS of its own: what the process knows of another is not asked for here.
    """
    place = (object(),)
    aws.__class__ = type("Replaced", (type(aws),), {"place": property(lambda _: place)})
    aws.call = call
    return aws


def missing(service: str, operation: str) -> Exception:
    """The error for what does not exist."""
    text = "not found"
    fault = public("Missing")(doing="looking", service=service, operation=operation, code="Missing", text=text)
    assert isinstance(fault, Exception)
    return fault


def finished(operation: Any, aws: Any, handle: Any) -> Any:
    """The final answer (phase, message, result) about a started operation; None before it has ended."""
    answer = named("operations.watch", "Watch")(operation, handle, 30.0).ask(aws.waiting(5.0))
    return answer if answer.phase.final else None


def register_literals() -> None:
    """Make the values known to flytekit."""
    named("flyte.literals", "register")()


def bound_spec(template: Any, inputs: Any) -> str:
    """The spec that a template and the inputs of a call make, as JSON."""
    binding = named("flyte.binding", "Binding").of_custom(template.custom)
    data = binding.data(named("flyte.binding", "plain_inputs")(inputs))
    return str(load(binding.operation).spec_type.model_validate(data).model_dump_json())


@contextmanager
def all_wait() -> Iterator[list[Any]]:
    """Within, creates wait for their turn in the store beside their outputs; gives what is written there."""
    spool, queue = named("flyte.spool", "Spool"), named("operations.queue", "Queue")
    written: list[Any] = []
    write, directly = spool.write, queue.directly

    def keep(self: Any, document: Any) -> None:
        written.append(document)
        write(self, document)

    spool.write, queue.directly = keep, lambda *_: False
    try:
        yield written
    finally:
        spool.write, queue.directly = write, directly


def journal_of(step: str, call: tuple[str, Any] | None) -> Path:
    """Write the journal of a local run that was left while its first attempt at a step was under way.

    It is of the process, or of the call of a workflow with inputs. Gives where it lies.
    """
    if call is None:
        named("runs.execution", "Execution")().keep(step, 0)
    else:
        with named("runs.execution", "called")(*call) as made:
            made.execution().keep(step, 0)
    return Path(named("runs.journal", "directory")())
