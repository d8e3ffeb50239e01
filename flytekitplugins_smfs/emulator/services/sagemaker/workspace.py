"""A training job's hosts on this machine: their ``/opt/ml``, and the processes to run there."""

import gzip
import json
import logging
import math
import os
import tarfile
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ... import images
from ...archives import TooLarge, unpack
from ...containers import addresses, walls
from ...containers.job import NETWORK, ContainerJob, Host, Output, Software, prepare
from ...containers.pip_settings import pip_settings
from ...containers.routes import Route, routes
from ...containers.sandbox import Sandbox
from ...containers.shared_network import SharedNetwork
from ...containers.spec import Limits, ProcessSpec
from ...image_packages import ImageError
from ...images import ImageTableError, Program
from ...instance import read_server_file
from ...instances import instance
from ...registry import Context
from ...store import Doc
from . import channels, objects
from .configuration import configuration_files, host_names, variables
from .placement import INTERNAL, JobFailure
from .settings import settings

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_LEAST_VOLUME = 30
"""GiB where a request names none (as for instances that come with storage)."""

log = logging.getLogger(__name__)


def attempt_directory(ctx: Context, doc: Doc) -> Path:
    """The directory of the job's present attempt (there are more after an interruption)."""
    return ctx.paths.jobs / str(doc["id"]) / f"attempt-{doc['attempt']}"


def sandbox(ctx: Context, doc: Doc, host: str) -> Sandbox:
    """The process of a host in the present attempt."""
    return Sandbox(attempt_directory(ctx, doc) / host, doc["name"], ctx.paths.processes)


def ml_directory(ctx: Context, doc: Doc, host: str) -> Path:
    """What a host sees as ``/opt/ml``."""
    return attempt_directory(ctx, doc) / host / "ml"


def isolated(ctx: Context) -> bool:
    """Whether jobs get a root of their own: where the system allows it and the settings do not forbid it."""
    return settings(ctx).training_isolation and walls.available().namespaces


def program(ctx: Context, request: dict[str, Any]) -> Program:
    """The program an image stands for. Raises JobFailure, by name, for an image that none is known for."""
    table = ctx.paths.state / "images.json"
    try:
        found = images.program(request, table)
    except ImageTableError as problem:
        raise JobFailure(f"{INTERNAL} ({problem})") from None
    if found is None:
        raise JobFailure(
            "ClientError: the embedded AWS has no program for image "
            f"{request['AlgorithmSpecification']['TrainingImage']}; give ContainerEntrypoint, or name its command in "
            f"{table}"
        )
    return found


def container(ctx: Context, doc: Doc) -> ContainerJob:
    """What a training job is to the machine, but for what it reaches from a network of its own (``ways_out``)."""
    request = doc["request"]
    names = host_names(request)
    return ContainerJob(
        name=doc["name"],
        directory=attempt_directory(ctx, doc),
        hosts=tuple(Host(name, address(doc, number)) for number, name in enumerate(names)),
        role=request["RoleArn"],
        outputs=_outputs(doc),
        log_group=LOG_GROUP,
        log_streams={host: f"{doc['name']}/{host}-{doc['log_epoch']}" for host in names},
        deadline=time.time() + time_left(ctx, doc)[0],
        grace_seconds=settings(ctx).training_stop_grace_seconds,
        limits=_limits(ctx, request),
        network=not (request.get("EnableNetworkIsolation") and len(names) == 1),
    )


def software(ctx: Context, doc: Doc) -> Software:
    """What runs in its hosts. Raises Installing, and JobFailure for an image that is not known or cannot be made."""
    found = program(ctx, doc["request"])
    try:
        return Software(found.command, ctx.images.of(found, doc["id"]))
    except ImageError as problem:
        raise JobFailure(f"{INTERNAL} ({problem})") from None


def time_left(ctx: Context, doc: Doc) -> tuple[float, str]:
    """How many seconds a job may go on for, and what it is called when it does not end in them.

    "MaxRuntimeInSeconds specifies the maximum time for all of the attempts in total" (API reference,
    StoppingCondition); MaxWaitTimeInSeconds is from its creation to its end.
    """
    limits = doc["request"]["StoppingCondition"]
    run = limits["MaxRuntimeInSeconds"] - doc["ran"]
    wait = limits.get("MaxWaitTimeInSeconds", math.inf) - (ctx.now() - doc["created"])
    return min((run, "MaxRuntimeExceeded"), (wait, "MaxWaitTimeExceeded"))


def address(doc: Doc, number: int) -> str:
    """The address of a host of a job, counted from 0: of a block that was leased, or in a network of the job's own."""
    if doc["request"]["ResourceConfig"]["InstanceCount"] == 1:
        return "127.0.0.1"
    return addresses.address(doc.get("addresses") or 0, number)


def private_network(ctx: Context, request: dict[str, Any]) -> bool:
    """Whether the hosts of a job share a network of their own."""
    several = request["ResourceConfig"]["InstanceCount"] > 1
    return several and settings(ctx).training_private_network and isolated(ctx) and walls.available().networks


