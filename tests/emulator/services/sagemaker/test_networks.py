"""The network that the hosts of a job share."""

import http.server
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from flytekitplugins_smfs.emulator.containers.walls import available
from tests.conftest import Emulator, wait_for
from tests.emulator.containers.test_walls import wheel

from .jobs import Jobs, statuses, unique

TWO = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
MEET = (
    "import os, socket, sys, time; me = os.environ['SM_CURRENT_HOST']; peer = {'algo-1': 'algo-2'}.get(me, 'algo-1'); "
    "door = socket.create_server((me, 29500)); until = time.time() + 20\n"
    "while True:\n"
    "    try:\n"
    "        with socket.create_connection((peer, 29500), 5): break\n"
    "    except OSError:\n"
    "        assert time.time() < until; time.sleep(0.05)\n"
    "other, _ = door.accept()\n"
    "print(me, 'met', peer, flush=True)\n"
)
AWS = (
    "import boto3, os\n"
    "boto3.client('s3').list_buckets()\n"
    "print('role', boto3.client('sts').get_caller_identity()['Arn'].split('/')[1], flush=True)\n"
)

private_only = pytest.mark.skipif(not available().networks, reason="this system allows no private network")


@pytest.fixture
def jobs(emulator: Emulator) -> Jobs:
    return Jobs(emulator)


@pytest.fixture
def outside() -> Iterator[int]:
    """The port of a server on this machine that is none of a job's affair."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def python(jobs: Jobs, code: str, **changes: object) -> dict[str, object]:
    """A job of two hosts that run Python code."""
    channel = jobs.channel("code", jobs.put(f"{unique('code')}/run.py", code.encode()).rpartition("/")[0] + "/")
    return jobs.shell(
        "python $SM_CHANNEL_CODE/run.py", **{"ResourceConfig": TWO, "InputDataConfig": [channel], **changes}
    )


def outputs(jobs: Jobs, done: dict[str, object]) -> list[list[str]]:
    return [jobs.lines(str(done["TrainingJobName"]), host) for host in ("algo-1", "algo-2")]


@private_only
def test_hosts_reach_each_other_and_aws_and_nothing_else(jobs: Jobs, outside: int) -> None:
    probe = (
        "import socket\n"
        f"for address in (('127.0.0.1', {outside}), ('192.0.2.1', 80)):\n"
        "    with socket.socket() as s:\n"
        "        s.settimeout(3); print('outside', s.connect_ex(address) == 0, flush=True)\n"
        "print([name for _, name in socket.if_nameindex()], flush=True)\n"
    )
    done = jobs.run(python(jobs, MEET + AWS + probe))
    assert done["TrainingJobStatus"] == "Completed", (done, outputs(jobs, done))
    for lines, me, peer in zip(outputs(jobs, done), ("algo-1", "algo-2"), ("algo-2", "algo-1"), strict=True):
        assert lines[:4] == [f"{me} met {peer}", "role AmazonSageMaker-ExecutionRole", *["outside False"] * 2]
        assert "eth0" not in lines[4]
        assert "'lo'" in lines[4]


@private_only
def test_two_jobs_listen_at_the_same_place(jobs: Jobs) -> None:
    code = "import socket; everywhere = socket.create_server(('', 29600 + int(me[-1])))\n" + MEET.replace(
        "print(", "time.sleep(1); print("
    )
    code = MEET.split("door")[0] + "\n" + code
    names = [jobs.start(python(jobs, code)) for _ in range(2)]
    assert [jobs.ended(name)["TrainingJobStatus"] for name in names] == ["Completed"] * 2


@private_only
def test_an_isolated_cluster_has_its_peers_alone(jobs: Jobs) -> None:
    code = "import urllib.parse as p, os; u = p.urlparse(os.environ['AWS_ENDPOINT_URL'])\n"
    code += "print(socket.socket().connect_ex((u.hostname, u.port)) == 0, flush=True)\n"
    done = jobs.run(python(jobs, MEET + code, EnableNetworkIsolation=True))
    assert done["TrainingJobStatus"] == "Completed", (done, outputs(jobs, done))
    assert outputs(jobs, done) == [["algo-1 met algo-2", "False"], ["algo-2 met algo-1", "False"]]


def test_hosts_on_this_machines_network_have_addresses_of_their_own(jobs: Jobs, outside: int) -> None:
    with jobs.emulator.changed_settings(training_private_network=False):
        probe = f"print(socket.socket().connect_ex(('127.0.0.1', {outside})))\n"
        names = [jobs.start(python(jobs, MEET + AWS + probe)) for _ in range(2)]
        ended = [jobs.ended(name) for name in names]
    for done in ended:
        assert done["TrainingJobStatus"] == "Completed", (done, outputs(jobs, done))
        assert [lines[2] for lines in outputs(jobs, done)] == ["0", "0"]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A package index on this machine: its URL, and the name of a package in it."""
    name = unique("smfs_relayed").replace("-", "_")
    directory = tmp_path / "index/simple" / name.replace("_", "-")
    directory.mkdir(parents=True)
    file = wheel(directory, name).name
    (directory / "index.html").write_text(f'<a href="{file}">{file}</a>')

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "index"), **options)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/simple", name
        server.shutdown()


