"""What a training job waits for before it runs: its image's packages, places for its processes, its hosts' files."""

from dataclasses import replace

from ....containers import addresses
from ....containers.routes import places
from ....image_packages import Installing
from ....registry import Context
from ....store import Doc
from .. import artifacts, workspace
from ..configuration import host_names
from ..placement import CAPACITY, JobFailure
from . import simulated
from .record import TRAINING_JOB


def has_image(ctx: Context, doc: Doc) -> bool:
    """Whether the image's packages are there; it holds no places while they are installed. Raises JobFailure."""
    if simulated.is_simulated(doc["request"]):
        return True
    try:
        workspace.software(ctx, doc)
    except Installing:
        return False
    return True


def has_places(ctx: Context, doc: Doc) -> bool:
    """Whether the job's processes may start; it waits in Starting until then."""
    if simulated.is_simulated(doc["request"]):
        return True
    return ctx.places.take(TRAINING_JOB, doc["id"], len(host_names(doc["request"])))


def lay_out(ctx: Context, doc: Doc) -> None:
    """Make the directories of all hosts, with all that their processes find there. Raises JobFailure."""
    software = workspace.software(ctx, doc)
    ways_out = workspace.ways_out(ctx, doc["request"])
    job = replace(workspace.container(ctx, _with_addresses(ctx, doc)), routes=ways_out)
    for host in job.hosts:
        (job.directory / host.name).mkdir(parents=True)
    specs = {host.name: workspace.build(ctx, doc, job, host, software) for host in job.hosts}
    artifacts.restore_checkpoints(ctx, job)
    if job.routes is not None:
        workspace.network(ctx, doc).folder.write(len(job.hosts), places(job.routes))
    for name, spec in specs.items():
        spec.write(job.sandbox(name, ctx.paths.processes).folder.spec)


def _with_addresses(ctx: Context, doc: Doc) -> Doc:
    """Give the hosts of a job addresses of their own, if there are several on this machine's network."""
    names = host_names(doc["request"])
    if len(names) == 1 or workspace.private_network(ctx, doc["request"]):
        return doc
    try:
        block = addresses.lease(ctx.store, ctx.paths.state, doc["id"], len(names))
    except addresses.NoAddress:
        raise JobFailure(CAPACITY) from None
    ctx.store.update(TRAINING_JOB, doc["id"], addresses=block)
    return {**doc, "addresses": block}
