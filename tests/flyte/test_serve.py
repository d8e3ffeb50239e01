"""`smfs connector`: what a platform team sees of it. N20"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from flyteidl.core.execution_pb2 import TaskExecution
from grpc_health.v1 import health_pb2

from flytekitplugins_smfs.aws import observed
from flytekitplugins_smfs.flyte.metrics import UNREACHED, Reach
from flytekitplugins_smfs.values.errors import AwsFault, Credentials, Denied, Throttled, Transient
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from tests.conftest import wait_for
from tests.flyte.connecting import Service, free_port
from tests.flyte.fakes import FileOperation, fake_task

SPEC = {"spec": LustreSpec(capacity_gib=2400, tags={"secret": "hunter2"})}
TASK = fake_task("t")
HEALTH = health_pb2.HealthCheckResponse


class Refusing(BaseHTTPRequestHandler):
    """An AWS that answers, if only with a refusal."""

    def do_POST(self) -> None:
        self.send_response(403)
        self.end_headers()
        self.wfile.write(
            b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        )

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def environment(directory: Path, endpoint: str) -> dict[str, str]:
    (directory / "fake").mkdir()
    return {
        "FAKE_STATE": str(directory / "fake"),
        "FLYTE_SMFS_ENDPOINT": endpoint,
        "FLYTE_SMFS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-to-be-seen",
        "HOME": str(directory),
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def connector(place: Path, aws: str) -> Iterator[Service]:
    one = Service(environment(place, aws), ("tests.flyte.served",), log=place / "log")
    one.start()
    yield one
    one.kill()


@pytest.fixture
def served(place: Path, connector: Service) -> FileOperation:
    for file in (place / "fake").iterdir():
        file.unlink()
    return FileOperation(place / "fake")


def lines(log: Path, execution: str) -> list[dict[str, Any]]:
    """What the log says of an execution; every line of it is JSON."""
    every = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in every if line.get("execution", "").endswith(f"/{execution}")]


def metric(connector: Service, line: str) -> float:
    """The value of one series, such as `smfs_polls_total{operation="fake",phase="running"}`; 0 where it is not."""
    with urllib.request.urlopen(connector.metrics, timeout=10) as answer:
        text = answer.read().decode()
    found = [one for one in text.splitlines() if one.startswith(line + " ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def test_a_line_for_each_create_end_and_delete_and_no_secrets(
    connector: Service, served: FileOperation, place: Path
) -> None:
    meta = connector.create(TASK, SPEC, name="logged", node="n4", attempt=2)
    connector.get(TASK, meta)
    connector.delete(TASK, meta)
    served.set("fail", "AlgorithmError: it broke")
    assert connector.get(TASK, meta).phase == TaskExecution.FAILED
    wait_for(lambda: len(lines(place / "log", "logged")) == 3)
    create, delete, end = lines(place / "log", "logged")
    assert [line["event"] for line in (create, delete, end)] == ["create", "delete", "end"]
    for line in (create, delete, end):
        assert (line["operation"], line["step"], line["attempt"]) == ("fake", "n4", 2)
        assert (line["resource"], line["region"]) == ("fake work of n4", "us-east-1")
        assert line["seconds"] >= 0
    assert (end["phase"], end["problem"], end["level"]) == ("failed", "AlgorithmError: it broke", "warning")
    text = (place / "log").read_text()
    assert "hunter2" not in text
    assert "not-to-be-seen" not in text


def test_a_create_that_is_refused_is_logged_with_its_reason(
    connector: Service, served: FileOperation, place: Path
) -> None:
    wrong = {"spec": LustreSpec.model_construct(capacity_gib=1300, deployment_type="PERSISTENT_2")}
    connector.create(TASK, wrong, name="refused")
    wait_for(lambda: len(lines(place / "log", "refused")) == 1)
    (line,) = lines(place / "log", "refused")
    assert (line["event"], line["level"]) == ("create", "warning")
    assert "1300 GiB is not a capacity" in line["problem"]


def test_its_metrics(connector: Service, served: FileOperation) -> None:
    polls = 'smfs_polls_total{operation="fake",phase="running"}'
    before = metric(connector, polls)
    meta = connector.create(TASK, SPEC, name="counted")
    connector.get(TASK, meta)
    connector.get(TASK, meta)
    assert metric(connector, polls) == before + 2
    assert metric(connector, 'smfs_operations{operation="fake",phase="running"}') == 1
    assert metric(connector, 'smfs_creates_total{operation="fake",outcome="started"}') >= 1
    served.set("succeed")
    connector.get(TASK, meta)
    assert metric(connector, 'smfs_ends_total{operation="fake",phase="succeeded"}') == 1
    assert metric(connector, 'smfs_operations{operation="fake",phase="running"}') == 0
    assert metric(connector, "smfs_aws_reachable") == 1
    with urllib.request.urlopen(connector.metrics, timeout=10) as answer:
        text = answer.read().decode()
    assert re.search(r'smfs_aws_calls_total\{operation="\w+",outcome="denied",service="\w+"\} [1-9]', text), text
    assert "smfs_build_info{version=" in text
    assert "flyte_connector_requests_success_total" in text


def test_it_is_ready_while_aws_answers_whatever_it_answers(connector: Service) -> None:
    wait_for(lambda: connector.ready() == HEALTH.SERVING)
    assert connector.ready("") == HEALTH.SERVING
    assert connector.ready("flyteidl.service.AsyncAgentService") == HEALTH.SERVING


def test_without_an_answer_of_aws_it_lives_and_is_not_ready(tmp_path: Path) -> None:
    one = Service(environment(tmp_path, f"http://127.0.0.1:{free_port()}"), log=tmp_path / "log")
    one.start()
    try:
        wait_for(lambda: one.ready() == HEALTH.NOT_SERVING)
        assert one.ready("") == HEALTH.SERVING
        assert metric(one, "smfs_aws_reachable") == 0
        assert "AWS does not answer" in (tmp_path / "log").read_text()
    finally:
        one.kill()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def fault(kind: type[AwsFault]) -> AwsFault:
    return kind(doing="asking", service="sts", operation="GetCallerIdentity", code="Code", text="so it is")


@pytest.mark.parametrize(
    ("kind", "answers"), [(None, True), (Denied, True), (Throttled, True), (Transient, False), (Credentials, False)]
)
def test_what_counts_as_an_answer(kind: type[AwsFault] | None, answers: bool) -> None:
    clock = Clock()
    reach = Reach(clock)
    assert not reach.good
    reach.hear(observed.Call("sts", "GetCallerIdentity", 0.1, None))
    clock.now += UNREACHED
    assert not reach.good
    reach.hear(observed.Call("sts", "GetCallerIdentity", 0.1, fault(kind) if kind else None))
    assert reach.good is answers


def test_sigterm_lets_calls_end_and_refuses_new_ones(tmp_path: Path, aws: str) -> None:
    one = Service(environment(tmp_path, aws), ("tests.flyte.served",), log=tmp_path / "log")
    one.start()
    assert one.process is not None
    served = FileOperation(tmp_path / "fake")
    served.set("slow")
    made: list[bytes] = []
    creating = threading.Thread(target=lambda: made.append(one.create(TASK, SPEC, name="late")))
    try:
        creating.start()
        wait_for(lambda: served.calls == ["start flytesnacks/development/late n0 0 2400"])
        one.process.send_signal(signal.SIGTERM)
        wait_for(lambda: refused(one))
        served.unset("slow")
        creating.join(20)
        assert json.loads(made[0])["operation"] == "fake"
        assert one.process.wait(20) == 0
        assert json.loads((tmp_path / "log").read_text().splitlines()[-1])["event"] == "stop"
    finally:
        one.kill()


def refused(connector: Service) -> bool:
    with grpc.insecure_channel(connector.address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=0.5)
        except grpc.FutureTimeoutError:
            return True
    return False


def test_missing_settings_and_a_taken_port_are_told_in_a_line(tmp_path: Path, connector: Service) -> None:
    smfs = Path(sys.executable).with_name("smfs")
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([smfs, "connector"], capture_output=True, text=True, env=bare, timeout=60, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "FLYTE_SMFS_ENDPOINT" in done.stderr
    (tmp_path / "more").mkdir()
    taken = connector.address.rpartition(":")[2]
    done = subprocess.run(
        [smfs, "connector", "--port", taken, "--metrics-port", str(free_port())],
        capture_output=True,
        text=True,
        env=bare | environment(tmp_path / "more", "http://127.0.0.1:9"),
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"Port {taken} cannot be had" in done.stderr
    assert "Traceback" not in done.stderr
