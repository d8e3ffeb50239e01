"""A host's ``/opt/ml`` on disk, its environment, and the process to run in it."""

import gzip
import json
import logging
import os
import re
import sys
import tarfile
import time
import zlib
from pathlib import Path
from typing import Any

from ... import credentials
from ...archives import TooLarge, unpack
from ...containers.sandbox import Sandbox, isolation_available
from ...containers.spec import Bind, ProcessSpec
from ...images import program
from ...registry import Context
from ...store import Doc
from . import channels, objects
from .metric_definitions import TUNING_METRIC
from .placement import JobFailure
from .settings import settings

_INHERITED = ("LANG", "LC_ALL", "HOME", "USER", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_DAY = 24 * 3600
_LEAST_VOLUME = 30
"""GiB where a request names none (as for instances that come with storage)."""

log = logging.getLogger(__name__)


def host_names(request: dict[str, Any]) -> list[str]:
    """``algo-1``, ``algo-2``, ..."""
    return [f"algo-{number + 1}" for number in range(request["ResourceConfig"]["InstanceCount"])]


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
    """Whether jobs get a private file tree: where the system allows it and the settings do not forbid it."""
    return settings(ctx).training_isolation and isolation_available()


def command(ctx: Context, request: dict[str, Any]) -> list[str]:
    """The program an image stands for. Raises JobFailure, by name, for an image that none is known for."""
    found = program(request, ctx.paths.state / "images.json")
    if found is None:
        raise JobFailure(
            "ClientError: the embedded AWS has no program for image "
            f"{request['AlgorithmSpecification']['TrainingImage']}; give ContainerEntrypoint, or name its command in "
            f"{ctx.paths.state / 'images.json'}"
        )
    return found


def build(ctx: Context, doc: Doc, host: str) -> ProcessSpec:
    """Lay out a host: directories, downloads, configuration files; answer what to run there."""
    request = doc["request"]
    number = host_names(request).index(host)
    ml = ml_directory(ctx, doc, host)
    inside = isolated(ctx)
    for directory in ("input/config", "input/data", "model", "output/data", "code"):
        (ml / directory).mkdir(parents=True, exist_ok=True)
    binds = [Bind(str(ml), "/opt/ml"), *channels.lay_out(ctx, request, ml, number, inside)]
    if inside:
        binds.append(Bind(str(_hosts_file(ctx, doc)), "/etc/hosts"))
    _unpack_code(ctx, request, ml / "code")
    root = Path("/opt/ml") if inside else ml
    checkpoints = checkpoint_path(request, root)
    if checkpoints is not None:
        checkpoint_path(request, ml).mkdir(parents=True, exist_ok=True)  # type: ignore[union-attr]
    configuration = _configuration(request, host, checkpoints)
    for name, content in configuration.items():
        (ml / "input" / "config" / f"{name}.json").write_text(json.dumps(content))
    limit = request["StoppingCondition"].get("MaxRuntimeInSeconds", _DAY)
    return ProcessSpec(
        command=command(ctx, request),
        environment=_environment(ctx, doc, host, root, configuration),
        directory=str(root / "code"),
        binds=binds,
        isolated=inside,
        network=not (request.get("EnableNetworkIsolation") and len(host_names(request)) == 1),
        deadline=time.time() + limit,
        grace_seconds=settings(ctx).training_stop_grace_seconds,
    )


def _unpack_code(ctx: Context, request: dict[str, Any], code: Path) -> None:
    """Bring the script of script mode: the archive that ``sagemaker_submit_directory`` names."""
    url = request.get("HyperParameters", {}).get("sagemaker_submit_directory", "").strip('"')
    if not url.startswith("s3://"):
        return
    try:
        left_out = unpack(objects.file(ctx, *objects.split(url)), code, volume_bytes(request))
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


def _configuration(request: dict[str, Any], host: str, checkpoints: Path | None) -> dict[str, Any]:
    """The files of ``/opt/ml/input/config`` by name without ``.json``."""
    default_mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    resources = request["ResourceConfig"]
    hosts = host_names(request)
    group = {"instance_group_name": "homogeneousCluster", "instance_type": resources["InstanceType"], "hosts": hosts}
    files: dict[str, Any] = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": {
            channel["ChannelName"]: _channel_configuration(channel, default_mode)
            for channel in request.get("InputDataConfig", [])
        },
        "resourceconfig": {
            "current_host": host,
            "current_instance_type": resources["InstanceType"],
            "current_group_name": "homogeneousCluster",
            "hosts": hosts,
            "instance_groups": [group],
            "network_interface_name": "lo",
        },
        "outputdataconfig": request["OutputDataConfig"],
    }
    if checkpoints is not None:
        files["checkpointconfig"] = {"LocalPath": str(checkpoints), "S3Uri": request["CheckpointConfig"]["S3Uri"]}
    return files


