"""Delete a Lustre file system with its links; the data behind the links stays in S3."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.names import EXECUTION_TAG, execution_label
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, now, seen, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.removal import remove_association, remove_file_system
from flytekitplugins_smfs.values.lustre.deletion import DeleteSpec
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.removal import Removed


class DeleteHandle(Handle):
    """A file system being deleted; None when it was adopted and so is left alone."""

    file_system_id: str | None = None
    association_ids: tuple[str, ...] = ()
    """Links being deleted of a file system that is left alone; with one that is deleted, all go."""


class DeleteLustre(Operation[DeleteSpec, DeleteHandle, Removed]):
    """FSx DeleteFileSystem, until it is gone. An adopted file system is left, unless `include_adopted`; of the links
    that are named beside it, those go that were made with it."""

    name = "lustre-delete"
    spec_type = DeleteSpec
    handle_type = DeleteHandle
    result_type = Removed
    removes = True

    def start(self, aws: Aws, spec: DeleteSpec, owner: Owner, order: Order = NO_ORDER) -> DeleteHandle:
        system = spec.file_system
        ours = spec.include_adopted or not system.adopted
        if ours:
            remove_file_system(aws.at(system.region), system.id)
        links = () if ours else tuple(link.association_id for link in spec.links or () if not link.adopted)
        for link in links:
            remove_association(aws.at(system.region), link)
        gone = system.id if ours else None
        fields = {"region": system.region, "owner": owner, "started_at": now()}
        return DeleteHandle(file_system_id=gone, association_ids=links, **fields)

    def state(self, aws: Aws, handle: DeleteHandle) -> State:
        name = handle.file_system_id
        if name is None:
            return self._unlinking(aws, handle)
        known = seen(aws, records.FILE_SYSTEM, name, handle)
        going = known.record is not None and known.record["Lifecycle"] in records.GOING
        if not known.gone and (going or not remove_file_system(aws, name)):
            return State(Phase.RUNNING, f"{name} is being deleted", age=view(aws).age(known))
        return State(Phase.SUCCEEDED, age=view(aws).age(known))

    def _unlinking(self, aws: Aws, handle: DeleteHandle) -> State:
        gone = [remove_association(aws, link) for link in handle.association_ids]  # asks for all, not up to the first
        if all(gone):
            return State(Phase.SUCCEEDED, "It was adopted, so it stays")
        return State(Phase.RUNNING, "It was adopted, so it stays; links that were made to it are being deleted")

    def result(self, aws: Aws, handle: DeleteHandle, state: State) -> Removed:
        gone = (handle.file_system_id,) if handle.file_system_id else handle.association_ids
        return Removed(
            removed=gone,
            remaining=tuple(one for one in _going(aws, handle.owner.execution) if one not in gone),
            timing=timing(handle),
        )

    def cancel(self, aws: Aws, handle: DeleteHandle) -> bool:
        return True  # what is being deleted cannot be taken back, and carries the mark by which it is seen through

    def what(self, handle: DeleteHandle) -> str:
        return f"deletion of {handle.file_system_id or ', '.join(handle.association_ids) or 'nothing'}"

    def leaves(self, handle: DeleteHandle) -> str:
        gone = handle.file_system_id
        return f"{gone} costs money for as long as it is there: delete it by hand." if gone else ""


def _going(aws: Aws, execution: str) -> list[str]:
    """File systems of this execution that were to be removed and are still there. Those in use are none of them."""
    found = records.file_systems(aws, EXECUTION_TAG, execution_label(execution))
    return [str(one["FileSystemId"]) for one in found if records.dying(one)]