def network(ctx: Context, doc: Doc) -> SharedNetwork:
    """The network of the present attempt's hosts, if they share one."""
    return SharedNetwork(attempt_directory(ctx, doc) / NETWORK, doc["name"], ctx.paths.processes)


def ways_out(ctx: Context, request: dict[str, Any]) -> tuple[Route, ...] | None:
    """What a job reaches from a network of its own: AWS, and where its pip installs from. With isolation, nothing."""
    if not private_network(ctx, request):
        return None
    if request.get("EnableNetworkIsolation"):
        return ()
    server = read_server_file(ctx.paths)
    urls = [server[name] for name in ("url", "s3_url") if name in server]
    return routes([*urls, *pip_settings(os.environ, Path.home()).urls])


def build(ctx: Context, doc: Doc, job: ContainerJob, host: Host, software: Software) -> ProcessSpec:
    """Lay out a host: directories, downloads, configuration files; answer what to run there."""
    request = doc["request"]
    inside = isolated(ctx)
    ml = job.files(host.name)
    for directory in ("input/config", "input/data", "model", "output/data", "code"):
        (ml / directory).mkdir(parents=True, exist_ok=True)
    mounts = channels.lay_out(ctx, request, ml, job.hosts.index(host), inside)
    _unpack_code(ctx, request, ml / "code")
    root = Path("/opt/ml") if inside else ml
    checkpoints = checkpoint_path(request, root)
    if checkpoints is not None:
        checkpoint_path(request, ml).mkdir(parents=True, exist_ok=True)  # type: ignore[union-attr]
    files = configuration_files(ctx, request, host.name, checkpoints)
    for name, content in files.items():
        (ml / "input" / "config" / f"{name}.json").write_text(json.dumps(content))
    writes_elsewhere = any(not mount.read_only for mount in mounts)
    limits = replace(job.limits, file_bytes=None) if writes_elsewhere else job.limits
    mounted = replace(
        job,
        mounts={host.name: mounts},
        environment=variables(ctx, doc, job, host.name, root, files),
        limits=limits,
    )
    pip = pip_settings(os.environ, Path.home())
    return replace(prepare(mounted, software, host, inside, pip), directory=str(root / "code"))


def _outputs(doc: Doc) -> tuple[Output, ...]:
    """What is kept: model and output data at the end, checkpoints as they are written."""
    request = doc["request"]
    base = f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{doc['name']}/output"
    kept = [Output("output/data", f"{base}/output"), Output("model", f"{base}/model", of_success=True)]
    checkpoints = checkpoint_path(request, Path())
    if checkpoints is not None:
        url = request["CheckpointConfig"]["S3Uri"].rstrip("/") + "/"
        kept.append(Output(str(checkpoints), url, continuous=True))
    return tuple(kept)


def _limits(ctx: Context, request: dict[str, Any]) -> Limits:
    """What the instance would give, as far as this machine has it."""
    size = instance(request["ResourceConfig"]["InstanceType"])
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    volume = volume_bytes(request)
    seconds = request["StoppingCondition"]["MaxRuntimeInSeconds"]
    return Limits(
        memory_bytes=min(size.memory_bytes if size else machine, int(machine * settings(ctx).training_memory_share)),
        processes=settings(ctx).training_processes,
        disk_bytes=volume,
        open_files=settings(ctx).training_open_files,
        cpu_seconds=seconds * (size.vcpus if size else os.cpu_count() or 1),
        file_bytes=volume,
    )


def _unpack_code(ctx: Context, request: dict[str, Any], code: Path) -> None:
    """Bring the script of script mode: the archive that ``sagemaker_submit_directory`` names."""
    url = request.get("HyperParameters", {}).get("sagemaker_submit_directory", "").strip('"')
    if not url.startswith("s3://"):
        return
    try:
        with objects.reading(ctx, *objects.split(url)) as archive:
            left_out = unpack(archive, code, volume_bytes(request))
    except FileNotFoundError:
        raise JobFailure(f"ClientError: Data download failed:NoSuchKey (404): {url}") from None
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as problem:
        raise JobFailure(f"ClientError: {url} is not a tar.gz archive: {problem}") from None
    except TooLarge as problem:
        raise JobFailure(f"ClientError: Data download failed:Insufficient disk space: {url}: {problem}") from None
    for member in left_out:
        log.warning("left out of %s: %s", url, member)


def volume_bytes(request: dict[str, Any]) -> int:
    """What a host's volume holds: VolumeSizeInGB, which is in GiB."""
    return int(request["ResourceConfig"].get("VolumeSizeInGB", _LEAST_VOLUME)) << 30


def checkpoint_path(request: dict[str, Any], root: Path) -> Path | None:
    """Where checkpoints lie when ``/opt/ml`` is at ``root``; None for a job without CheckpointConfig."""
    if "CheckpointConfig" not in request:
        return None
    path = request["CheckpointConfig"].get("LocalPath", "/opt/ml/checkpoints")
    return root / str(path).removeprefix("/opt/ml/").rstrip("/")
