"""What a connector and a flyteadmin say of themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import grpc
from flyteidl.admin import agent_pb2, project_pb2, version_pb2
from flyteidl.service.admin_pb2_grpc import AdminServiceStub
from flyteidl.service.agent_pb2_grpc import AgentMetadataServiceStub
from flyteidl.service.dataproxy_pb2 import CreateUploadLocationRequest
from flyteidl.service.dataproxy_pb2_grpc import DataProxyServiceStub
from flytekit.clients.auth_helper import get_channel, upgrade_channel_to_authenticated
from flytekit.configuration import PlatformConfig

from flytekitplugins_smfs.cli.cluster.findings import Finding, listed

TESTED = (1, 16)
"""The release of Flyte whose rules these tasks are held to."""
_PATIENCE = 10.0
"""Seconds for an answer."""


def connector(address: str, types: Sequence[str]) -> Iterator[Finding]:
    """Whether a connector answers at `host:port`, and serves these task types."""
    with grpc.insecure_channel(address.removeprefix("dns:///")) as channel:
        try:
            told = AgentMetadataServiceStub(channel).ListAgents(agent_pb2.ListAgentsRequest(), timeout=_PATIENCE)
        except grpc.RpcError as error:
            yield Finding(f"no connector answers at {address}: {_words(error)}", "start it, or give its address")
            return
    served = {category.name for agent in told.agents for category in agent.supported_task_categories}
    missing = [name for name in types if name not in served]
    if missing:
        fix = "deploy the release of flytekitplugins-smfs that the tasks were registered with"
        yield Finding(f"the connector at {address} does not serve {listed(missing)}", fix)
    else:
        yield Finding(f"the connector at {address} serves all {len(types)} task types")
    if more := sorted(name for name in served if name.startswith("smfs-") and name not in types):
        fix = "install that release of flytekitplugins-smfs here, or its tasks cannot be registered"
        yield Finding(f"the connector at {address} is of another release: it serves {listed(more)}, too", fix)


def admin(platform: PlatformConfig, project: str, domain: str) -> Iterator[Finding]:
    """Whether a flyteadmin answers, is of a release that is known, and takes code."""
    channel = upgrade_channel_to_authenticated(platform, get_channel(platform))
    service = AdminServiceStub(channel)
    try:
        told = service.GetVersion(version_pb2.GetVersionRequest(), timeout=_PATIENCE).control_plane_version.Version
    except grpc.RpcError as error:
        fix = "give its address with --endpoint, and --insecure where it has no TLS"
        yield Finding(f"no flyteadmin answers at {platform.endpoint}: {_words(error)}", fix)
        return
    yield _release(told)
    yield _project(service, project, domain)
    yield _upload(DataProxyServiceStub(channel), project, domain)


def _release(told: str) -> Finding:
    numbers = told.lstrip("v").split(".")
    found = tuple(int(number) for number in numbers[:2] if number.isdigit())
    if len(found) < 2:
        return Finding(f"flyteadmin answers; its release {told or 'is not told, so it'} is not known to these tasks")
    if found[0] != TESTED[0] or found < TESTED:
        return Finding(f"flyteadmin is {told}", "these tasks are for Flyte 1.16 and later releases of Flyte 1")
    return Finding(f"flyteadmin is {told}")


def _project(service: AdminServiceStub, project: str, domain: str) -> Finding:
    try:
        found = service.ListProjects(project_pb2.ProjectListRequest(limit=1000), timeout=_PATIENCE).projects
    except grpc.RpcError as error:
        return Finding(f"projects cannot be listed: {_words(error)}", "sign in with an account that may list them")
    domains = {one.id: [part.id for part in one.domains] for one in found}
    if project not in domains:
        return Finding(f"there is no project {project}; there are {listed(sorted(domains))}", "give another --project")
    if domain not in domains[project]:
        return Finding(f"{project} has no domain {domain}, but {listed(domains[project])}", "give another --domain")
    return Finding(f"the project {project} has the domain {domain}")


def _upload(service: DataProxyServiceStub, project: str, domain: str) -> Finding:
    request = CreateUploadLocationRequest(project=project, domain=domain, filename="smfs-check", content_md5=b"\0" * 16)
    try:
        told = service.CreateUploadLocation(request, timeout=_PATIENCE)
    except grpc.RpcError as error:
        return Finding(f"code cannot be uploaded: {_words(error)}", "give flyteadmin a store that it may sign for")
    return Finding(f"code is uploaded to {told.native_url.rpartition('/')[0]}")


def _words(error: Any) -> str:
    return f"{error.code().name}, {error.details() or 'without words'}".replace("\n", " ")[:300].rstrip(". ")
