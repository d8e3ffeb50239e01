"""Every recorded call says whose key signed it."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from flytekitplugins_smfs.emulator.calls import Calls
from flytekitplugins_smfs.emulator.clock import Clock
from flytekitplugins_smfs.emulator.store import Store
from tests.conftest import Emulator


def test_a_call_tells_the_key_that_signed_it(emulator: Emulator) -> None:
    iam, name = emulator.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    ours, theirs = emulator.env["AWS_ACCESS_KEY_ID"], key["AccessKeyId"]
    env = {"AWS_ACCESS_KEY_ID": theirs, "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    other = Emulator(emulator.state, {**emulator.env, **env})
    since = emulator.last_call()
    for one in (emulator, other):
        one.client("fsx").describe_file_systems()  # the emulator's own
        one.client("ec2").describe_vpcs()  # passed on
        with pytest.raises(ClientError, match=r"ResourceNotFound|not found|does not exist"):
            one.client("sagemaker").describe_training_job(TrainingJobName=f"none-{name}")
    calls = [call for call in emulator.calls(since) if call["caller"] in (ours, theirs)]
    for caller in (ours, theirs):
        mine = [call["operation"] for call in calls if call["caller"] == caller]
        assert {"DescribeFileSystems", "DescribeVpcs", "DescribeTrainingJob"} <= set(mine)


def test_a_record_that_has_no_callers_goes_on(tmp_path: Path) -> None:
    """As 0.2.0 left it."""
    path = tmp_path / "calls.sqlite"
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE calls (seq INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, service TEXT NOT NULL,"
        " operation TEXT NOT NULL, request TEXT NOT NULL, error TEXT);"
        "INSERT INTO calls (time, service, operation, request) VALUES (1.0, 'fsx', 'DescribeFileSystems', '{}');"
    )
    old.close()
    store = Store(tmp_path / "state.sqlite")
    for _ in range(2):  # the second time there is nothing to add
        calls = Calls(path, Clock(store), lambda: 1000)
        calls.add("fsx", "DescribeFileSystems", {}, None, "AKIAEXAMPLE")
        calls.close()
    calls = Calls(path, Clock(store), lambda: 1000)
    assert [call["caller"] for call in calls.since(0)] == [None, "AKIAEXAMPLE", "AKIAEXAMPLE"]
    calls.close()
    store.close()
