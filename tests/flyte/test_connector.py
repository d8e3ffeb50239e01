"""The connector over real gRPC, with an operation that the test steers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from flyteidl.core import literals_pb2
from flyteidl.core.execution_pb2 import TaskExecution

from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.operations.catalog import OPERATIONS
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.removal import Removed
from tests.flyte.connecting import Connector
from tests.flyte.fakes import FileOperation, fake_task

SPEC = {"spec": LustreSpec(capacity_gib=2400)}
TASK = fake_task("t")
DECKED = fake_task("decked", enable_deck=True)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fake")


@pytest.fixture(scope="module")
def connector(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connector]:
    environment = {
        "FAKE_STATE": str(state),
        "FLYTE_SMFS_ENDPOINT": "http://127.0.0.1:9",
        "FLYTE_SMFS_REGION": "us-east-1",
        "HOME": str(tmp_path_factory.mktemp("home")),
    }
    one = Connector(environment, ("tests.flyte.served",))
    one.start()
    yield one
    one.kill()


@pytest.fixture
def served(state: Path) -> FileOperation:
    for file in state.iterdir():
        file.unlink()
    return FileOperation(state)


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


# C105, C108
def test_every_operation_is_served_without_being_asked_for(connector: Connector) -> None:
    types = connector.task_types()
    assert {f"smfs-{name}" for name in OPERATIONS} <= set(types)
    assert len(types) == len(set(types))


def test_from_create_to_a_typed_result(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC, name="f1a2", node="n3", attempt=1)
    assert served.calls[0] == "start flytesnacks/development/f1a2 n3 1 2400"
    running = connector.get(TASK, meta)
    assert (running.phase, running.message) == (TaskExecution.RUNNING, "under way")
    assert [(link.name, link.uri) for link in running.log_links] == [("Console", "https://example.com/fake")]  # C37
    served.set("succeed")
    result = connector.result(TASK, connector.get(TASK, meta))
    assert isinstance(result, Removed)
    assert result.removed == ("it",)


def test_the_meta_is_small_plain_json(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC)
    fields = json.loads(meta)
    assert (fields["version"], fields["operation"], fields["handle"]["region"]) == (1, "fake", "us-east-1")
    assert len(meta) < 2048


# C107
def test_a_restart_between_create_and_get_loses_nothing(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC)
    connector.kill()
    connector.start()
    assert connector.get(TASK, meta).phase == TaskExecution.RUNNING
    served.set("succeed")
    assert connector.result(TASK, connector.get(TASK, meta)).removed == ("it",)


@pytest.mark.parametrize(("end", "phase"), [("fail", TaskExecution.FAILED), ("retry", TaskExecution.RETRYABLE_FAILED)])
def test_failures_say_why(connector: Connector, served: FileOperation, end: str, phase: int) -> None:  # C36
    meta = connector.create(TASK, SPEC)
    served.set(end, "AlgorithmError: it broke")
    resource = connector.get(TASK, meta)
    assert (resource.phase, resource.message) == (phase, "AlgorithmError: it broke")


@pytest.mark.parametrize(("end", "phase"), [("fail", TaskExecution.FAILED), ("retry", TaskExecution.RETRYABLE_FAILED)])
def test_a_failure_is_told_again_as_it_was(connector: Connector, served: FileOperation, end: str, phase: int) -> None:
    """What failed is cleaned up, so it looks different the next time; and Flyte may ask once more."""
    meta = connector.create(TASK, SPEC, name=f"again-{end}")
    served.set(end, "no capacity")
    first = connector.get(TASK, meta)
    served.unset(end)
    again = connector.get(TASK, meta)
    assert (first.phase, first.message) == (phase, "no capacity")
    assert (again.phase, again.message, list(again.log_links)) == (phase, "no capacity", list(first.log_links))


# C107
def test_after_a_restart_what_cannot_be_read_most_likely_runs(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC, name="unread")
    assert connector.get(TASK, meta).phase == TaskExecution.RUNNING
    connector.kill()
    served.set("throttled")
    connector.start()
    unread = connector.get(TASK, meta)
    assert (unread.phase, "could not be read just now" in unread.message) == (TaskExecution.RUNNING, True)


# N1
def test_a_delete_that_aws_did_not_take_is_seen_through(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC, node="n8")
    served.set("unreachable")
    with pytest.raises(grpc.RpcError):
        connector.delete(TASK, meta)
    served.unset("unreachable")
    asked = len(served.calls)
    until(lambda: "cancel n8" in served.calls[asked:], 90)


def test_a_get_that_aws_does_not_answer_gives_what_was_known(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC, name="throttled")
    served.set("throttled")
    unknown = connector.get(TASK, meta)
    assert unknown.phase == TaskExecution.QUEUED
    assert "could not be read just now" in unknown.message
    served.unset("throttled")
    connector.get(TASK, meta)
    served.set("throttled")
    known = connector.get(TASK, meta)
    assert known.phase == TaskExecution.RUNNING
    assert [link.name for link in known.log_links] == ["Console"]


# N7
def test_a_wrong_spec_fails_for_good_and_starts_nothing(connector: Connector, served: FileOperation) -> None:
    wrong = {"spec": LustreSpec.model_construct(capacity_gib=1300, deployment_type="PERSISTENT_2")}
    resource = connector.get(TASK, connector.create(TASK, wrong))
    assert resource.phase == TaskExecution.FAILED
    assert "capacity_gib: 1300 GiB is not a capacity" in resource.message
    assert "Traceback" not in resource.message
    assert served.calls == []


# N1, C38
def test_delete_stops_the_work_and_may_come_twice(connector: Connector, served: FileOperation) -> None:
    meta = connector.create(TASK, SPEC, node="n7")
    connector.delete(TASK, meta)
    connector.delete(TASK, meta)
    assert served.calls[-2:] == ["cancel n7", "cancel n7"]


def test_delete_does_not_wait_for_a_slow_end_but_sees_it_through(connector: Connector, served: FileOperation) -> None:
    served.set("stubborn")
    meta = connector.create(TASK, SPEC, node="slow")
    began = time.monotonic()
    connector.delete(TASK, meta)
    assert time.monotonic() - began < 5
    until(lambda: served.calls.count("cancel slow") >= 3)
    served.unset("stubborn")
    asked = served.calls.count("cancel slow")
    until(lambda: served.calls.count("cancel slow") > asked)


def test_delete_of_what_never_started_is_fine(connector: Connector, served: FileOperation) -> None:
    connector.delete(TASK, Meta("fake", problem="it was wrong").encode())
    assert served.calls == []


@pytest.mark.parametrize(
    "meta",
    [
        b"\xff\x00",
        b"[]",
        b"{}",
        b'{"version":1,"operation":"nothing-of-the-kind","handle":{}}',
        b'{"version":1,"operation":"fake","handle":{"region":3}}',
        b'{"version":1,"operation":"fake","handle":[]}',
        b'{"operation":"fake","x":"' + b"y" * (1 << 20) + b'"}',
        b'{"operation":"fake",' + b",".join(b'"k%d":1' % n for n in range(80_000)) + b"}",
    ],
    ids=["bytes", "list", "empty", "operation", "handle", "kind", "megabyte", "fields"],
)
def test_a_meta_that_cannot_be_read_is_a_failure_that_is_told(
    connector: Connector, served: FileOperation, meta: bytes
) -> None:  # N3
    """A get that raises is counted by Flyte for ever; a delete that raises is asked again up to ten times."""
    began = time.monotonic()
    resource = connector.get(TASK, meta)
    assert resource.phase == TaskExecution.FAILED
    assert resource.message
    connector.delete(TASK, meta)
    assert time.monotonic() - began < 4
    assert served.calls == []


def test_a_meta_of_another_release_is_read_as_far_as_it_is_known(
    connector: Connector, served: FileOperation
) -> None:  # N18
    fields = json.loads(connector.create(TASK, SPEC))
    newer = {**fields, "version": 9, "lease": "x", "handle": {**fields["handle"], "version": 9, "zone": "a"}}
    assert connector.get(TASK, json.dumps(newer).encode()).phase == TaskExecution.RUNNING
    connector.delete(TASK, json.dumps(newer).encode())
    assert served.calls[-1].startswith("cancel")


@pytest.mark.parametrize("custom", [{}, {"smfs": "{"}, {"smfs": "[]"}, {"smfs": 3.0}, {"smfs": '{"operation": 3}'}])
def test_a_template_that_cannot_be_read_is_a_failure_that_is_told(
    connector: Connector, served: FileOperation, custom: dict[str, object]
) -> None:  # N3
    """A create that raises costs a retry and shows a traceback."""
    resource = connector.get(TASK, connector.create(TASK, SPEC, custom=custom))
    assert resource.phase == TaskExecution.FAILED
    assert "custom.smfs" in resource.message or "There is no operation" in resource.message
    assert served.calls == []


def test_a_task_with_a_deck_leaves_outputs_and_page(
    connector: Connector, served: FileOperation, tmp_path: Path
) -> None:
    meta = connector.create(DECKED, SPEC, prefix=str(tmp_path))
    served.set("succeed", "done <script>")
    resource = connector.get(DECKED, meta)
    assert resource.phase == TaskExecution.SUCCEEDED
    assert not resource.outputs.literals
    outputs = literals_pb2.LiteralMap.FromString((tmp_path / "outputs.pb").read_bytes())
    assert list(outputs.literals) == ["o0"]
    page = (tmp_path / "deck.html").read_text()
    assert "<html" in page
    assert "done <script>" not in page


def test_a_deck_that_cannot_be_written_does_not_cost_the_result(
    connector: Connector, served: FileOperation, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    meta = connector.create(DECKED, SPEC, prefix=str(tmp_path / "file" / "below"))
    served.set("succeed")
    assert connector.result(DECKED, connector.get(DECKED, meta)).removed == ("it",)


def test_without_metadata_the_output_prefix_stands_for_the_owner(connector: Connector, served: FileOperation) -> None:
    for prefix in ("s3://b/f1/n0/0", "s3://b/f1/n0/0", "s3://b/f1/n0/1"):
        connector.create(TASK, SPEC, prefix=prefix, name="")
    owners = [call.split()[1] for call in served.calls if call.startswith("start ")]
    assert owners[0] == owners[1] != owners[2]
