"""A task that ends at once, run on the cluster: what neither flyteadmin nor propeller tells, its answer tells."""

from __future__ import annotations

import uuid
from datetime import timedelta

from flytekit.configuration import Config, Image, ImageConfig, SerializationSettings
from flytekit.exceptions.user import FlyteTimeout
from flytekit.models.core.execution import WorkflowExecutionPhase
from flytekit.remote import FlyteRemote

from flytekitplugins_smfs.cli.cluster.check import GENERATE
from flytekitplugins_smfs.cli.cluster.findings import Finding
from flytekitplugins_smfs.flyte.tasks import ReleaseTask

NAME = "smfs.cluster.probe"
"""Under which it is registered, each time in a version of its own."""
PATIENCE = timedelta(minutes=3)
"""Some ticks of propeller at its default."""


def run(config: Config, project: str, domain: str) -> Finding:
    """Register a release, and run it for an execution that made nothing. It leaves nothing but itself."""
    remote = FlyteRemote(config, default_project=project, default_domain=domain)
    version = uuid.uuid4().hex[:12]
    settings = SerializationSettings(  # no pod runs it, but Flyte wants an image named
        ImageConfig(Image("default", "none", "none")), project, domain, version
    )
    task = remote.register_task(ReleaseTask(NAME), settings, version)
    execution = remote.execute(task, inputs={}, project=project, domain=domain)
    name = f"{project}/{domain}/{execution.id.name}"
    try:
        execution = remote.wait(execution, timeout=PATIENCE, poll_interval=timedelta(seconds=1))
    except FlyteTimeout:
        remote.terminate(execution, "the probe did not end")
        minutes = int(PATIENCE.total_seconds() // 60)
        fix = f"see that propeller reaches the connector; {GENERATE}"
        return Finding(f"the probe {name} did not end in {minutes} minutes", fix)
    if execution.closure.phase == WorkflowExecutionPhase.SUCCEEDED:
        return Finding(f"the probe {name} went through flyteadmin, propeller, the connector and AWS")
    said = (execution.error.message if execution.error else "without words").strip().replace("\n", " ")[:500]
    fix = "see the connector's log"
    if "BadTaskSpecification" in said or "container" in said.lower():
        fix = f"its task type was run as a container: {GENERATE}"
    return Finding(f"the probe {name} failed: {said.rstrip('. ')}", fix)
