"""From a training spec to the request that SageMaker takes."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.network import network_for
from flytekitplugins_smfs.operations.sagemaker.images import image_uri
from flytekitplugins_smfs.values.errors import InvalidSpec, Problem
from flytekitplugins_smfs.values.plain import Json
from flytekitplugins_smfs.values.sagemaker.channels import FileSystemInput, TrainingInput
from flytekitplugins_smfs.values.sagemaker.training import BuiltinAlgorithm, Network, TrainingSpec
from flytekitplugins_smfs.values.uris import s3_join


def role_of(aws: Aws, spec: TrainingSpec) -> str:
    """The execution role: the spec's, else the settings'. Raises InvalidSpec when neither says one."""
    role = spec.role or aws.settings.role
    if not role:
        rule = "a job needs an execution role that SageMaker may assume."
        fix = "set `role` in the spec, in [smfs], or FLYTE_SMFS_ROLE."
        raise InvalidSpec(f"Training {spec.name}", [Problem("role", rule, fix)])
    return role


def image_of(aws: Aws, spec: TrainingSpec) -> str:
    """The image URI: a built-in algorithm's in this region, or the spec's own."""
    if isinstance(spec.algorithm, BuiltinAlgorithm):
        return image_uri(spec.algorithm.name, spec.algorithm.version, aws.region)
    return spec.algorithm.image_uri


def output_of(aws: Aws, spec: TrainingSpec) -> str:
    """The S3 prefix under which SageMaker makes a directory for the job."""
    return spec.output_uri or s3_join(aws.default_output_uri(), spec.name)


def channel_request(name: str, channel: FileSystemInput | TrainingInput) -> Json:
    """One entry of InputDataConfig."""
    request: Json = {"ChannelName": name}
    if isinstance(channel, FileSystemInput):
        request["DataSource"] = {
            "FileSystemDataSource": {
                "FileSystemId": channel.file_system_id,
                "FileSystemType": channel.file_system_type,
                "FileSystemAccessMode": channel.file_system_access_mode,
                "DirectoryPath": channel.directory_path,
            }
        }
    else:
        source: Json = {
            "S3DataType": channel.s3_data_type,
            "S3Uri": channel.s3_uri,
            "S3DataDistributionType": channel.s3_data_distribution_type,
        }
        if channel.attribute_names:
            source["AttributeNames"] = list(channel.attribute_names)
        request["DataSource"] = {"S3DataSource": source}
        request["InputMode"] = channel.input_mode
        request["CompressionType"] = channel.compression_type
    if channel.content_type:
        request["ContentType"] = channel.content_type
    return request


def job_definition(aws: Aws, spec: TrainingSpec) -> Json:
    """What CreateTrainingJob and a tuning job's TrainingJobDefinition have in common."""
    request: Json = {
        "RoleArn": role_of(aws, spec),
        "AlgorithmSpecification": _algorithm(aws, spec),
        "InputDataConfig": [channel_request(name, channel) for name, channel in spec.channels.items()],
        "OutputDataConfig": {"S3OutputPath": output_of(aws, spec)},
        "ResourceConfig": _resources(spec),
        "StoppingCondition": _stopping(spec),
        "EnableManagedSpotTraining": spec.stopping.use_spot,
    }
    network: Network | None = spec.network or network_for(aws, spec.file_system_inputs())
    if network:
        request["VpcConfig"] = {
            "Subnets": list(network.subnet_ids),
            "SecurityGroupIds": list(network.security_group_ids),
        }
    if spec.environment:
        request["Environment"] = dict(spec.environment)
    return {key: value for key, value in request.items() if value != []}


def checkpoint_config(spec: TrainingSpec) -> Json:
    """A job's CheckpointConfig, if it has one. No part of a tuning job: SageMaker gives all trials the same place, and
    each would go on with what another one left there."""
    if spec.checkpoints is None:
        return {}
    return {"CheckpointConfig": {"S3Uri": spec.checkpoints.s3_uri, "LocalPath": spec.checkpoints.local_path}}


def _algorithm(aws: Aws, spec: TrainingSpec) -> Json:
    algorithm: Json = {"TrainingImage": image_of(aws, spec), "TrainingInputMode": "File"}
    if not isinstance(spec.algorithm, BuiltinAlgorithm):
        if spec.algorithm.entrypoint:
            algorithm["ContainerEntrypoint"] = list(spec.algorithm.entrypoint)
        if spec.algorithm.arguments:
            algorithm["ContainerArguments"] = list(spec.algorithm.arguments)
        if spec.metrics:
            algorithm["MetricDefinitions"] = [{"Name": m.name, "Regex": m.regex} for m in spec.metrics]
    return algorithm


def _resources(spec: TrainingSpec) -> Json:
    resources = spec.resources
    request: Json = {
        "InstanceType": resources.instance_type,
        "InstanceCount": resources.instance_count,
        "VolumeSizeInGB": resources.volume_size_in_gb,
    }
    if resources.keep_alive_period_in_seconds:
        request["KeepAlivePeriodInSeconds"] = resources.keep_alive_period_in_seconds
    return request


def _stopping(spec: TrainingSpec) -> dict[str, int]:
    stopping = spec.stopping
    request = {"MaxRuntimeInSeconds": stopping.max_runtime_in_seconds}
    if stopping.use_spot:
        request["MaxWaitTimeInSeconds"] = stopping.max_wait_time_in_seconds or stopping.max_runtime_in_seconds
    return request
