"""Driving operations to their end, as every face does."""

from __future__ import annotations

import random
import time
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import EXECUTION_TAG, execution_label
from flytekitplugins_smfs.operations.base import Operation
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.operation import Answer, Handle, Owner
from flytekitplugins_smfs.values.sagemaker.channels import TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import BuiltinAlgorithm

ROLE = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole"
BUCKET = "sagemaker-us-east-1-123456789012"


XGBOOST = BuiltinAlgorithm("xgboost", "1.7-1")


def rows(count: int, seed: int) -> bytes:
    """A CSV of count rows: the label first, which is 1 exactly when the first feature is over a half."""
    numbers = random.Random(seed)
    lines = []
    for _ in range(count):
        x, y = numbers.random(), numbers.random()
        lines.append(f"{int(x > 0.5)},{x:.4f},{y:.4f}")
    return ("\n".join(lines) + "\n").encode()


def s3_channels(prefix: str) -> dict[str, Any]:
    return {
        name: TrainingInput(s3_uri=f"{prefix}/{name}/", content_type="text/csv") for name in ("train", "validation")
    }


def finish(operation: Operation[Any, Any, Any], aws: Aws, handle: Handle, seconds: float = 60) -> Answer:
    """Ask until the operation has ended."""
    deadline = time.monotonic() + seconds
    watch: Watch = Watch(operation, handle, 10.0)
    while time.monotonic() < deadline:
        progress = watch.ask(aws.waiting(2.0))
        if progress.phase.final:
            return progress
        time.sleep(0.05)
    raise AssertionError(f"{operation.what(handle)} did not end within {seconds} s; last: {progress}")


def ask(operation: Operation[Any, Any, Any], aws: Aws, handle: Handle) -> Answer:
    """How far it is, as somebody says who was never asked before."""
    watch: Watch = Watch(operation, handle, 10.0)
    return watch.ask(aws.waiting(2.0))


def file_systems_of(aws: Aws, execution: str) -> list[str]:
    """Ids of the file systems that an execution made and that are still there."""
    found = records.file_systems(aws, EXECUTION_TAG, execution_label(execution))
    return [system["FileSystemId"] for system in found]


def cancelled(operation: Operation[Any, Any, Any], aws: Aws, handle: Handle, seconds: float = 30) -> None:
    """Cancel until the operation is seen to have ended."""
    deadline = time.monotonic() + seconds
    while not operation.cancel(aws, handle):
        assert time.monotonic() < deadline, f"{operation.what(handle)} did not stop within {seconds} s"
        time.sleep(0.05)


def succeed(operation: Operation[Any, Any, Any], aws: Aws, spec: Any, owner: Owner) -> Any:
    """Start, wait, and give the result."""
    progress = finish(operation, aws, operation.start(aws, spec, owner))
    assert progress.result is not None, progress.message
    return progress.result
