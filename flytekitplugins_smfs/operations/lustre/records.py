"""Reading and removing FSx file systems and their data repository associations; shared by several operations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import tag_map
from flytekitplugins_smfs.values.errors import Conflict, Invalid, Missing

UNDER_WAY = frozenset({"CREATING", "UPDATING", "DELETING"})
"""While it is so, AWS may refuse a deletion that it takes later."""
GOING = frozenset({"DELETING"})
BROKEN = frozenset({"FAILED", "MISCONFIGURED", "MISCONFIGURED_UNAVAILABLE"})


def describe(aws: Aws, file_system_id: str) -> dict[str, Any] | None:
    """The file system as AWS describes it; None when it does not exist (any more)."""
    try:
        request = {"FileSystemIds": [file_system_id]}
        answer = aws.call("fsx", "DescribeFileSystems", request, doing=f"reading file system {file_system_id}")
    except Missing:
        return None
    found: list[dict[str, Any]] = answer["FileSystems"]
    return found[0] if found else None


def tagged(aws: Aws, key: str, value: str) -> list[dict[str, Any]]:
    """All Lustre file systems with this tag, oldest first, whatever page they are on."""
    doing = f"looking for file systems tagged {key}={value}"
    found = [
        system
        for system in aws.pages("fsx", "DescribeFileSystems", "FileSystems", doing=doing)
        if system["FileSystemType"] == "LUSTRE" and tag_map(system.get("Tags")).get(key) == value
    ]
    return sorted(found, key=lambda system: (system["CreationTime"], system["FileSystemId"]))


def associations(aws: Aws, file_system_id: str) -> Iterator[dict[str, Any]]:
    """All data repository associations of a file system."""
    request = {"Filters": [{"Name": "file-system-id", "Values": [file_system_id]}]}
    doing = f"reading the data repository associations of {file_system_id}"
    yield from aws.pages("fsx", "DescribeDataRepositoryAssociations", "Associations", request, doing=doing)


def association(aws: Aws, association_id: str) -> dict[str, Any] | None:
    """One association; None when it does not exist (any more)."""
    request = {"AssociationIds": [association_id]}
    try:
        doing = f"reading data repository association {association_id}"
        answer = aws.call("fsx", "DescribeDataRepositoryAssociations", request, doing=doing)
    except Missing:
        return None
    found: list[dict[str, Any]] = answer["Associations"]
    return found[0] if found else None


def remove_association(aws: Aws, association_id: str, *, delete_data: bool = False) -> bool:
    """Bring an association one step nearer to its end; True once it is gone. Its data stays unless asked otherwise."""
    found = association(aws, association_id)
    if found is None:
        return True
    if found["Lifecycle"] in GOING:
        return False
    request = {"AssociationId": association_id, "DeleteDataInFileSystem": delete_data}
    try:
        doing = f"deleting data repository association {association_id}"
        aws.call("fsx", "DeleteDataRepositoryAssociation", request, doing=doing)
    except Missing:
        return True
    except (Conflict, Invalid):
        if (association(aws, association_id) or {}).get("Lifecycle") not in UNDER_WAY:
            raise
    return False


def remove_file_system(aws: Aws, file_system_id: str) -> bool:
    """Bring a file system one step nearer to its end: its associations first, then itself; True once it is gone."""
    found = describe(aws, file_system_id)
    if found is None:
        return True
    if found["Lifecycle"] in GOING:
        return False
    links = list(associations(aws, file_system_id))
    gone = [remove_association(aws, link["AssociationId"]) for link in links]  # asks for all, not up to the first
    if not all(gone):
        return False
    try:
        request = {"FileSystemId": file_system_id}
        aws.call("fsx", "DeleteFileSystem", request, doing=f"deleting file system {file_system_id}")
    except Missing:
        return True
    except (Conflict, Invalid):
        if (describe(aws, file_system_id) or {}).get("Lifecycle") not in UNDER_WAY:
            raise
    return False


def failure(found: dict[str, Any]) -> str:
    """AWS's own account of why a file system or association is broken."""
    details = found.get("FailureDetails") or {}
    return f"{found['Lifecycle']}: {details.get('Message') or 'AWS gave no reason'}"
