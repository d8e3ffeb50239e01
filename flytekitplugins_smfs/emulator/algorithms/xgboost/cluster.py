"""Several hosts train one model: the first host runs the tracker that the others find each other through."""

import socket
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
    leader = socket.gethostbyname(environment.hosts[0])
    tracker = None
    if environment.current_host == environment.hosts[0]:
        tracker = RabitTracker(n_workers=len(environment.hosts), host_ip=leader, port=_PORT)
        tracker.start()
    print(f"INFO:root:Distributed node training with {len(environment.hosts)} hosts: {environment.hosts}", flush=True)
    with collective.CommunicatorContext(
        dmlc_communicator="rabit",
        dmlc_tracker_uri=leader,
        dmlc_tracker_port=_PORT,
        dmlc_task_id=environment.current_host,
    ):
        yield
    if tracker is not None:
        tracker.wait_for()
