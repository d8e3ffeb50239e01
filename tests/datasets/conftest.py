"""A bucket of each test's own in the emulator, and a way to stand between a client and it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import Emulator
from tests.datasets.between import Between

COUNT = itertools.count()


@pytest.fixture
def aws(emulator: Emulator) -> Aws:
    return Aws(Settings(endpoint="emulator", emulator_state=str(emulator.state), requests_per_second=1000))


@pytest.fixture
def bucket(emulator: Emulator) -> str:
    name = f"datasets-{os.getpid()}-{next(COUNT)}-{time.time_ns()}"
    emulator.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def between(aws: Aws) -> Iterator[Between]:
    """A server in front of the emulator's S3, and `between.aws` that goes through it."""
    with Between(aws) as server:
        yield server


def contents(emulator: Emulator, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Every object under a prefix, by key relative to it."""
    s3: Any = emulator.client("s3")
    start = f"{prefix}/" if prefix else ""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key.removeprefix(start): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
