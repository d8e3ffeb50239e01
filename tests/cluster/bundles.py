"""What a registration sends: the tasks with their commands, and the bundle of code that pods unpack."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.admin.launch_plan_pb2 import LaunchPlan
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.service import dataproxy_pb2
from flyteidl.service.admin_pb2_grpc import AdminServiceServicer, add_AdminServiceServicer_to_server
from flyteidl.service.dataproxy_pb2_grpc import DataProxyServiceServicer, add_DataProxyServiceServicer_to_server

Run = Callable[[list[str], Mapping[str, str]], None]
"""Runs `pyflyte` with these arguments and variables where the project is; fails where it does."""
PROJECT = ("--project", "p", "--domain", "d")


@dataclass
class Registered:
    """What came of one registration or packaging."""

    tasks: list[TaskSpec] = field(default_factory=list)
    plans: list[LaunchPlan] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    code: Path | None = None
    """The bundle, where there is one."""

    def commands(self, distribution: str) -> dict[str, list[str]]:
        """The commands of the container tasks, by name, as propeller fills them in before the inputs are known.

        `package` leaves the bundle's place and the destination to be filled in by `flytectl register`, which takes
        the destination that was packaged unless it is told another.
        """
        filled = {"{{ .remote_package_path }}": distribution, "{{ .dest_dir }}": "/root"}
        found = {}
        for spec in self.tasks:
            if spec.template.HasField("container"):
                args = [filled.get(one, one) for one in spec.template.container.args]
                found[spec.template.id.name] = [distribution if one == native(self.code) else one for one in args]
        return found

    def files(self) -> set[str]:
        """The names in the bundle."""
        assert self.code is not None
        with tarfile.open(self.code) as archive:
            return set(archive.getnames())


def native(code: Path | None) -> str:
    """The address that an admin gives to an uploaded bundle."""
    return f"s3://flyte/{code.name}" if code else ""


class _Admin(AdminServiceServicer):  # type: ignore[misc]
    """Notes what is registered, and nothing else."""

    def __init__(self, seen: Registered) -> None:
        self._seen = seen

    def CreateTask(self, request: Any, context: Any) -> Any:
        spec = TaskSpec()
        spec.CopyFrom(request.spec)
        spec.template.id.CopyFrom(request.id)
        self._seen.tasks.append(spec)
        return task_pb2.TaskCreateResponse()

    def CreateWorkflow(self, request: Any, context: Any) -> Any:
        return workflow_pb2.WorkflowCreateResponse()

    def CreateLaunchPlan(self, request: Any, context: Any) -> Any:
        self._seen.plans.append(LaunchPlan(id=request.id, spec=request.spec))
        return launch_plan_pb2.LaunchPlanCreateResponse()

    def UpdateLaunchPlan(self, request: Any, context: Any) -> Any:
        if request.state == launch_plan_pb2.ACTIVE:
            self._seen.active.append(request.id.name)
        return launch_plan_pb2.LaunchPlanUpdateResponse()


class _Proxy(DataProxyServiceServicer):  # type: ignore[misc]
    """Gives an address to upload to."""

    def __init__(self, address: str) -> None:
        self._address = address

    def CreateUploadLocation(self, request: Any, context: Any) -> Any:
        url = f"{self._address}/{request.filename}"
        return dataproxy_pb2.CreateUploadLocationResponse(signed_url=url, native_url=f"s3://flyte/{request.filename}")


@contextmanager
def _uploads(into: Path) -> Iterator[str]:
    """A place to PUT files to; they lie in `into`."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            (into / Path(self.path).name).write_bytes(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def admin(into: Path) -> Iterator[tuple[Registered, dict[str, str]]]:
    """An admin to register with: what it was told, and the environment that leads `pyflyte` to it."""
    seen = Registered()
    with _uploads(into) as address:
        server = grpc.server(ThreadPoolExecutor(4))
        add_AdminServiceServicer_to_server(_Admin(seen), server)
        add_DataProxyServiceServicer_to_server(_Proxy(address), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield seen, {"FLYTE_PLATFORM_URL": f"127.0.0.1:{port}", "FLYTE_PLATFORM_INSECURE": "true"}
        finally:
            server.stop(None).wait()
    seen.code = next(into.glob("*.tar.gz"), None)


def register(run: Run, into: Path, *options: str) -> Registered:
    """`pyflyte register` with these options and packages."""
    with admin(into) as (seen, reach):
        run(["register", *PROJECT, "--image", "example:1", *options], reach)
    return seen


def package(run: Run, into: Path, packages: str, *options: str, output: str = "") -> Registered:
    """`pyflyte package` of `packages`, which needs no cluster. `output` is what `into` is called where it runs."""
    file = f"{output or into}/flyte.tgz"
    run(["--pkgs", packages, "package", "--image", "example:1", "-o", file, *options], {})
    seen = Registered()
    with tarfile.open(into / "flyte.tgz") as archive:
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            if member.name.endswith(".tar.gz"):
                seen.code = into / member.name
                seen.code.write_bytes(stream.read())
            elif member.name.endswith("_1.pb"):
                seen.tasks.append(TaskSpec.FromString(stream.read()))
            elif member.name.endswith("_3.pb"):
                seen.plans.append(LaunchPlan.FromString(stream.read()))
    return seen


def here(directory: Path, home: Path) -> Run:
    """This environment's `pyflyte` in a directory, with nothing of this machine's settings."""

    def run(arguments: list[str], reach: Mapping[str, str]) -> None:
        bare = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": os.environ["TMPDIR"], **reach}
        command = [str(Path(sys.executable).with_name("pyflyte")), *arguments]
        done = subprocess.run(command, cwd=directory, env=bare, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr

    return run
