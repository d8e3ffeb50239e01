"""Several hosts train one model: the first host runs the tracker that the others find each other through."""

import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from xgboost import collective
from xgboost.tracker import RabitTracker

from ..environment import TrainingEnvironment

_PORT = 9099


@contextmanager
def communicator(environment: TrainingEnvironment) -> Iterator[None]:
    """Join the hosts of the job for as long as the block runs. Does nothing for a single host."""
    if len(environment.hosts) == 1:
        yield
        return
    leader, port = _meeting_point(environment)
    tracker = None
    if environment.current_host == environment.hosts[0]:
        tracker = RabitTracker(n_workers=len(environment.hosts), host_ip=leader, port=port)
        tracker.start()
    print(f"INFO:root:Distributed node training with {len(environment.hosts)} hosts: {environment.hosts}", flush=True)
    with collective.CommunicatorContext(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=leader,
        dmlc_tracker_port=port,
        dmlc_task_id=environment.current_host,
    ):
        yield
    if tracker is not None:
        tracker.wait_for()


def _meeting_point(environment: TrainingEnvironment) -> tuple[str, int]:
    """Address and port of the first host. Where hosts have no names, a port of the job's own on loopback."""
    try:
        return socket.gethostbyname(environment.hosts[0]), _PORT
    except socket.gaierror:
        return "127.0.0.1", 20_000 + zlib.crc32(os.environ.get("TRAINING_JOB_NAME", "").encode()) % 10_000
