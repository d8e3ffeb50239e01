"""Data repository associations: a directory of a file system linked to a prefix of a bucket."""

import shutil
from pathlib import Path
from typing import Any

from ...faults import AwsError
from ...paging import page
from ...registry import Context
from .repository import Link, baseline, import_all, synchronize
from .rules import check_tags
from .service import ASSOCIATION, INDEX, earlier_answer, file_system, new_id, remember, service, shown

MAX_PER_FILE_SYSTEM = 8


@service.operation("CreateDataRepositoryAssociation")
def create_association(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Link a prefix of a bucket to a directory; importing comes with its first turn."""
    with ctx.store.transaction():
        made = earlier_answer(ctx, "CreateDataRepositoryAssociation", request)
        if made is not None:
            return {"Association": shown(_association(ctx, made))}
        _check(ctx, request)
        id = new_id("dra")
        document = {
            "AssociationId": id,
            "ResourceARN": ctx.arn("fsx", f"association/{request['FileSystemId']}/{id}"),
            "FileSystemId": request["FileSystemId"],
            "Lifecycle": "CREATING",
            "FileSystemPath": _normal(request["FileSystemPath"]),
            "DataRepositoryPath": request["DataRepositoryPath"],
            "BatchImportMetaDataOnCreate": request.get("BatchImportMetaDataOnCreate", False),
            "ImportedFileChunkSize": request.get("ImportedFileChunkSize", 1024),
            "S3": request.get("S3"),
            "Tags": request.get("Tags", []),
            "CreationTime": ctx.now(),
            "region": ctx.region,
            "fault": ctx.injections.resource_fault("association"),
        }
        ctx.store.put(ASSOCIATION, id, document)
        remember(ctx, "CreateDataRepositoryAssociation", request, id)
        ctx.scheduler.after(ctx.settings.association_creating_seconds, ASSOCIATION, id)
    return {"Association": shown(document)}


@service.operation("DescribeDataRepositoryAssociations")
def describe_associations(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through associations, by ids or filters."""
    if ids := request.get("AssociationIds"):
        found = [_association(ctx, id) for id in ids]
    else:
        found = [document for document in ctx.store.all(ASSOCIATION) if document["region"] == ctx.region]
    for filter in request.get("Filters", []):
        _check_filter(filter)
        found = [document for document in found if _matches(document, filter)]
    items, token = page(found, request.get("MaxResults"), request.get("NextToken"))
    return {"Associations": [shown(document) for document in items], "NextToken": token}


@service.operation("UpdateDataRepositoryAssociation")
def update_association(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Change policies and chunk size."""
    id = request["AssociationId"]
    with ctx.store.transaction():
        document = _association(ctx, id)
        if document["Lifecycle"] in ("CREATING", "DELETING", "UPDATING"):
            raise AwsError("BadRequest", f"Association {id} cannot be updated while it is {document['Lifecycle']}.")
        document["Lifecycle"] = "UPDATING"
        if request.get("S3") is not None:
            document["S3"] = {**(document["S3"] or {}), **request["S3"]}
        document["ImportedFileChunkSize"] = request.get("ImportedFileChunkSize", document["ImportedFileChunkSize"])
        ctx.store.put(ASSOCIATION, id, document)
        ctx.scheduler.after(ctx.settings.association_creating_seconds, ASSOCIATION, id)
    return {"Association": shown(document)}


@service.operation("DeleteDataRepositoryAssociation")
def delete_association(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to unlink; the data stays unless asked otherwise."""
    id = request["AssociationId"]
    delete_data = request.get("DeleteDataInFileSystem", False)
    with ctx.store.transaction():
        document = _association(ctx, id)
        if document["Lifecycle"] != "DELETING":
            ctx.store.update(ASSOCIATION, id, Lifecycle="DELETING", delete_data=delete_data)
            ctx.scheduler.after(ctx.settings.association_deleting_seconds, ASSOCIATION, id)
    return {"AssociationId": id, "Lifecycle": "DELETING", "DeleteDataInFileSystem": delete_data}


@service.lifecycle(ASSOCIATION)
def move_on(ctx: Context, id: str) -> float | None:
    """Finish what is under way, and look for changed files while at rest."""
    document = ctx.store.get(ASSOCIATION, id)
    if document is None:
        return None
    lifecycle = document["Lifecycle"]
    if lifecycle == "DELETING":
        _finish_deletion(ctx, document)
        return None
    if lifecycle == "FAILED":
        return None
    link = link_of(ctx, document)
    if not link.bucket.is_dir():
        _misconfigure(ctx, document, link)
    elif lifecycle == "CREATING":
        _finish_creation(ctx, document, link)
    elif lifecycle != "AVAILABLE":
        _settle(ctx, id, Lifecycle="AVAILABLE", FailureDetails=None)
    else:
        _synchronize(ctx, document, link)
    return ctx.settings.association_scan_seconds


def drop_associations(ctx: Context, file_system_id: str) -> None:
    """Forget all links of a file system that is being deleted."""
    for document in linked(ctx, file_system_id):
        _forget(ctx, document["AssociationId"])


def link_of(ctx: Context, document: dict[str, Any]) -> Link:
    """The two directories that an association links."""
    bucket, _, prefix = document["DataRepositoryPath"].removeprefix("s3://").partition("/")
    directory = ctx.paths.filesystems / document["FileSystemId"] / document["FileSystemPath"].strip("/")
    return Link(ctx.paths.buckets / bucket, prefix.strip("/"), directory)


def _finish_creation(ctx: Context, document: dict[str, Any], link: Link) -> None:
    id = document["AssociationId"]
    if (fault := document["fault"]) is not None:
        details = {"Message": fault.get("message", "The association could not be created.")}
        _settle(ctx, id, Lifecycle=fault["lifecycle"], FailureDetails=details)
        return
    link.directory.mkdir(parents=True, exist_ok=True)
    index = import_all(link) if document["BatchImportMetaDataOnCreate"] else baseline(link)
    ctx.store.put(INDEX, id, index)
    _settle(ctx, id, Lifecycle="AVAILABLE")


def _synchronize(ctx: Context, document: dict[str, Any], link: Link) -> None:
    policies = document["S3"] or {}
    import_events = set(policies.get("AutoImportPolicy", {}).get("Events", []))
    export_events = set(policies.get("AutoExportPolicy", {}).get("Events", []))
    index = ctx.store.get(INDEX, document["AssociationId"]) or {}
    changed = synchronize(link, index, import_events, export_events)
    if changed and ctx.store.get(ASSOCIATION, document["AssociationId"]) is not None:
        ctx.store.put(INDEX, document["AssociationId"], index)


def _settle(ctx: Context, id: str, **changes: Any) -> None:
    """Change an association unless its deletion has begun meanwhile."""
    with ctx.store.transaction():
        current = ctx.store.get(ASSOCIATION, id)
        if current is not None and current["Lifecycle"] != "DELETING":
            ctx.store.update(ASSOCIATION, id, **changes)


def _misconfigure(ctx: Context, document: dict[str, Any], link: Link) -> None:
    if document["Lifecycle"] == "MISCONFIGURED":
        return
    text = (
        f"Amazon FSx is unable to access the S3 bucket {link.bucket.name}. Make sure that the bucket exists and that "
        "its policy and encryption allow Amazon FSx to access it."
    )
    _settle(ctx, document["AssociationId"], Lifecycle="MISCONFIGURED", FailureDetails={"Message": text})


def _finish_deletion(ctx: Context, document: dict[str, Any]) -> None:
    directory = link_of(ctx, document).directory
    if document.get("delete_data") and directory.is_dir():
        _empty(directory)
    _forget(ctx, document["AssociationId"])


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _forget(ctx: Context, id: str) -> None:
    with ctx.store.transaction():
        ctx.store.delete(ASSOCIATION, id)
        ctx.store.delete(INDEX, id)
        ctx.scheduler.cancel(ASSOCIATION, id)


def _association(ctx: Context, id: str) -> dict[str, Any]:
    found = ctx.store.get(ASSOCIATION, id)
    if found is None or found["region"] != ctx.region:
        raise AwsError("DataRepositoryAssociationNotFound", f"Data repository association '{id}' does not exist.")
    return found


def _matches(document: dict[str, Any], filter: dict[str, Any]) -> bool:
    values = {"file-system-id": document["FileSystemId"], "data-repository-type": "S3", "file-cache-id": None}
    return values[filter["Name"]] in filter.get("Values", [])


def _check_filter(filter: dict[str, Any]) -> None:
    name = filter.get("Name")
    if name not in ("file-system-id", "data-repository-type", "file-cache-id"):
        raise AwsError("BadRequest", f"The filter {name} is not valid for this operation.")
    if name == "data-repository-type" and (unknown := set(filter.get("Values", [])) - {"S3", "NFS"}):
        text = f"Not a supported data repository type: {', '.join(sorted(unknown))}. Valid are S3 and NFS."
        raise AwsError("InvalidDataRepositoryType", text)


def _check(ctx: Context, request: dict[str, Any]) -> None:
    """The rules of a new association, in the API reference's words."""
    system = file_system(ctx, request["FileSystemId"])
    if system["Lifecycle"] != "AVAILABLE":
        text = f"File system {request['FileSystemId']} must be AVAILABLE; it is {system['Lifecycle']}."
        raise AwsError("BadRequest", text)
    if system["LustreConfiguration"]["DeploymentType"] == "SCRATCH_1":
        text = "Data repository associations are not supported on the SCRATCH_1 deployment type."
        raise AwsError("UnsupportedOperation", text)
    if system["LustreConfiguration"].get("AutomaticBackupRetentionDays"):
        raise AwsError("BadRequest", "A file system with automatic backups cannot be linked to a data repository.")
    if not request["DataRepositoryPath"].startswith("s3://") or len(request["DataRepositoryPath"]) <= len("s3://"):
        raise AwsError(
            "BadRequest", f"Invalid DataRepositoryPath: {request['DataRepositoryPath']}. It must begin with s3://."
        )
    if not request.get("FileSystemPath", "").startswith("/"):
        raise AwsError("BadRequest", "FileSystemPath is required and must begin with a forward slash (/).")
    check_tags(request.get("Tags", []))
    others = linked(ctx, request["FileSystemId"])
    if len(others) >= MAX_PER_FILE_SYSTEM:
        text = f"A file system can have at most {MAX_PER_FILE_SYSTEM} data repository associations."
        raise AwsError("ServiceLimitExceeded", text, Limit="FILE_SYSTEM_COUNT")
    for other in others:
        _check_apart("FileSystemPath", _normal(request["FileSystemPath"]), other)
        _check_apart("DataRepositoryPath", request["DataRepositoryPath"].rstrip("/"), other)


def _check_apart(member: str, path: str, other: dict[str, Any]) -> None:
    there = other[member].rstrip("/")
    here = path.rstrip("/")
    if here == there or here.startswith(f"{there}/") or there.startswith(f"{here}/"):
        text = f"{member} {path} overlaps with {other[member]} of data repository association {other['AssociationId']}."
        raise AwsError("BadRequest", text)


def _normal(path: str) -> str:
    return "/" + "/".join(part for part in path.split("/") if part)


def linked(ctx: Context, file_system_id: str) -> list[dict[str, Any]]:
    """All associations of a file system."""
    return [document for document in ctx.store.all(ASSOCIATION) if document["FileSystemId"] == file_system_id]


def associations_of(ctx: Context, file_system_id: str) -> list[dict[str, Any]]:
    """The associations of a file system that work now."""
    return [document for document in linked(ctx, file_system_id) if document["Lifecycle"] == "AVAILABLE"]
