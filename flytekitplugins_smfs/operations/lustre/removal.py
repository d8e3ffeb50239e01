"""Removing file systems and associations, in steps that anybody can take up: a tag says what is to be removed."""

from __future__ import annotations

from collections.abc import Callable

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import FINGERPRINT_TAG, REMOVING_TAG, tag_list, tag_map
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.values.errors import AwsFault, Conflict, Denied, Invalid, Missing
from flytekitplugins_smfs.values.plain import Json, Record

WITH_DATA = "with-data"
"""The tag's value on an association whose data on the file system goes with it; WITHOUT_DATA keeps it there."""
WITHOUT_DATA = "yes"


def remove_file_system(aws: Aws, file_system_id: str) -> bool:
    """Bring a file system one step nearer to its end: its associations first, then itself; True once it is gone."""
    found = records.describe(aws, file_system_id)
    return found is None or _step(aws, found)


def _step(aws: Aws, found: Record) -> bool:
    if found["Lifecycle"] in records.GOING:
        return False
    file_system_id = found["FileSystemId"]
    _tag(aws, found, WITHOUT_DATA)
    view(aws).doubt(records.FILE_SYSTEM, file_system_id)
    try:
        return _links_then_itself(aws, file_system_id)
    except AwsFault as fault:
        if not fault.passing:
            raise
        return False  # it carries the mark: whoever sees that goes on


def _links_then_itself(aws: Aws, file_system_id: str) -> bool:
    links = list(records.associations(aws, file_system_id))
    gone = [remove_association(aws, link["AssociationId"]) for link in links]  # asks for all, not up to the first
    if not all(gone):
        return False
    request = {"FileSystemId": file_system_id}

    def lifecycle() -> str:
        return str((records.describe(aws, file_system_id) or {}).get("Lifecycle"))

    return _deleted(aws, "DeleteFileSystem", request, f"deleting file system {file_system_id}", lifecycle)


def remove_association(aws: Aws, association_id: str, *, delete_data: bool = False) -> bool:
    """Bring an association one step nearer to its end; True once it is gone. Its data stays unless asked otherwise."""
    try:
        found = records.association(aws, association_id)
    except Missing:
        return True
    if found["Lifecycle"] in records.GOING:
        return False
    delete_data = delete_data or records.has_tag(found, REMOVING_TAG, WITH_DATA)
    _tag(aws, found, WITH_DATA if delete_data else WITHOUT_DATA)
    view(aws).doubt(records.ASSOCIATION, association_id)
    request = {"AssociationId": association_id, "DeleteDataInFileSystem": delete_data}
    doing = f"deleting data repository association {association_id}"

    def lifecycle() -> str:
        try:
            return str(records.association(aws, association_id)["Lifecycle"])
        except Missing:
            return ""

    return _deleted(aws, "DeleteDataRepositoryAssociation", request, doing, lifecycle)


def sweep(aws: Aws) -> tuple[str, ...]:
    """Go on with every removal that was begun here or elsewhere. Nothing is removed that does not carry the tag.

    Gives what is still there.
    """
    left = []
    for link in list(records.associations(aws)):
        if records.has_tag(link, REMOVING_TAG) and not remove_association(aws, link["AssociationId"]):
            left.append(str(link["AssociationId"]))
    for system in records.file_systems(aws, REMOVING_TAG):
        if not _step(aws, system):
            left.append(str(system["FileSystemId"]))
    return tuple(left)


def _tag(aws: Aws, found: Record, value: str) -> None:
    """Say on the resource that it is to be removed. Without the right to, it is removed all the same."""
    if tag_map(found.get("Tags")).get(REMOVING_TAG) == value:
        return
    arn = found["ResourceARN"]
    request = {"ResourceARN": arn, "Tags": tag_list({REMOVING_TAG: value})}
    doing = f"marking {arn} for removal"
    try:
        try:
            aws.call("fsx", "TagResource", request, doing=doing)
        except Invalid:  # it has as many tags as it may have; what is removed needs no mark of its spec any more
            aws.call("fsx", "UntagResource", {"ResourceARN": arn, "TagKeys": [FINGERPRINT_TAG]}, doing=doing)
            aws.call("fsx", "TagResource", request, doing=doing)
    except (Denied, Invalid, Missing, Conflict):
        return


def _deleted(aws: Aws, operation: str, request: Json, doing: str, lifecycle: Callable[[], str]) -> bool:
    """Ask AWS for a deletion; True if there is nothing to delete. What AWS refuses while it is busy is asked again."""
    try:
        aws.call("fsx", operation, request, doing=doing)
    except Missing:
        return True
    except (Conflict, Invalid) as fault:
        if not _busy(fault) and lifecycle() not in records.UNDER_WAY:
            raise
    return False


def _busy(fault: AwsFault) -> bool:
    """A task under way on it is AWS's reason to wait, whatever its lifecycle."""
    return fault.code == "DataRepositoryTaskExecuting"
