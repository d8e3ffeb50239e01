"""Several hosts train one model: those that have data find each other through a tracker on the first of them.

As in AWS's public sagemaker-xgboost-container the hosts meet twice: all of them, to tell who has data, and then those
that have some, to train.
"""

import os
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from xgboost import collective
from xgboost.tracker import RabitTracker

from ..environment import TrainingEnvironment

_PORT = 9099


def hosts_with_data(environment: TrainingEnvironment, here: bool) -> list[str]:
    """The hosts of the job that have data, in the order of their names; ``here`` tells whether this one has."""
    if len(environment.hosts) == 1:
        return environment.hosts if here else []
    print(f"INFO:root:Distributed node training with {len(environment.hosts)} hosts: {environment.hosts}", flush=True)
    with communicator(environment, sorted(environment.hosts), meeting=0):
        told = [
            collective.broadcast((environment.current_host, here), rank) for rank in range(collective.get_world_size())
        ]
    return sorted(host for host, has_data in told if has_data)


@contextmanager
def communicator(environment: TrainingEnvironment, hosts: list[str], meeting: int = 1) -> Iterator[None]:
    """Join the given hosts for as long as the block runs. Does nothing for a single host.

    Each meeting has a port of its own, so that who is late for one does not come to the next.
    """
    if len(hosts) == 1:
        yield
        return
    leader, port = _meeting_point(hosts[0])
    tracker = None
    if environment.current_host == hosts[0]:
        tracker = RabitTracker(n_workers=len(hosts), host_ip=leader, port=port + meeting)
        tracker.start()
    with collective.CommunicatorContext(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=leader,
        dmlc_tracker_port=port + meeting,
        dmlc_task_id=environment.current_host,
    ):
        yield
    if tracker is not None:
        tracker.wait_for()


def _meeting_point(host: str) -> tuple[str, int]:
    """Address and port of a host. Where hosts have no names, ports of the job's own on loopback."""
    try:
        return socket.gethostbyname(host), _PORT
    except socket.gaierror:
        return "127.0.0.1", 20_000 + 2 * (zlib.crc32(os.environ.get("TRAINING_JOB_NAME", "").encode()) % 5_000)
