"""Delete a data repository association; the data stays in S3, and on the file system unless asked otherwise."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.aws.status import view
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, now, seen, timing
from flytekitplugins_smfs.operations.lustre import records
from flytekitplugins_smfs.operations.lustre.removal import remove_association
from flytekitplugins_smfs.values.lustre.link import UnlinkSpec
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.removal import Removed


class UnlinkHandle(Handle):
    """An association being deleted; None when it was adopted and so is left alone."""

    association_id: str | None = None


class UnlinkRepository(Operation[UnlinkSpec, UnlinkHandle, Removed]):
    """FSx DeleteDataRepositoryAssociation, until it is gone. An adopted one is left, unless `include_adopted`."""

    name = "repository-unlink"
    spec_type = UnlinkSpec
    handle_type = UnlinkHandle
    result_type = Removed
    removes = True

    def start(self, aws: Aws, spec: UnlinkSpec, owner: Owner, order: Order = NO_ORDER) -> UnlinkHandle:
        there = aws.at(spec.link.file_system.region)
        link = spec.link.association_id if spec.include_adopted or not spec.link.adopted else None
        if link:
            remove_association(there, link, delete_data=spec.delete_data_in_file_system)
        return UnlinkHandle(region=there.region, owner=owner, started_at=now(), association_id=link)

    def state(self, aws: Aws, handle: UnlinkHandle) -> State:
        name = handle.association_id
        if name is None:
            return State(Phase.SUCCEEDED, "It was adopted, so it stays")
        known = seen(aws, records.ASSOCIATION, name, handle)
        going = known.record is not None and known.record["Lifecycle"] in records.GOING
        if not known.gone and (going or not remove_association(aws, name)):
            return State(Phase.RUNNING, f"{name} is being deleted", age=view(aws).age(known))
        return State(Phase.SUCCEEDED, age=view(aws).age(known))

    def result(self, aws: Aws, handle: UnlinkHandle, state: State) -> Removed:
        gone = handle.association_id
        return Removed(removed=(gone,) if gone else (), timing=timing(handle))

    def cancel(self, aws: Aws, handle: UnlinkHandle) -> bool:
        return True  # a deletion cannot be taken back, and nothing of it costs money

    def what(self, handle: UnlinkHandle) -> str:
        return f"deletion of {handle.association_id or 'nothing'}"
