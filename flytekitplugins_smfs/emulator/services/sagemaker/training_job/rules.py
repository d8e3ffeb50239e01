"""What CreateTrainingJob refuses beyond the constraints of the service model.

Each rule yields AWS's text for what is wrong; texts without a public source say the rule of the documentation.
"""

import math
from collections.abc import Iterator
from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....guard import is_plain
from ....images import algorithm_of, is_simulated
from ....registry import Context
from ....validation import nulls
from .. import objects

_LAUNCHERS = (
    *("sagemaker_mpi_enabled", "sagemaker_parameter_server_enabled", "sagemaker_distributed_dataparallel_enabled"),
    *("sagemaker_pytorch_ddp_enabled", "sagemaker_pytorch_xla_multi_worker_enabled"),
    "sagemaker_multi_worker_mirrored_strategy_enabled",
)
"""How the SDK's ``distribution`` asks for launchers other than torchrun, which is there."""
_LONGEST_RUN = 28 * 24 * 3600


def check(ctx: Context, request: dict[str, Any]) -> None:
    """Raise the error AWS would answer this request with, if any."""
    _check_complete(request)
    _refuse_unimplemented(ctx, request)
    for rule in (_algorithm, _simulation, _channels, _resources, _stopping_condition, _checkpoints):
        for problem in rule(request):
            raise AwsError("ValidationException", problem)
    for problem in (*_role(ctx, request["RoleArn"]), *_s3_inputs(ctx, request)):
        raise AwsError("ValidationException", problem)


def _check_complete(request: dict[str, Any]) -> None:
    """Newer service models require neither of these, for the sake of serverless jobs; other jobs cannot be without."""
    if "ServerlessJobConfig" in request:
        raise NotImplementedByEmulator("ServerlessJobConfig of CreateTrainingJob")
    missing = [name for name in ("AlgorithmSpecification", "ResourceConfig") if name not in request]
    if missing:
        raise AwsError("ValidationException", nulls(missing))


def _refuse_unimplemented(ctx: Context, request: dict[str, Any]) -> None:
    modes = {channel.get("InputMode") for channel in request.get("InputDataConfig", [])}
    sources = [channel["DataSource"] for channel in request.get("InputDataConfig", [])]
    kinds = {source.get("S3DataSource", {}).get("S3DataType") for source in sources}
    systems = {source.get("FileSystemDataSource", {}).get("FileSystemType") for source in sources}
    refused = {
        "InstanceGroups (heterogeneous clusters)": bool(request["ResourceConfig"].get("InstanceGroups")),
        "TrainingPlanArn": "TrainingPlanArn" in request["ResourceConfig"],
        "input mode Pipe": "Pipe" in modes | {request["AlgorithmSpecification"]["TrainingInputMode"]},
        "FileSystemDataSource of type EFS": bool(systems - {None} - set(ctx.mounts)),
        "S3DataType AugmentedManifestFile": "AugmentedManifestFile" in kinds,
        "S3DataType Converse": "Converse" in kinds,
        "DebugRuleConfigurations": bool(request.get("DebugRuleConfigurations")),
        "ProfilerRuleConfigurations": bool(request.get("ProfilerRuleConfigurations")),
        "ExperimentConfig": bool(request.get("ExperimentConfig")),
        "TensorBoardOutputConfig": "TensorBoardOutputConfig" in request,
        "RemoteDebugConfig": bool(request.get("RemoteDebugConfig", {}).get("EnableRemoteDebug")),
        "MlflowConfig": "MlflowConfig" in request,
        "HubAccessConfig": any("HubAccessConfig" in source.get("S3DataSource", {}) for source in sources),
        "KeepAlivePeriodInSeconds (warm pools)": bool(request["ResourceConfig"].get("KeepAlivePeriodInSeconds")),
    }
    given = request.get("HyperParameters", {})
    refused |= {f"hyperparameter {name}": given.get(name, "false").strip('"') == "true" for name in _LAUNCHERS}
    for what, wanted in refused.items():
        if wanted:
            raise NotImplementedByEmulator(what)


