"""What FSx tells of Lustre file systems and their data repository associations."""

from __future__ import annotations

from collections.abc import Iterator

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.faults import ADVICE
from flytekitplugins_smfs.aws.kinds import Kind, Page, Window, by, date_of
from flytekitplugins_smfs.aws.names import REMOVING_TAG, tag_map
from flytekitplugins_smfs.values.errors import Missing
from flytekitplugins_smfs.values.plain import Json, Record

UNDER_WAY = frozenset({"CREATING", "UPDATING", "DELETING"})
"""While it is so, AWS may refuse a deletion that it takes later."""
GOING = frozenset({"DELETING"})
BROKEN = frozenset({"FAILED", "MISCONFIGURED", "MISCONFIGURED_UNAVAILABLE"})
DEAD = GOING | BROKEN
READY = frozenset({"AVAILABLE", "UPDATING"})
SHORTAGES = ("capacity", "insufficient", "limit exceeded", "internal error", "internal failure")
"""What AWS's account of a failed creation holds where another attempt may go well."""


def file_system(aws: Aws, file_system_id: str) -> Json:
    """The file system as AWS describes it; raises Missing when it does not exist (any more)."""
    request = {"FileSystemIds": [file_system_id]}
    doing = f"reading file system {file_system_id}"
    answer = aws.call("fsx", "DescribeFileSystems", request, doing=doing)
    return only(answer["FileSystems"], doing, "DescribeFileSystems", "FileSystemNotFound")


def describe(aws: Aws, file_system_id: str) -> Json | None:
    """The same; None when it does not exist (any more)."""
    try:
        return file_system(aws, file_system_id)
    except Missing:
        return None


def file_systems(aws: Aws, key: str, value: str | None = None) -> list[Json]:
    """All Lustre file systems with this tag (and value), oldest first, whatever page they are on."""
    doing = f"looking for file systems tagged {key}" + (f"={value}" if value is not None else "")
    found = [
        system
        for system in aws.pages("fsx", "DescribeFileSystems", "FileSystems", doing=doing)
        if system["FileSystemType"] == "LUSTRE" and has_tag(system, key, value)
    ]
    return sorted(found, key=lambda system: (system["CreationTime"], system["FileSystemId"]))


def has_tag(record: Record, key: str, value: str | None = None) -> bool:
    """Whether it carries the tag, with this value if one is given."""
    found = tag_map(record.get("Tags")).get(key)
    return found is not None and value in (None, found)


def associations(aws: Aws, file_system_id: str | None = None) -> Iterator[Json]:
    """All data repository associations, or those of one file system."""
    request = {"Filters": [{"Name": "file-system-id", "Values": [file_system_id]}]} if file_system_id else {}
    doing = f"reading the data repository associations of {file_system_id or 'every file system'}"
    yield from aws.pages("fsx", "DescribeDataRepositoryAssociations", "Associations", request, doing=doing)


def association(aws: Aws, association_id: str) -> Json:
    """One association; raises Missing when it does not exist (any more)."""
    request = {"AssociationIds": [association_id]}
    doing = f"reading data repository association {association_id}"
    answer = aws.call("fsx", "DescribeDataRepositoryAssociations", request, doing=doing)
    code = "DataRepositoryAssociationNotFound"
    return only(answer["Associations"], doing, "DescribeDataRepositoryAssociations", code)


def dying(record: Record) -> bool:
    """Whether it is going, broken, or marked for removal: it can be neither used nor adopted."""
    return record["Lifecycle"] in DEAD or has_tag(record, REMOVING_TAG)


def going(record: Record) -> bool:
    """Whether it is being removed, or is marked to be."""
    return record["Lifecycle"] in GOING or has_tag(record, REMOVING_TAG)


def failure(found: Record) -> str:
    """AWS's own account of why a file system or association is broken."""
    details = found.get("FailureDetails") or {}
    return f"{found['Lifecycle']}: {details.get('Message') or 'AWS gave no reason'}"


def another_may_do(found: Record | None, ours: bool) -> bool:
    """Whether another attempt may go well: it broke for want of something that may be there then, or it is ours and is
    going or gone. That is how one looks that broke for such a want and was cleaned up, whoever did it."""
    if found is None or found["Lifecycle"] in GOING:
        return ours
    text = failure(found).lower()
    return any(word in text for word in SHORTAGES)


def only(found: list[Json], doing: str, operation: str, code: str) -> Json:
    """The one that was asked for by its id; raises Missing for none."""
    if not found:
        text, advice = "AWS shows none of this id.", ADVICE.get(code, "")
        raise Missing(doing=doing, service="fsx", operation=operation, code=code, text=text, advice=advice)
    return found[0]


# FSx narrows no listing by time, so both are listed whole.


def _file_system_page(aws: Aws, window: Window, token: str | None) -> Page:
    request = {"NextToken": token} if token else {}
    answer = aws.call("fsx", "DescribeFileSystems", request, doing="listing file systems")
    return Page(by("FileSystemId", answer["FileSystems"]), answer.get("NextToken"), date_of(answer))


def _association_page(aws: Aws, window: Window, token: str | None) -> Page:
    request = {"NextToken": token} if token else {}
    doing = "listing data repository associations"
    answer = aws.call("fsx", "DescribeDataRepositoryAssociations", request, doing=doing)
    return Page(by("AssociationId", answer["Associations"]), answer.get("NextToken"), date_of(answer))


def _never(record: Record) -> bool:
    return False


FILE_SYSTEM = Kind("file system", file_system, _file_system_page, _never, whole=True)
ASSOCIATION = Kind("data repository association", association, _association_page, _never, whole=True)
