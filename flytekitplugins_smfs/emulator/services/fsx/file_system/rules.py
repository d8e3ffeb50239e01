"""What FSx for Lustre accepts: the combinations of deployment type, storage, capacity and throughput.

Source: the API reference of CreateFileSystem and CreateFileSystemLustreConfiguration, and the Lustre guide's
"Managing storage and throughput capacity".
"""

from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....registry import Context
from ..association.record import linked
from ..documents import TASK
from ..task.record import UNFINISHED
from . import metadata

OTHER_KINDS = ("WindowsConfiguration", "OntapConfiguration", "OpenZFSConfiguration")
"""The configurations of file systems of other types. AWS's text for them is public for a deletion only."""
PERSISTENT = ("PERSISTENT_1", "PERSISTENT_2")
LUSTRE_PORTS = (988, *range(1018, 1024))
_SSD_THROUGHPUT = {"PERSISTENT_1": (50, 100, 200), "PERSISTENT_2": (125, 250, 500, 1000)}
_HDD_STEP = {12: 6000, 40: 1800}
_MOST_SQUASHED = 4294967294
_TIERING_ONLY = ("ThroughputCapacity", "DataReadCacheConfiguration")
_OLD_REPOSITORY = ("ImportPath", "ExportPath", "AutoImportPolicy", "ImportedFileChunkSize")
_THROUGHPUT_TEXT = (
    "Invalid Lustre deployment configuration: the provided throughput is invalid or does not meet the storage "
    "capacity requirement"
)


def check_file_system(request: dict[str, Any]) -> None:
    """Raise what AWS answers if the parameters of a new file system do not go together."""
    if request["FileSystemType"] != "LUSTRE":
        raise NotImplementedByEmulator(f"file systems of type {request['FileSystemType']}")
    for name in OTHER_KINDS:
        if name in request:
            raise AwsError("BadRequest", f"{name} cannot be applied to create a LUSTRE file system.")
    if len(request["SubnetIds"]) != 1:
        raise AwsError("BadRequest", "Exactly one subnet ID must be specified for this file system type.")
    lustre = request.get("LustreConfiguration", {})
    deployment = lustre.get("DeploymentType", "SCRATCH_1")
    storage = request.get("StorageType", "SSD")
    for name in _OLD_REPOSITORY:
        if name in lustre:
            raise NotImplementedByEmulator(f"{name} of CreateFileSystem; create a data repository association")
    _check_storage_type(deployment, storage, lustre)
    if storage == "INTELLIGENT_TIERING":
        _check_tiering(request, lustre)
    else:
        if request.get("StorageCapacity") is None:
            raise AwsError("BadRequest", "StorageCapacity is required for Lustre file systems.")
        _check_throughput(deployment, storage, lustre)
        check_capacity(deployment, storage, request["StorageCapacity"], lustre.get("PerUnitStorageThroughput"))
    _check_persistent_only(request, lustre, deployment)
    _check_metadata(lustre, deployment, storage)
    _check_root_squash(lustre.get("RootSquashConfiguration", {}))
    if request.get("NetworkType", "IPV4") != "IPV4":
        raise AwsError("BadRequest", f"NetworkType {request['NetworkType']} is not supported for LUSTRE file systems.")
    version_of(request)


def check_capacity(deployment: str, storage: str, capacity: int, throughput: int | None) -> None:
    """Raise BadRequest unless the capacity (GiB) is one that this deployment type is made in."""
    step = capacity_step(deployment, storage, throughput)
    if storage == "HDD":
        if capacity <= 0 or capacity % step:
            raise AwsError(
                "BadRequest", f"Invalid Lustre FS storage capacity: {capacity}. Must be a multiple of {step}."
            )
        return
    smaller = (1200, 2400) if deployment == "SCRATCH_1" else (1200,)
    if capacity not in smaller and (capacity <= 0 or capacity % step):
        sizes = ", ".join(map(str, smaller))
        text = f"Invalid Lustre FS storage capacity: {capacity}. Must be {sizes} or a multiple of {step}."
        raise AwsError("BadRequest", text)


