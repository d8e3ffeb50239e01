"""Delete a data repository association; the data stays in S3, and on the file system unless asked otherwise."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import file_systems
from flytekitplugins_smfs.operations.base import Operation, now, timing
from flytekitplugins_smfs.values.lustre import Removed, UnlinkSpec
from flytekitplugins_smfs.values.operation import Handle, Owner, Phase, Progress


class UnlinkHandle(Handle):
    """An association being deleted."""

    association_id: str


class UnlinkRepository(Operation[UnlinkSpec, UnlinkHandle, Removed]):
    """FSx DeleteDataRepositoryAssociation, until it is gone."""

    name = "repository-unlink"
    spec_type = UnlinkSpec
    handle_type = UnlinkHandle
    result_type = Removed

    def start(self, aws: Aws, spec: UnlinkSpec, owner: Owner) -> UnlinkHandle:
        there = aws.at(spec.link.file_system.region)
        handle = UnlinkHandle(
            region=there.region, owner=owner, started_at=now(), association_id=spec.link.association_id
        )
        delete_data = spec.delete_data_in_file_system
        file_systems.remove_association(there, handle.association_id, delete_data=delete_data)
        return handle

    def look(self, aws: Aws, handle: UnlinkHandle) -> Progress[Removed]:
        if not file_systems.remove_association(aws, handle.association_id):
            return Progress(phase=Phase.RUNNING, message=f"{handle.association_id} is being deleted")
        removed = Removed(removed=(handle.association_id,), timing=timing(handle))
        return Progress(phase=Phase.SUCCEEDED, result=removed)

    def cancel(self, aws: Aws, handle: UnlinkHandle) -> bool:
        return True  # a deletion cannot be taken back, and nothing of it costs money

    def what(self, handle: UnlinkHandle) -> str:
        return f"deletion of {handle.association_id}"
