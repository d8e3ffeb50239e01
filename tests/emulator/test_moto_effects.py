"""What moto remembers over a restart, told by what a request did and not by its name."""

import sqlite3
import time

import pytest

from flytekitplugins_smfs.emulator.moto_effects import Effects
from tests.conftest import Emulator
from tests.emulator.services.fsx.test_file_system import refused
from tests.emulator.services.iam.trust import TRUST


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "123456789012")


def test_an_operation_that_begins_with_get_and_makes_something_has_changed_it() -> None:
    from moto.backends import get_backend

    backend = get_backend("connectcampaigns")["123456789012"]["us-east-1"]
    effects = Effects("123456789012")
    operation = "GetConnectInstanceConfig"
    mark = effects.before("connect-campaigns", operation)
    assert not effects.changed(mark, operation)
    backend.get_connect_instance_config("i")
    assert effects.changed(mark, operation)


def test_the_name_tells_where_it_can(emulator: Emulator) -> None:
    effects = Effects("123456789012")
    assert effects.before("ec2", "DescribeVpcs") is None
    assert effects.before("lambda", "ListFunctions", "GET") is None
    assert effects.before("lambda", "InvokeSomehow", "GET") is not None
    assert not effects.changed(None, "DescribeVpcs")
    assert effects.changed(None, "CreateVpc")


def test_what_get_has_made_is_made_again_at_a_restart(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    campaigns = running.client("connectcampaigns")
    for _ in range(3):
        campaigns.get_connect_instance_config(connectInstanceId="made")
        running.client("ecr").get_authorization_token()
    assert refused(campaigns.get_instance_onboarding_job_status, connectInstanceId="made")["Code"]
    running.stop()
    with sqlite3.connect(running.state / "state.db") as database:
        targets = [target for (target,) in database.execute("SELECT target FROM moto_journal ORDER BY seq")]
    database.close()
    assert [target for target in targets if "connect" in target] == ["/connect-instance/made/config"]


def test_reads_of_iam_leave_the_journal_alone_and_are_fast(own_emulator: Emulator) -> None:
    running = own_emulator.start()
    running.settings(journal_kept=1)
    iam = running.client("iam")
    began = time.monotonic()
    for _ in range(20):
        iam.get_role(RoleName="AmazonSageMaker-ExecutionRole")
    assert (time.monotonic() - began) / 20 < 0.5
    error = refused(iam.create_role, RoleName="one-more", AssumeRolePolicyDocument=TRUST)
    assert error["Code"] == "LimitExceeded"
    assert "journal_kept" in error["Message"]


@pytest.mark.parametrize(
    ("service", "call", "words"),
    [
        ("cloudformation", "list_stacks", "Python package openapi_spec_validator"),
        ("rekognition", "list_collections", "nothing here does that work"),
        ("ec2", "describe_spot_datafeed_subscription", "in this form"),
    ],
)
def test_what_is_not_there_is_refused_with_the_real_reason(
    emulator: Emulator, service: str, call: str, words: str
) -> None:
    error = refused(getattr(emulator.client(service), call))
    assert error["Code"] == "NotImplementedByEmulator"
    assert words in error["Message"]


def test_old_log_events_are_dropped(own_emulator: Emulator) -> None:
    running = own_emulator.start("--set", "log_events_kept=150")
    logs = running.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(time.time() * 1000)
    for batch in range(10):
        events = [{"timestamp": now, "message": f"{batch} {n}"} for n in range(50)]
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    left = logs.filter_log_events(logGroupName="g")["events"]
    assert 150 <= len(left) <= 450
    assert left[-1]["message"] == "9 49"