def _channel_configuration(channel: dict[str, Any], default_mode: str) -> dict[str, str]:
    source = channel["DataSource"].get("S3DataSource", {})
    found = {
        "ContentType": channel.get("ContentType"),
        "TrainingInputMode": channel.get("InputMode", default_mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _environment(ctx: Context, doc: Doc, host: str, root: Path, files: dict[str, Any]) -> dict[str, str]:
    """What the container sees: the request's Environment over AWS's variables over those of the training toolkit."""
    request = doc["request"]
    threads = str(settings(ctx).training_threads)
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": threads,
        **_toolkit_variables(files, host, root, threads),
        **_aws_variables(ctx, doc),
        "TRAINING_JOB_NAME": doc["name"],
        "TRAINING_JOB_ARN": doc["arn"],
        **request.get("Environment", {}),
    }


def _toolkit_variables(files: dict[str, Any], host: str, root: Path, threads: str) -> dict[str, str]:
    hyperparameters = {name: value for name, value in files["hyperparameters"].items() if name != TUNING_METRIC}
    channel_names = sorted(files["inputdataconfig"])
    return {
        "SM_INPUT_DIR": str(root / "input"),
        "SM_INPUT_CONFIG_DIR": str(root / "input/config"),
        "SM_MODEL_DIR": str(root / "model"),
        "SM_OUTPUT_DIR": str(root / "output"),
        "SM_OUTPUT_DATA_DIR": str(root / "output/data"),
        "SM_CHANNELS": json.dumps(channel_names),
        **{f"SM_CHANNEL_{_upper(name)}": str(root / "input/data" / name) for name in channel_names},
        "SM_HPS": json.dumps(hyperparameters),
        **{f"SM_HP_{_upper(name)}": value for name, value in hyperparameters.items()},
        "SM_HOSTS": json.dumps(files["resourceconfig"]["hosts"]),
        "SM_CURRENT_HOST": host,
        "SM_CURRENT_INSTANCE_TYPE": files["resourceconfig"]["current_instance_type"],
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_RESOURCE_CONFIG": json.dumps(files["resourceconfig"]),
        "SM_INPUT_DATA_CONFIG": json.dumps(files["inputdataconfig"]),
        "SM_NUM_CPUS": threads,
        "SM_NUM_GPUS": "0",
        "SM_LOG_LEVEL": "20",
    }


def _upper(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _aws_variables(ctx: Context, doc: Doc) -> dict[str, str]:
    """How the job's own AWS clients reach the embedded AWS, with its role's credentials."""
    server = json.loads(ctx.paths.server.read_text()) if ctx.paths.server.exists() else {}
    urls = {"AWS_ENDPOINT_URL": server.get("url"), "AWS_ENDPOINT_URL_S3": server.get("s3_url")}
    return {
        **{name: url for name, url in urls.items() if url},
        **credentials.issue(ctx, doc["arn"], doc["request"]["RoleArn"]),
        "AWS_REGION": ctx.region,
        "AWS_DEFAULT_REGION": ctx.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _hosts_file(ctx: Context, doc: Doc) -> Path:
    """The job's ``/etc/hosts``: the machine's own, and a name for each host of the job."""
    names = host_names(doc["request"])
    lines = [f"{channels.loopback_address(doc['name'], number)} {name}" for number, name in enumerate(names)]
    path = attempt_directory(ctx, doc) / "hosts"
    system = Path("/etc/hosts")
    path.write_text("\n".join([system.read_text() if system.exists() else "127.0.0.1 localhost", *lines, ""]))
    return path
