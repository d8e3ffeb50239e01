"""What a training container finds in ``/opt/ml/input/config`` and in its variables."""

import json
import re
from pathlib import Path
from typing import Any

from ... import credentials
from ...containers.job import ContainerJob
from ...registry import Context
from ...sdk_defaults import VARIABLE, sdk_defaults
from ...store import Doc
from .metric_definitions import TUNING_METRIC
from .settings import settings

_SDK = "emulator-sdk-defaults"
"""On AWS, SageMaker's SDKs in a job find their default bucket by AWS's own addresses; here they are told."""


def host_names(request: dict[str, Any]) -> list[str]:
    """``algo-1``, ``algo-2``, ..."""
    return [f"algo-{number + 1}" for number in range(request["ResourceConfig"]["InstanceCount"])]


def variables(
    ctx: Context, doc: Doc, job: ContainerJob, host: str, root: Path, files: dict[str, Any]
) -> dict[str, str]:
    """What the container sees: the request's Environment over AWS's variables over those of the training toolkit."""
    threads = str(settings(ctx).training_threads)
    return {
        "OMP_NUM_THREADS": threads,
        **_toolkit_variables(files, host, root, threads),
        **_aws_variables(ctx, doc, job.role),
        VARIABLE: str(root / "input/config" / f"{_SDK}.json"),
        "TRAINING_JOB_NAME": doc["name"],
        "TRAINING_JOB_ARN": doc["arn"],
        **doc["request"].get("Environment", {}),
    }


def configuration_files(ctx: Context, request: dict[str, Any], host: str, checkpoints: Path | None) -> dict[str, Any]:
    """The files of ``/opt/ml/input/config`` by name without ``.json``. One of them AWS does not write."""
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
        _SDK: sdk_defaults(ctx.region, ctx.account),
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


def _aws_variables(ctx: Context, doc: Doc, role: str) -> dict[str, str]:
    """How the job's own AWS clients reach the embedded AWS, with its role's credentials."""
    server = json.loads(ctx.paths.server.read_text()) if ctx.paths.server.exists() else {}
    urls = {"AWS_ENDPOINT_URL": server.get("url"), "AWS_ENDPOINT_URL_S3": server.get("s3_url")}
    return {
        **{name: url for name, url in urls.items() if url},
        **credentials.issue(ctx, doc["arn"], role),
        "AWS_REGION": ctx.region,
        "AWS_DEFAULT_REGION": ctx.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
