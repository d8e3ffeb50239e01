"""What may be changed of a file system, and when.

Sources: the API reference of UpdateFileSystem and UpdateFileSystemLustreConfiguration, and "Managing storage capacity",
"Managing metadata performance" and "Managing provisioned throughput capacity" in the Lustre guide. Where AWS's words
are not public, the text says the documented rule.
"""

from typing import Any

from ....faults import AwsError, NotImplementedByEmulator
from ....registry import Context
from ....store import Doc
from ..association.record import linked
from ..settings import settings
from . import destination, metadata
from .rules import OTHER_KINDS, check_capacity, check_file_system

_UPDATABLE = (
    "WeeklyMaintenanceStartTime",
    "DailyAutomaticBackupStartTime",
    "AutomaticBackupRetentionDays",
    "DataCompressionType",
    "LogConfiguration",
    "RootSquashConfiguration",
    "PerUnitStorageThroughput",
    "MetadataConfiguration",
    "ThroughputCapacity",
    "DataReadCacheConfiguration",
)
_OTHERS = (*OTHER_KINDS, "StorageType", "NetworkType")


def target(ctx: Context, document: Doc, request: dict[str, Any]) -> Doc:
    """What an update asks for, by members of the file system. Raises what AWS answers if it cannot be changed so."""
    id = document["FileSystemId"]
    if document["Lifecycle"] != "AVAILABLE":
        raise AwsError("BadRequest", f"File system {id} cannot be updated while it is {document['Lifecycle']}.")
    for name in _OTHERS:
        if name in request:
            raise AwsError("BadRequest", f"{name} cannot be updated for a LUSTRE file system.")
    changes = request.get("LustreConfiguration", {})
    if "AutoImportPolicy" in changes:
        raise NotImplementedByEmulator("AutoImportPolicy of UpdateFileSystem; use a data repository association")
    lustre = {name: changes[name] for name in _UPDATABLE if name in changes}
    wanted: Doc = {name: request[name] for name in ("StorageCapacity", "FileSystemTypeVersion") if name in request}
    if lustre:
        wanted["LustreConfiguration"] = lustre
    if not wanted:
        raise AwsError("BadRequest", "At least one parameter to update must be given.")
    _check_growth(ctx, document, wanted)
    _check_version(document, wanted)
    _check_lustre(ctx, document, lustre)
    complete = {**document["LustreConfiguration"], **lustre}
    if "MetadataConfiguration" in complete:
        complete["MetadataConfiguration"] = metadata.asked(complete["MetadataConfiguration"])
    as_new = {**document, **wanted, "LustreConfiguration": complete}
    check_file_system({name: value for name, value in as_new.items() if value is not None})
    return wanted


def _check_growth(ctx: Context, document: Doc, wanted: Doc) -> None:
    capacity = wanted.get("StorageCapacity")
    if capacity is None:
        return
    lustre = {**document["LustreConfiguration"], **wanted.get("LustreConfiguration", {})}
    if lustre["DeploymentType"] == "SCRATCH_1":
        raise AwsError("BadRequest", "Storage capacity cannot be increased for deployment type SCRATCH_1.")
    if "MetadataConfiguration" in wanted.get("LustreConfiguration", {}):
        raise AwsError("BadRequest", "Metadata performance and storage capacity cannot be scaled at the same time.")
    if capacity <= (document["StorageCapacity"] or 0):
        text = f"The storage capacity must be greater than the current one, {document['StorageCapacity']} GiB."
        raise AwsError("BadRequest", text)
    check_capacity(lustre["DeploymentType"], document["StorageType"], capacity, lustre.get("PerUnitStorageThroughput"))
    _check_pause(ctx, document, "StorageCapacity", "storage capacity")


def _check_pause(ctx: Context, document: Doc, member: str, what: str) -> None:
    """No change within six hours of the last one; the creation is none."""
    for action in document["AdministrativeActions"]:
        asked = action.get("TargetFileSystemValues", {})
        asked = {**asked, **asked.get("LustreConfiguration", {})}
        if member in asked and ctx.now() - action["RequestTime"] < settings(ctx).fsx_increase_pause_seconds:
            raise AwsError("BadRequest", f"The {what} cannot be changed until 6 hours after the last change.")


def _check_version(document: Doc, wanted: Doc) -> None:
    version = wanted.get("FileSystemTypeVersion")
    if version is None:
        return
    now = document["FileSystemTypeVersion"]
    if version not in ("2.12", "2.15") or _number(version) <= _number(now):
        text = f"Invalid FileSystemTypeVersion {version}: it must be 2.12 or 2.15, and newer than the current {now}."
        raise AwsError("BadRequest", text)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _check_lustre(ctx: Context, document: Doc, lustre: dict[str, Any]) -> None:
    now = document["LustreConfiguration"]
    if lustre.get("AutomaticBackupRetentionDays") and linked(ctx, document["FileSystemId"]):
        raise AwsError("BadRequest", "A file system that is linked to a data repository cannot have automatic backups.")
    if "LogConfiguration" in lustre:
        destination.check(ctx, lustre["LogConfiguration"])
        lustre["LogConfiguration"] = destination.shown(ctx, document["FileSystemId"], lustre["LogConfiguration"])
    if "PerUnitStorageThroughput" in lustre:
        if document["StorageType"] != "SSD":
            raise AwsError("BadRequest", "PerUnitStorageThroughput can be updated only for storage type SSD.")
        if now.get("EfaEnabled"):
            raise AwsError("BadRequest", "The throughput of a file system with EFA enabled cannot be updated.")
    for name in ("PerUnitStorageThroughput", "ThroughputCapacity"):
        if name in lustre:
            _check_pause(ctx, document, name, "throughput capacity")
    if lustre.get("ThroughputCapacity", now.get("ThroughputCapacity", 0)) < now.get("ThroughputCapacity", 0):
        text = f"ThroughputCapacity cannot be decreased; the file system has {now['ThroughputCapacity']} MBps."
        raise AwsError("BadRequest", text)
    if "MetadataConfiguration" in lustre:
        configuration = now.get("MetadataConfiguration")
        asked = lustre["MetadataConfiguration"]
        capacity = document["StorageCapacity"]
        lustre["MetadataConfiguration"] = metadata.target(configuration, asked, document["StorageType"], capacity)
        _check_pause(ctx, document, "MetadataConfiguration", "metadata performance")
