"""Operations of data repository associations."""

from typing import Any

from ....faults import AwsError
from ....paging import page
from ....registry import Context
from ..documents import ASSOCIATION, asked_for, new_id, shown
from ..service import service, tokens
from ..settings import settings
from .record import association, matches, normal
from .rules import check, check_filter

_PAGE = 25
"""The most that MaxResults may ask for, by the service model."""


@service.operation("CreateDataRepositoryAssociation")
def create_association(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Link a prefix of a bucket to a directory; importing comes with its first turn."""
    with ctx.store.transaction():
        made = tokens.earlier(ctx, "CreateDataRepositoryAssociation", request)
        if made is not None:
            return {"Association": shown(association(ctx, made))}
        check(ctx, request)
        id = new_id("dra")
        document = {
            "AssociationId": id,
            "ResourceARN": ctx.arn("fsx", f"association/{request['FileSystemId']}/{id}"),
            "FileSystemId": request["FileSystemId"],
            "Lifecycle": "CREATING",
            "FileSystemPath": normal(request["FileSystemPath"]),
            "DataRepositoryPath": request["DataRepositoryPath"],
            "BatchImportMetaDataOnCreate": request.get("BatchImportMetaDataOnCreate", False),
            "ImportedFileChunkSize": request.get("ImportedFileChunkSize", 1024),
            "S3": request.get("S3"),
            "Tags": request.get("Tags", []),
            "CreationTime": ctx.now(),
            "region": ctx.region,
            "fault": ctx.injections.misfortune("resource", "association"),
        }
        ctx.store.put(ASSOCIATION, id, document)
        tokens.remember(ctx, "CreateDataRepositoryAssociation", request, id)
        ctx.scheduler.after(settings(ctx).association_creating_seconds, ASSOCIATION, id)
    return {"Association": shown(document)}


@service.operation("DescribeDataRepositoryAssociations")
def describe_associations(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Page through associations, by ids or filters."""
    found = asked_for(ctx, ASSOCIATION, request.get("AssociationIds"), association)
    for filter in request.get("Filters", []):
        check_filter(filter)
        found = [document for document in found if matches(document, filter)]
    items, token = page(found, request.get("MaxResults", _PAGE), request.get("NextToken"))
    return {"Associations": [shown(document) for document in items], "NextToken": token}


@service.operation("UpdateDataRepositoryAssociation")
def update_association(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Change policies and chunk size."""
    id = request["AssociationId"]
    with ctx.store.transaction():
        document = association(ctx, id)
        if tokens.earlier(ctx, "UpdateDataRepositoryAssociation", request) is not None:
            return {"Association": shown(document)}
        if document["Lifecycle"] in ("CREATING", "DELETING", "UPDATING"):
            raise AwsError("BadRequest", f"Association {id} cannot be updated while it is {document['Lifecycle']}.")
        document["Lifecycle"] = "UPDATING"
        if request.get("S3") is not None:
            document["S3"] = {**(document["S3"] or {}), **request["S3"]}
        document["ImportedFileChunkSize"] = request.get("ImportedFileChunkSize", document["ImportedFileChunkSize"])
        ctx.store.put(ASSOCIATION, id, document)
        tokens.remember(ctx, "UpdateDataRepositoryAssociation", request, id)
        ctx.scheduler.after(settings(ctx).association_creating_seconds, ASSOCIATION, id)
    return {"Association": shown(document)}


@service.operation("DeleteDataRepositoryAssociation")
def delete_association(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin to unlink; the data stays unless asked otherwise."""
    id = request["AssociationId"]
    delete_data = request.get("DeleteDataInFileSystem", False)
    with ctx.store.transaction():
        document = association(ctx, id)
        known = tokens.earlier(ctx, "DeleteDataRepositoryAssociation", request)
        tokens.remember(ctx, "DeleteDataRepositoryAssociation", request, id)
        if known is None and document["Lifecycle"] != "DELETING":
            ctx.store.update(ASSOCIATION, id, Lifecycle="DELETING", delete_data=delete_data)
            ctx.scheduler.after(settings(ctx).association_deleting_seconds, ASSOCIATION, id)
    return {"AssociationId": id, "Lifecycle": "DELETING", "DeleteDataInFileSystem": delete_data}
