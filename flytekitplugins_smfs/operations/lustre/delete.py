"""Delete a Lustre file system with its links; the data behind the links stays in S3."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import Operation, now, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.release import owned_by
from flytekitplugins_smfs.values.lustre.file_system import DeleteSpec, Removed
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress


class DeleteHandle(Handle):
    """A file system being deleted; None when it was adopted and so is left alone."""

    file_system_id: str | None


class DeleteLustre(Operation[DeleteSpec, DeleteHandle, Removed]):
    """FSx DeleteFileSystem, until it is gone. An adopted file system is left, unless `include_adopted`."""

    name = "lustre-delete"
    spec_type = DeleteSpec
    handle_type = DeleteHandle
    result_type = Removed

    def start(self, aws: Aws, spec: DeleteSpec, owner: Owner) -> DeleteHandle:
        system = spec.file_system
        ours = spec.include_adopted or not system.adopted
        there = aws.at(system.region)
        if ours:
            records.remove_file_system(there, system.id)
        kept = system.id if ours else None
        return DeleteHandle(region=system.region, owner=owner, started_at=now(), file_system_id=kept)

    def look(self, aws: Aws, handle: DeleteHandle) -> Progress[Removed]:
        gone = handle.file_system_id
        if gone and not records.remove_file_system(aws, gone):
            return Progress(phase=Phase.RUNNING, message=f"{gone} is being deleted")
        removed = Removed(
            removed=(gone,) if gone else (),
            remaining=tuple(owned_by(aws, handle.owner.execution)),
            timing=timing(handle),
        )
        return Progress(phase=Phase.SUCCEEDED, result=removed, message="" if gone else "It was adopted, so it stays")

    def cancel(self, aws: Aws, handle: DeleteHandle) -> bool:
        return True  # a deletion cannot be taken back, and nothing of it costs money

    def what(self, handle: DeleteHandle) -> str:
        return f"deletion of {handle.file_system_id}"
