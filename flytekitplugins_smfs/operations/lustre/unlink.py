"""Delete a data repository association; the data stays in S3, and on the file system unless asked otherwise."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations.base import Operation, now, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.values.lustre.file_system import Removed, UnlinkSpec
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress


class UnlinkHandle(Handle):
    """An association being deleted; None when it was adopted and so is left alone."""

    association_id: str | None


class UnlinkRepository(Operation[UnlinkSpec, UnlinkHandle, Removed]):
    """FSx DeleteDataRepositoryAssociation, until it is gone. An adopted one is left, unless `include_adopted`."""

    name = "repository-unlink"
    spec_type = UnlinkSpec
    handle_type = UnlinkHandle
    result_type = Removed

    def start(self, aws: Aws, spec: UnlinkSpec, owner: Owner) -> UnlinkHandle:
        there = aws.at(spec.link.file_system.region)
        link = spec.link.association_id if spec.include_adopted or not spec.link.adopted else None
        if link:
            records.remove_association(there, link, delete_data=spec.delete_data_in_file_system)
        return UnlinkHandle(region=there.region, owner=owner, started_at=now(), association_id=link)

    def look(self, aws: Aws, handle: UnlinkHandle) -> Progress[Removed]:
        gone = handle.association_id
        if gone and not records.remove_association(aws, gone):
            return Progress(phase=Phase.RUNNING, message=f"{gone} is being deleted")
        removed = Removed(removed=(gone,) if gone else (), timing=timing(handle))
        return Progress(phase=Phase.SUCCEEDED, result=removed, message="" if gone else "It was adopted, so it stays")

    def cancel(self, aws: Aws, handle: UnlinkHandle) -> bool:
        return True  # a deletion cannot be taken back, and nothing of it costs money

    def what(self, handle: UnlinkHandle) -> str:
        return f"deletion of {handle.association_id}"
