"""One session a profile, and the clients that were warmed are the ones that are used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flytekitplugins_smfs.aws import endpoint, sessions
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import now
from flytekitplugins_smfs.operations.lustre.create import CreateLustre, LustreHandle
from flytekitplugins_smfs.operations.sagemaker import records
from flytekitplugins_smfs.operations.sagemaker.training import Train, TrainingHandle
from flytekitplugins_smfs.operations.watch import Watch
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.operation import Owner, Phase
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm, TrainingSpec
from flytekitplugins_smfs.values.settings import Settings
from tests.conftest import Emulator, wait_for
from tests.operations.driving import ROLE

FILE_SYSTEM = "fs-0123456789abcdef0"
OWNER = Owner(execution="p/d/f1", step="n0")

WARMED = """
import json, sys
import flytekitplugins_smfs.flyte.warm
from flytekitplugins_smfs.aws import endpoint, sessions
from flytekitplugins_smfs.flyte import resource
from flytekitplugins_smfs.flyte.meta import Meta
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import catalog
from flytekitplugins_smfs.values.operation import Owner
from flytekitplugins_smfs.values.lustre.file_system import LustreSpec
from flytekitplugins_smfs.values.sagemaker.training import ImageAlgorithm, TrainingSpec
before = sessions.made()
owner = Owner(execution="p/d/warm", step="n0")
spec = TrainingSpec(name="warm", algorithm=ImageAlgorithm("echo:1", entrypoint=("true",)))
for name, spec in (("training", spec), ("lustre-create", LustreSpec())):
    operation = catalog.load(name)
    handle = operation.start(Aws(settings()).within(4.0), spec, owner)
    meta = Meta(name, handle.model_dump(mode="json"))
    resource.look(meta)
    resource.cancel(meta)
print(json.dumps([before, sessions.made(), len(sessions._sessions)]))
"""


def test_the_first_create_and_the_first_poll_use_the_clients_that_were_warmed(emulator: Emulator) -> None:
    environment = {
        **os.environ,
        "FLYTE_SMFS_ENDPOINT": "emulator",
        "FLYTE_SMFS_EMULATOR_STATE": str(emulator.state),
        "FLYTE_SMFS_ROLE": ROLE,
        "FLYTE_SMFS_AVAILABILITY_ZONE": "us-east-1a",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    done = subprocess.run([sys.executable, "-c", WARMED], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    before, after, kept = json.loads(done.stdout.splitlines()[-1])
    assert before == after > 4
    assert kept == 1  # one botocore session, whose loader holds each service model once


def test_every_client_of_a_profile_shares_one_session() -> None:
    aws = Aws(Settings(endpoint="http://127.0.0.1:9", region="us-east-1"))
    clients = {aws.client("fsx"), aws.quick().client("fsx"), aws.at("eu-west-1").client("fsx"), aws.client("sts")}
    assert len(clients) == 4
    models = {id(aws.client("fsx").meta.service_model._service_description) for _ in range(2)}
    assert len(models) == 1
    assert aws.client("fsx").meta.service_model.metadata is not None
    assert sessions.session(None) is sessions.session(None)


class Nonsense(BaseHTTPRequestHandler):
    """Answers 200 with whatever it is told."""

    body = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    "body", [b"<html>a proxy's page</html>", b"[]", b"{}", b"", b"null", b'{"FileSystems": 3}', b"\xff\xfe{"], ids=repr
)
@pytest.mark.parametrize("operation", ["lustre-create", "training"])
def test_an_answer_of_200_that_cannot_be_read_is_no_end_of_anything(
    body: bytes, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # N3
    for name, value in (("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")):
        monkeypatch.setenv(name, value)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("One", (Nonsense,), {"body": body}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        aws = Aws(Settings(endpoint=f"http://127.0.0.1:{server.server_port}", region="us-east-1"))
        common = {"region": "us-east-1", "owner": OWNER, "started_at": now()}
        handles = {
            "lustre-create": (
                CreateLustre(),
                LustreHandle(file_system_id="fs-0123456789abcdef0", created=True, **common),
            ),
            "training": (Train(), TrainingHandle(job_name="job", **common)),
        }
        watch: Watch = Watch(*handles[operation], 3.0)
        for _ in range(2):
            assert watch.ask(aws.waiting(2.0)).phase == Phase.QUEUED
    finally:
        server.shutdown()
        server.server_close()


def test_an_emulator_that_was_started_elsewhere_or_anew_is_found_again(own_emulator: Emulator) -> None:
    """A notebook lives longer than an emulator."""
    own_emulator.start()
    aws = Aws(Settings(endpoint="emulator", emulator_state=str(own_emulator.state)))
    aws.call("fsx", "DescribeFileSystems", doing="testing")
    first = aws.endpoint.url
    own_emulator.stop()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own_emulator.start("--port", str(port))
    assert own_emulator.env["AWS_ENDPOINT_URL"] != first
    assert aws.call("fsx", "DescribeFileSystems", doing="testing")["FileSystems"] == []
    assert aws.impatient().call("fsx", "DescribeFileSystems", doing="testing")["FileSystems"] == []
    assert aws.endpoint.url == own_emulator.env["AWS_ENDPOINT_URL"]
    spec = TrainingSpec(name="t", algorithm=ImageAlgorithm("echo:1", entrypoint=("true",)), role=ROLE)
    assert Train().start(aws, spec, OWNER).job_name.startswith("t-")
    with pytest.raises(Exception, match="no single default"):
        CreateLustre().start(aws, LustreSpec(), OWNER)


def test_an_emulator_that_was_stopped_stays_so_while_something_is_still_followed(own_emulator: Emulator) -> None:
    own_emulator.start()
    aws = Aws(Settings(endpoint="emulator", emulator_state=str(own_emulator.state)))
    spec = TrainingSpec(name="t", algorithm=ImageAlgorithm("echo:1", entrypoint=("sleep", "60")), role=ROLE)
    handle = Train().start(aws, spec, OWNER)
    watch = Watch(Train(), handle, 3.0)
    wait_for(lambda: watch.ask(aws).phase == Phase.RUNNING, 30)
    own_emulator.stop()
    for _ in range(3):  # what follows it hears nothing any more, and each time looks where it may be now
        moment = time.monotonic()
        wait_for(lambda: view(aws).ask(records.TRAINING, handle.job_name, handle.started_at, 1.0).fault is not None, 30)
        assert watch.ask(aws.waiting(1.0)).phase == Phase.RUNNING
        wait_for(lambda until=moment + endpoint.PAUSE: time.monotonic() > until, 30)
    done = subprocess.run(
        [sys.executable, "-m", "flytekitplugins_smfs.emulator", "status", "--state", str(own_emulator.state)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "not running" in done.stdout
