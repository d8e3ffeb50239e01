"""What FSx refuses of data repository tasks."""

from typing import Any

from ....faults import AwsError
from ....registry import Context
from ..association.record import associations_of
from ..documents import TASK, file_system
from ..tags.rules import check_tags
from .record import UNFINISHED, reached


def check(ctx: Context, request: dict[str, Any]) -> None:
    """Raise what AWS answers if this task cannot begin now."""
    id = request["FileSystemId"]
    file_system(ctx, id)
    check_tags(request.get("Tags", []))
    if not associations_of(ctx, id):
        text = f"File system {id} is not linked to a data repository."
        raise AwsError("BadRequest", text)
    report = request["Report"]
    if report["Enabled"] and not (report.get("Path") and report.get("Format") and report.get("Scope")):
        raise AwsError("BadRequest", "An enabled report needs Path, Format and Scope.")
    if any(t["FileSystemId"] == id and t["Lifecycle"] in UNFINISHED for t in ctx.store.all(TASK)):
        text = f"An existing data repository task is currently executing on the file system: {id}"
        raise AwsError("DataRepositoryTaskExecuting", text)
    if request["Type"] == "EXPORT_TO_REPOSITORY":
        _check_automatic_export(ctx, request)


def _check_automatic_export(ctx: Context, request: dict[str, Any]) -> None:
    """Automatic export is to be disabled before an export task; see the API reference of DeleteFileSystem."""
    for association, _ in reached(ctx, request["FileSystemId"], request.get("Paths", [])):
        if (association["S3"] or {}).get("AutoExportPolicy", {}).get("Events"):
            text = f"Automatic export of {association['AssociationId']} must be disabled before an export task."
            raise AwsError("BadRequest", text)