def capacity_step(deployment: str, storage: str, throughput: int | None) -> int:
    """The GiB in whose multiples a file system is made."""
    if storage == "HDD":
        return _HDD_STEP[throughput or 12]
    return 3600 if deployment == "SCRATCH_1" else 2400


def version_of(request: dict[str, Any]) -> str:
    """The Lustre version of a new file system. Raises BadRequest for one its deployment type does not have."""
    lustre = request.get("LustreConfiguration", {})
    deployment = lustre.get("DeploymentType", "SCRATCH_1")
    version: str | None = request.get("FileSystemTypeVersion")
    valid: tuple[str, ...] = ("2.10", "2.12", "2.15")
    if deployment == "PERSISTENT_2":
        valid = ("2.15",) if lustre.get("MetadataConfiguration") else ("2.12", "2.15")
    if version is None:
        return valid[0]
    if version not in valid:
        raise AwsError(
            "BadRequest", f"Invalid FileSystemTypeVersion {version} for {deployment}. Valid values: {', '.join(valid)}."
        )
    return version


def check_network(ctx: Context, request: dict[str, Any]) -> tuple[str, list[str]]:
    """The VPC and the security groups of a new file system, or InvalidNetworkSettings."""
    id = request["SubnetIds"][0]
    subnet = ctx.ec2.subnet(id)
    if subnet is None:
        raise AwsError("InvalidNetworkSettings", f"The subnet ID '{id}' does not exist.", InvalidSubnetId=id)
    groups = list(request.get("SecurityGroupIds") or [ctx.ec2.default_group(subnet.vpc).id])
    for group_id in groups:
        group = ctx.ec2.group(group_id)
        if group is None or group.vpc != subnet.vpc:
            text = f"The security group ID '{group_id}' does not exist in {subnet.vpc}."
            raise AwsError("InvalidNetworkSettings", text, InvalidSecurityGroupId=group_id)
    if closed := ctx.ec2.closed_ports(groups, groups, LUSTRE_PORTS):
        raise AwsError(
            "InvalidNetworkSettings",
            "The file system cannot be created because the default security group in the subnet provided or the "
            f"provided security groups do not permit Lustre LNET network traffic on port {closed[0]}",
        )
    return subnet.vpc, groups


def _check_storage_type(deployment: str, storage: str, lustre: dict[str, Any]) -> None:
    allowed = {"SSD": ("SCRATCH_1", "SCRATCH_2", *PERSISTENT), "HDD": ("PERSISTENT_1",)}
    if deployment not in allowed.get(storage, ("PERSISTENT_2",)):
        raise AwsError("BadRequest", f"Storage type {storage} is not supported for deployment type {deployment}.")
    if (storage == "HDD") != ("DriveCacheType" in lustre):
        raise AwsError("BadRequest", "DriveCacheType is required for storage type HDD, and supported for no other.")
    given = [name for name in _TIERING_ONLY if name in lustre]
    if given and storage != "INTELLIGENT_TIERING":
        raise AwsError("BadRequest", f"{given[0]} is not supported for storage type {storage}.")


def _check_throughput(deployment: str, storage: str, lustre: dict[str, Any]) -> None:
    given = lustre.get("PerUnitStorageThroughput")
    if deployment not in PERSISTENT:
        if given is not None:
            raise AwsError("BadRequest", f"PerUnitStorageThroughput is not supported for deployment type {deployment}.")
        return
    valid = tuple(_HDD_STEP) if storage == "HDD" else _SSD_THROUGHPUT[deployment]
    if given is None:
        raise AwsError("BadRequest", f"PerUnitStorageThroughput is required for deployment type {deployment}.")
    if given not in valid:
        raise AwsError(
            "InvalidPerUnitStorageThroughput", f"{_THROUGHPUT_TEXT}. Valid values: {', '.join(map(str, valid))}."
        )


