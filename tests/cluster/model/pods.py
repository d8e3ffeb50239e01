"""Container tasks as subprocesses: the image is an environment of Python, and each pod has a directory of its own.

What a pod is not here: its root file system is this machine's, so that the destination of the code, `/root` or the
image's working directory, is the pod's directory instead; it has no limits, no image pull and no node.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flyteidl.core.errors_pb2 import ErrorDocument
from flyteidl.core.execution_pb2 import ExecutionError, TaskExecution

from tests.cluster.model.store import Store
from tests.cluster.model.works import Order, State, failure_of, rendered

HOMES = ("/root", "/home/flyte", ".")


@dataclass
class Image:
    """What stands for the image: its programs, its environment, and who runs it."""

    programs: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: int | None = None


class Pods:
    """Pods of this cluster."""

    def __init__(self, image: Image, store: Store, given: Mapping[str, str], most: int = 4) -> None:
        self._image, self._store, self._given = image, store, given
        self._room = threading.Semaphore(most)
        self._place = Path(tempfile.mkdtemp(prefix="pods-"))
        self._place.chmod(0o755)
        self._started: list[PodWork] = []

    def close(self) -> None:
        """No pod outlives the cluster."""
        for pod in self._started:
            pod.end()
        shutil.rmtree(self._place, ignore_errors=True)

    def start(self, order: Order) -> PodWork:
        """A pod waits for room: a cluster has so many places."""
        pod = PodWork(self._place, self._image, self._given, self._room, order, self._store)
        self._started.append(pod)
        return pod


class PodWork:
    """A pod's."""

    def __init__(
        self,
        place: Path,
        image: Image,
        given: Mapping[str, str],
        room: threading.Semaphore,
        order: Order,
        store: Store,
    ) -> None:
        self._image, self._given, self._room = image, given, room
        self._order, self._store = order, store
        self._home = Path(tempfile.mkdtemp(prefix="pod-", dir=place))
        if image.user is not None:
            os.chown(self._home, image.user, 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def look(self) -> State | None:
        if self._process is None:
            if not self._room.acquire(blocking=False):
                return State(TaskExecution.QUEUED, "0/1 nodes are available")
            self._process = self._started()
            return State(TaskExecution.RUNNING)
        code = self._process.poll()
        if code is None:
            return State(TaskExecution.RUNNING)
        self.forget()
        return self._outcome(code)

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self._process.wait()
        self.forget()

    def forget(self) -> None:
        if self._process is not None and not self._ended:
            self._ended = True
            self._room.release()

    def log(self) -> str:
        """What it printed."""
        return (self._home / ".log").read_text(errors="replace") if (self._home / ".log").exists() else ""

    def _signal(self, number: int) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:  # it ended meanwhile
            return

    def _started(self) -> subprocess.Popen[bytes]:
        container = rendered(self._order).container
        arguments = [*container.command, *container.args]
        for number, argument in enumerate(arguments):
            if arguments[number - 1] == "--dest-dir" and argument in HOMES:
                arguments[number] = str(self._home)
        task = self._order.metadata.task_execution_id
        run = task.node_execution_id.execution_id
        environment = {
            "PATH": f"{self._image.programs}:{os.environ['PATH']}",
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "LANG": "C.UTF-8",
            **self._image.environment,
            **self._given,
            **{one.key: one.value for one in container.env},
            **self._order.environment,
            "FLYTE_INTERNAL_EXECUTION_ID": run.name,
            "FLYTE_INTERNAL_EXECUTION_PROJECT": run.project,
            "FLYTE_INTERNAL_EXECUTION_DOMAIN": run.domain,
            "FLYTE_INTERNAL_TASK_PROJECT": task.task_id.project,
            "FLYTE_INTERNAL_TASK_DOMAIN": task.task_id.domain,
            "FLYTE_INTERNAL_TASK_NAME": task.task_id.name,
            "FLYTE_INTERNAL_TASK_VERSION": task.task_id.version,
            "FLYTE_ATTEMPT_NUMBER": str(task.retry_attempt),
        }
        with (self._home / ".log").open("wb") as log:
            return subprocess.Popen(
                arguments,
                env=environment,
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._image.user,
            )

    def _outcome(self, code: int) -> State:
        """What it wrote counts; where it wrote nothing, its exit code."""
        document = self._store.read(f"{self._order.prefix}/error.pb", ErrorDocument)
        if document is not None:
            return failure_of(document)
        if code == 0:
            return State(TaskExecution.SUCCEEDED)
        last = "\n".join(self.log().splitlines()[-40:])
        said = f"[1/1] currentAttempt done. Last Error: USER::Pod failed. Exit code {code}.\n{last}"
        error: Any = ExecutionError(code="Error", message=said, kind=ExecutionError.USER)
        return State(TaskExecution.RETRYABLE_FAILED, said, error=error)