def _simulation(request: dict[str, Any]) -> Iterator[str]:
    """A simulated job's time must be a number; there is no such image on AWS."""
    if is_simulated(request):
        text = request.get("HyperParameters", {}).get("seconds", "0")
        try:
            valid = 0 <= float(text) < math.inf
        except ValueError:
            valid = False
        if not valid:
            yield f"The hyperparameter seconds of the image simulated must be a number of at least 0, not {text}."


def _algorithm(request: dict[str, Any]) -> Iterator[str]:
    specification = request["AlgorithmSpecification"]
    if ("TrainingImage" in specification) == ("AlgorithmName" in specification):
        yield "Either TrainingImage or AlgorithmName must be specified in AlgorithmSpecification, and not both."
    if "AlgorithmName" in specification:
        raise NotImplementedByEmulator("training with AlgorithmName")
    if specification.get("MetricDefinitions") and algorithm_of(request):
        yield (
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry your request "
            "without specifying metric definitions."
        )


def _channels(request: dict[str, Any]) -> Iterator[str]:
    channels = request.get("InputDataConfig", [])
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) < len(names):
        yield f"Duplicate channel names in InputDataConfig: {names}. Channel names must be unique."
    for channel in channels:
        source = channel["DataSource"]
        name = channel["ChannelName"]
        if name in (".", ".."):
            yield f"Invalid ChannelName {name}: a channel is a directory of that name."
        if len({"S3DataSource", "FileSystemDataSource"} & set(source)) != 1:
            yield f"Channel {name} must have exactly one of S3DataSource and FileSystemDataSource."
        if channel.get("CompressionType") == "Gzip" and "S3DataSource" in source:
            yield f"CompressionType Gzip is supported only in Pipe input mode. Channel: {name}."
        if "FileSystemDataSource" not in source:
            continue
        if "VpcConfig" not in request:
            yield "VpcConfig must be specified when FileSystemDataSource is specified in InputDataConfig."
        mode = channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"])
        if mode != "File":
            yield f"Input mode {mode} is not supported with FileSystemDataSource. Channel: {name}. Use File."
        if not source["FileSystemDataSource"]["DirectoryPath"].startswith("/"):
            yield f"DirectoryPath must be an absolute path that begins with '/'. Channel: {name}."


def _resources(request: dict[str, Any]) -> Iterator[str]:
    resources = request["ResourceConfig"]
    if not resources.get("InstanceType") or not resources.get("InstanceCount"):
        yield "Both InstanceType and InstanceCount must be specified in ResourceConfig, InstanceCount at least 1."


def _stopping_condition(request: dict[str, Any]) -> Iterator[str]:
    condition = request.get("StoppingCondition", {})
    runtime = condition.get("MaxRuntimeInSeconds", 24 * 3600)
    wait = condition.get("MaxWaitTimeInSeconds")
    if runtime > _LONGEST_RUN:
        yield f"MaxRuntimeInSeconds must be at most {_LONGEST_RUN} (28 days)."
    if request.get("EnableManagedSpotTraining") and (wait is None or wait < runtime):
        yield ("Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds")
    if wait is not None and not request.get("EnableManagedSpotTraining"):
        yield "Invalid MaxWaitTimeInSeconds. It is not supported if EnableManagedSpotTraining is set to false."


def _checkpoints(request: dict[str, Any]) -> Iterator[str]:
    path = request.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")
    if (
        not path.startswith("/opt/ml/")
        or not is_plain(path)
        or path.rstrip("/") in ("/opt/ml/input", "/opt/ml/model", "/opt/ml/output")
    ):
        yield f"Invalid LocalPath {path} in CheckpointConfig: it must be a directory of its own below /opt/ml."


def _role(ctx: Context, arn: str) -> Iterator[str]:
    account = arn.split(":")[4]
    if account != ctx.account:
        yield "Cross-account pass role is not allowed."
    elif not ctx.iam.trusts(arn, "sagemaker.amazonaws.com"):
        yield (
            f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        )


def _s3_inputs(ctx: Context, request: dict[str, Any]) -> Iterator[str]:
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource")
        if source is not None:
            problem = objects.missing_objects(ctx, source["S3Uri"], request["RoleArn"])
            if problem:
                yield problem
