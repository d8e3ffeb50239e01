"""Remove everything that one execution made and that costs money by being there: jobs, links, file systems."""

from __future__ import annotations

from flytekitplugins_smfs.aws.door import Aws
from flytekitplugins_smfs.operations import inventory
from flytekitplugins_smfs.operations.base import NO_ORDER, Operation, now, timing
from flytekitplugins_smfs.values.operation import Handle, Order, Owner, Phase, State
from flytekitplugins_smfs.values.removal import ReleaseSpec, Removed


class ReleaseHandle(Handle):
    """What was found when the release began."""

    file_system_ids: tuple[str, ...] = ()
    """What is removed; the name is 0.1.0's, which removed nothing else."""


class Release(Operation[ReleaseSpec, ReleaseHandle, Removed]):
    """Remove what carries this execution's tag, until all is gone. Safe to run at any time and more than once."""

    name = "release"
    spec_type = ReleaseSpec
    handle_type = ReleaseHandle
    result_type = Removed
    removes = True

    def start(self, aws: Aws, spec: ReleaseSpec, owner: Owner, order: Order = NO_ORDER) -> ReleaseHandle:
        found = tuple(one.id for one in inventory.holdings(aws, owner.execution) if one.kind != "link")
        return ReleaseHandle(region=aws.region, owner=owner, started_at=now(), file_system_ids=found)

    def state(self, aws: Aws, handle: ReleaseHandle) -> State:
        left = inventory.remove(aws, handle.owner.execution)
        if left:
            return State(Phase.RUNNING, f"Being removed: {', '.join(one.id for one in left)}")
        return State(Phase.SUCCEEDED)

    def result(self, aws: Aws, handle: ReleaseHandle, state: State) -> Removed:
        return Removed(removed=handle.file_system_ids, timing=timing(handle))

    def cancel(self, aws: Aws, handle: ReleaseHandle) -> bool:
        return True  # what is being removed cannot be taken back, and carries the mark by which it is seen through

    def what(self, handle: ReleaseHandle) -> str:
        return f"release of what {handle.owner.execution} made"

    def leaves(self, handle: ReleaseHandle) -> str:
        return f"`smfs release {handle.owner.execution}` removes what is left."
