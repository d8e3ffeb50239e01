"""What FSx refuses of associations, in the API reference's words."""

from typing import Any

from ....faults import AwsError
from ....guard import Outside, is_bucket_name, names
from ....registry import Context
from ..documents import file_system
from ..tags.rules import check_tags
from .record import linked, normal

MAX_PER_FILE_SYSTEM = 8


def check(ctx: Context, request: dict[str, Any]) -> None:
    """The rules of a new association, in the API reference's words."""
    system = file_system(ctx, request["FileSystemId"])
    if system["Lifecycle"] != "AVAILABLE":
        text = f"File system {request['FileSystemId']} must be AVAILABLE; it is {system['Lifecycle']}."
        raise AwsError("BadRequest", text)
    if system["LustreConfiguration"]["DeploymentType"] == "SCRATCH_1":
        text = "Data repository associations are not supported on the SCRATCH_1 deployment type."
        raise AwsError("UnsupportedOperation", text)
    if system["FileSystemTypeVersion"] == "2.10":
        text = "Data repository associations are supported on Lustre 2.12 and 2.15 file systems; this one is 2.10."
        raise AwsError("UnsupportedOperation", text)
    if system["LustreConfiguration"].get("AutomaticBackupRetentionDays"):
        raise AwsError("BadRequest", "A file system with automatic backups cannot be linked to a data repository.")
    _check_paths(request)
    check_tags(request.get("Tags", []))
    others = linked(ctx, request["FileSystemId"])
    if len(others) >= MAX_PER_FILE_SYSTEM:
        text = f"A file system can have at most {MAX_PER_FILE_SYSTEM} data repository associations."
        raise AwsError("ServiceLimitExceeded", text, Limit="FILE_SYSTEM_COUNT")
    for other in others:
        _check_apart("FileSystemPath", normal(request["FileSystemPath"]), other)
        _check_apart("DataRepositoryPath", request["DataRepositoryPath"].rstrip("/"), other)


def _check_paths(request: dict[str, Any]) -> None:
    """The form of both paths. AWS's texts for relative parts are not public; the rule is the API reference's."""
    repository = request["DataRepositoryPath"]
    bucket, _, prefix = repository.removeprefix("s3://").partition("/")
    if not repository.startswith("s3://") or not is_bucket_name(bucket):
        raise AwsError(
            "BadRequest", f"Invalid DataRepositoryPath: {repository}. It must begin with s3:// and a bucket's name."
        )
    if not request.get("FileSystemPath", "").startswith("/"):
        raise AwsError("BadRequest", "FileSystemPath is required and must begin with a forward slash (/).")
    for member, path in (("DataRepositoryPath", prefix), ("FileSystemPath", request["FileSystemPath"])):
        try:
            names(path)
        except Outside as problem:
            raise AwsError("BadRequest", f"Invalid {member}: {problem}.") from None


def _check_apart(member: str, path: str, other: dict[str, Any]) -> None:
    there = other[member].rstrip("/")
    here = path.rstrip("/")
    if here == there or here.startswith(f"{there}/") or there.startswith(f"{here}/"):
        text = f"{member} {path} overlaps with {other[member]} of data repository association {other['AssociationId']}."
        raise AwsError("BadRequest", text)


def check_filter(filter: dict[str, Any]) -> None:
    """Raise what AWS answers to a filter it does not know."""
    name = filter.get("Name")
    if name not in ("file-system-id", "data-repository-type", "file-cache-id"):
        raise AwsError("BadRequest", f"The filter {name} is not valid for this operation.")
    if name == "data-repository-type" and (unknown := set(filter.get("Values", [])) - {"S3", "NFS"}):
        text = f"Not a supported data repository type: {', '.join(sorted(unknown))}. Valid are S3 and NFS."
        raise AwsError("InvalidDataRepositoryType", text)
