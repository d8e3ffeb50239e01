"""The connector as a service: flytekit's own gRPC services, with health that knows AWS, metrics, a log, and an orderly
end. `pyflyte serve connector` serves the same, and can be made neither unready nor to end in order."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence

import grpc
from flyteidl.service import agent_pb2
from flyteidl.service.agent_pb2_grpc import (
    add_AgentMetadataServiceServicer_to_server,
    add_AsyncAgentServiceServicer_to_server,
    add_SyncAgentServiceServicer_to_server,
)
from flytekit.extend.backend.connector_service import (
    AsyncConnectorService,
    ConnectorMetadataService,
    SyncConnectorService,
)
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import start_http_server

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.flyte import metrics
from flytekitplugins_smfs.flyte.config import settings
from flytekitplugins_smfs.values.errors import SmfsError

READY = "smfs.ready"
"""The service of gRPC's health protocol that says whether this replica is to be given work: a readiness probe asks for
it. The empty one and Flyte's say that the process lives."""
LOOK = 2.0
"""Seconds between two looks at whether AWS answers."""
ASK = 10.0
"""Seconds without a call after which AWS is asked for that alone."""
DRAIN = 5.0
"""Seconds between being unready and refusing calls, in which Kubernetes takes the address away."""
GRACE = 20.0
"""Seconds that calls which are under way have at the end."""
OPTIONS = (
    ("grpc.so_reuseport", 0),  # otherwise two servers share a port without a word
    ("grpc.max_connection_age_ms", 300_000),  # who resolves names only for a new connection finds new replicas so
    ("grpc.max_connection_age_grace_ms", 60_000),
)
_log = logging.getLogger(__name__)


def serve(port: int, metrics_port: int, modules: Sequence[str], drain: float = DRAIN) -> None:
    """Serve until SIGTERM or Ctrl-C; a second one ends at once. Raises SettingsError before anything is served."""
    metrics.install()
    importlib.import_module("flytekitplugins_smfs.flyte.warm")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    for module in modules:
        importlib.import_module(module)
    asyncio.run(_served(port, metrics_port, drain))


async def _served(port: int, metrics_port: int, drain: float) -> None:
    server = grpc.aio.server(options=OPTIONS)
    add_AsyncAgentServiceServicer_to_server(AsyncConnectorService(), server)
    add_SyncAgentServiceServicer_to_server(SyncConnectorService(), server)
    add_AgentMetadataServiceServicer_to_server(ConnectorMetadataService(), server)
    said = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(said, server)
    for name in ("", *(one.full_name for one in agent_pb2.DESCRIPTOR.services_by_name.values())):
        await said.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        server.add_insecure_port(f"[::]:{port}")
    except RuntimeError as error:
        raise SmfsError(f"Port {port} cannot be had: give another with --port.") from error
    try:
        start_http_server(metrics_port)
    except OSError as error:
        raise SmfsError(f"Port {metrics_port} cannot be had ({error}): give another with --metrics-port.") from error
    await server.start()
    _log.info("serving", extra={"fields": {"event": "start", "port": port, "metrics_port": metrics_port}})
    ended = _ending()
    watching = asyncio.create_task(_watch(said))
    await ended.wait()
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    await said.set(READY, health_pb2.HealthCheckResponse.NOT_SERVING)
    await asyncio.sleep(drain)
    await server.stop(GRACE)
    _log.info("ended", extra={"fields": {"event": "stop"}})


def _ending() -> asyncio.Event:
    """Set by the first signal; the second one ends the process as if nobody listened."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def end(number: int) -> None:
        ended.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, functools.partial(end, number))
    return ended


async def _watch(said: health.aio.HealthServicer) -> None:
    """Say whether AWS answers, until cancelled."""
    was: bool | None = None
    while True:
        await asyncio.to_thread(ask_if_quiet)
        good = metrics.REACH.good
        if good is not was:
            answer = health_pb2.HealthCheckResponse
            await said.set(READY, answer.SERVING if good else answer.NOT_SERVING)
            level = logging.INFO if good else logging.ERROR
            text = "AWS answers" if good else "AWS does not answer: this replica is not ready"
            _log.log(level, text, extra={"fields": {"event": "ready" if good else "unready", "message": text}})
            was = good
        await asyncio.sleep(LOOK)


def ask_if_quiet() -> None:
    """Ask AWS who we are, which every role may, if nothing else was asked lately."""
    if metrics.REACH.silence < ASK:
        return
    try:
        Aws(settings()).bystander().impatient().call("sts", "GetCallerIdentity", doing="asking whether AWS answers")
    except Exception as error:  # noqa: BLE001 - whatever it is, the next look may go well
        _log.debug("AWS did not answer: %s", error)