def _check_tiering(request: dict[str, Any], lustre: dict[str, Any]) -> None:
    if request.get("StorageCapacity") is not None or lustre.get("PerUnitStorageThroughput") is not None:
        text = "StorageCapacity and PerUnitStorageThroughput cannot be given for storage type INTELLIGENT_TIERING."
        raise AwsError("BadRequest", text)
    if lustre.get("ThroughputCapacity") is None or lustre["ThroughputCapacity"] % 4000:
        raise AwsError(
            "BadRequest", "ThroughputCapacity must be a multiple of 4000 for storage type INTELLIGENT_TIERING."
        )
    if "DataReadCacheConfiguration" not in lustre:
        raise AwsError("BadRequest", "DataReadCacheConfiguration is required for storage type INTELLIGENT_TIERING.")


def _check_persistent_only(request: dict[str, Any], lustre: dict[str, Any], deployment: str) -> None:
    if deployment in PERSISTENT:
        return
    given = [name for name in ("AutomaticBackupRetentionDays", "DailyAutomaticBackupStartTime") if lustre.get(name)]
    if request.get("KmsKeyId"):
        given.append("KmsKeyId")
    if given:
        raise AwsError("BadRequest", f"{given[0]} is not supported for deployment type {deployment}.")


def _check_metadata(lustre: dict[str, Any], deployment: str, storage: str) -> None:
    configuration = lustre.get("MetadataConfiguration")
    if configuration is None:
        if lustre.get("EfaEnabled"):
            raise AwsError("BadRequest", "EFA needs a PERSISTENT_2 file system with a MetadataConfiguration.")
        return
    if deployment != "PERSISTENT_2":
        raise AwsError("BadRequest", f"MetadataConfiguration is not supported for deployment type {deployment}.")
    metadata.check(configuration, storage)


def _check_root_squash(configuration: dict[str, Any]) -> None:
    """Both ids 0, which disables it, or neither; see the API reference of LustreRootSquashConfiguration."""
    if "RootSquash" not in configuration:
        return
    ids = [int(part) for part in configuration["RootSquash"].split(":")]
    if ids != [0, 0] and not all(1 <= number <= _MOST_SQUASHED for number in ids):
        text = (
            f"Invalid RootSquash {configuration['RootSquash']}: the UID and the GID must both be 0, or both from 1 to "
            f"{_MOST_SQUASHED}."
        )
        raise AwsError("BadRequest", text)


def key_of(ctx: Context, request: dict[str, Any]) -> str | None:
    """The ARN of the KMS key that is named by id, alias or ARN; BadRequest if there is none. None if none is named."""
    if "KmsKeyId" not in request:
        return None
    arn = ctx.kms.arn(request["KmsKeyId"])
    if arn is None:
        raise AwsError("BadRequest", f"The KMS key {request['KmsKeyId']} does not exist.")
    return arn


def check_deletion(ctx: Context, document: dict[str, Any], request: dict[str, Any]) -> None:
    """Raise BadRequest while a data repository task is under way, and for a final backup of what has no backups."""
    id = document["FileSystemId"]
    for name in OTHER_KINDS:
        if name in request:
            raise AwsError("BadRequest", f"{name} cannot be applied to delete a LUSTRE file system.")
    if any(task["FileSystemId"] == id and task["Lifecycle"] in UNFINISHED for task in ctx.store.all(TASK)):
        text = f"File system {id} cannot be deleted while a data repository task is PENDING or EXECUTING."
        raise AwsError("BadRequest", text)
    if request.get("LustreConfiguration", {}).get("SkipFinalBackup", True):
        return
    if document["LustreConfiguration"]["DeploymentType"] not in PERSISTENT or linked(ctx, id):
        text = f"File system {id} cannot have a final backup: it is linked to a data repository, or of a scratch type."
        raise AwsError("BadRequest", text)
    raise NotImplementedByEmulator("final backups of DeleteFileSystem")