@private_only
def test_pip_installs_from_its_index(
    own_emulator: Emulator, index: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, name = index
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    own_emulator.start()
    jobs = Jobs(own_emulator)
    script = f"pip install -q --disable-pip-version-check {name}; python -c 'import {name}; print({name}.ANSWER)'"
    done = jobs.run(jobs.shell(script, ResourceConfig=TWO))
    assert done["TrainingJobStatus"] == "Completed", (done, outputs(jobs, done))
    assert [lines[-1] for lines in outputs(jobs, done)] == ["42", "42"]


@private_only
def test_a_job_whose_network_is_lost_begins_again(own_emulator: Emulator) -> None:
    own_emulator.start()
    jobs = Jobs(own_emulator)
    request = python(jobs, MEET + "time.sleep(0 if os.path.exists('/opt/ml/checkpoints/2') else 60)\n")
    request["CheckpointConfig"] = {"S3Uri": jobs.url("seen")}
    name = jobs.start({**request, "RetryStrategy": {"MaximumRetryAttempts": 1}})
    for host in ("algo-1", "algo-2"):
        wait_for(lambda host=host: any("met" in line for line in jobs.lines(name, host)), 30)
    relays = [p for p in own_emulator.processes() if b"relay" in Path(f"/proc/{p['pid']}/cmdline").read_bytes()]
    assert len(relays) == 1
    jobs.put("seen/2", b"")
    os.kill(relays[0]["pid"], signal.SIGKILL)
    done = jobs.ended(name)
    assert done["TrainingJobStatus"] == "Completed", (done, outputs(jobs, done))
    assert statuses(done).count("Restarting") == 1
    wait_for(lambda: not own_emulator.processes())


@private_only
def test_a_network_ends_with_its_hosts_while_the_server_is_away(own_emulator: Emulator) -> None:
    own_emulator.start()
    jobs = Jobs(own_emulator)
    name = jobs.start(python(jobs, MEET + "time.sleep(2)\n"))
    for host in ("algo-1", "algo-2"):
        wait_for(lambda host=host: any("met" in line for line in jobs.lines(name, host)), 30)
    pids = [process["pid"] for process in own_emulator.processes()]
    assert len(pids) == 3
    os.kill(own_emulator.server["pid"], signal.SIGKILL)
    wait_for(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()], 20)
    own_emulator.start()
    assert Jobs(own_emulator).ended(name)["TrainingJobStatus"] == "Completed"
    assert list((own_emulator.state / "processes").iterdir()) == []
